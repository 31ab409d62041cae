#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine.h"
#include "http_reader.h"
#include "probe_socket.h"
#include "smtp_dialogue.h"
#include "socket_pool.h"
#include "tls.h"

namespace probe {

// What an attempt waits for.
enum class Step : uint8_t {
  kConnecting,
  kHandshaking,
  kSending,
  kReading,
  kClosing,  // the answer is judged; the peer's close_notify is awaited
  kPinging,
  kExchanging,  // a datagram was sent
  kTalking,     // SMTP
};

// One attempt under way.
struct Attempt {
  uint32_t slot = 0;
  // Tells it from an earlier one with the same number, whose event may come late. 0: nobody's.
  uint32_t generation = 0;
  UniqueFd fd;
  uint32_t pooled = SocketPool::kNone;  // number of the socket, if the pool gets it back
  Step step = Step::kConnecting;
  Stage stage = Stage::kConnect;
  bool readable = false;     // data, or the end, came before we were ready to read
  bool peer_closed = false;  // after what is in the receive buffer comes nothing
  bool unfinished = false;   // reads on in the next turn
  uint16_t query_id = 0;     // DNS
  uint32_t sent = 0;         // bytes of the request
  uint64_t started_us = 0;
  Times times;
  // As armed when it started.
  uint32_t arming = 0;
  uint32_t url = 0;
  Quiet quiet = Quiet::kNothing;
  // Borrowed from the engine's pools; null where the kind needs none.
  std::unique_ptr<HttpReader> reader;
  std::unique_ptr<TlsSession> tls;
  std::unique_ptr<SmtpDialogue> dialogue;
  Verdict verdict;  // in kClosing
};

// Objects that cost more to make than to keep. More than a turn needs is not kept after a storm.
template <typename T>
class Pool {
 public:
  std::unique_ptr<T> Take() {
    if (idle_.empty()) return std::make_unique<T>();
    std::unique_ptr<T> item = std::move(idle_.back());
    idle_.pop_back();
    return item;
  }
  void Give(std::unique_ptr<T> item) {
    if (item != nullptr && idle_.size() < kKept) idle_.push_back(std::move(item));
  }

 private:
  static constexpr size_t kKept = 256;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace probe
