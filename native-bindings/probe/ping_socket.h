#pragma once
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>

#include "../src/unique_fd.h"
#include "spec.h"

namespace probe {

// IPv4 in the first four octets, or IPv6: what a reply is matched by, beside its sequence number.
using PingAddress = std::array<std::byte, 16>;
PingAddress PingAddressOf(const sockaddr_storage& from);

// One ICMP socket, and the echo requests that wait for an answer through it.
class PingSocket {
 public:
  // A datagram socket, for which the kernel keeps identifier and checksum, where net.ipv4.ping_group_range admits us; else, with
  // CAP_NET_RAW, a raw one. Null: `error` is an errno, EACCES when neither is permitted.
  static std::shared_ptr<PingSocket> Open(int family, const SocketOptions* options, int& error);

  int fd() const { return fd_.get(); }
  int family() const { return family_; }
  bool full() const { return waiting_.size() == kSequenceNumbers; }
  bool idle() const { return waiting_.empty(); }

  // Sends a request with a number that no other one has, and notes it. 0, or an errno.
  int Send(uint32_t slot, const Address& target, uint16_t& sequence);
  void Forget(uint16_t sequence) { waiting_.erase(sequence); }

  // Reads what is there, within a bound. `on_answer` gets each request that is answered, and an errno or 0; the request is forgotten
  // before, so it may call Send() and Forget().
  using OnAnswer = std::function<void(uint32_t slot, int error)>;
  void Receive(const OnAnswer& on_answer);

 private:
  static constexpr size_t kSequenceNumbers = 65'535;  // all but 0
  struct Waiting {
    uint32_t slot;
    PingAddress target;
  };

  PingSocket() = default;
  int Prepare(const SocketOptions* options);
  int Transmit(std::span<const std::byte> packet, const Address& target);
  void ReceiveReplies(const OnAnswer& on_answer);
  void ReceiveErrors(const OnAnswer& on_answer);
  // `packet` begins with an ICMP header of type `type`.
  void Answered(std::span<const std::byte> packet, uint8_t type, const PingAddress& target, int error, const OnAnswer& on_answer);

  UniqueFd fd_;
  int family_ = AF_INET;
  bool raw_ = false;
  uint16_t identifier_ = 0;     // of a raw socket, host order
  uint16_t last_sequence_ = 0;  // so that the first is 1
  std::unordered_map<uint16_t, Waiting> waiting_;
};

}  // namespace probe
