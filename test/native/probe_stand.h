#pragma once
// Servers on loopback for the tests of the probe engine, and a loop that turns it.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../../native-bindings/probe/engine.h"
#include "../../native-bindings/probe/engine_parts.h"
#include "../../native-bindings/src/unique_fd.h"
#include "check.h"

namespace stand {

using namespace probe;

inline sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A listening socket on loopback. The kernel completes connections without anybody's accept(2), up to the backlog.
struct Listener {
  explicit Listener(int backlog) : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = Loopback(0);
    CHECK(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    CHECK(::listen(fd.get(), backlog) == 0);
    socklen_t length = sizeof address;
    CHECK(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port = ntohs(address.sin_port);
  }
  UniqueFd fd;
  uint16_t port = 0;
};

// A listener whose queue is full: SYNs are dropped.
struct Silence : Listener {
  Silence() : Listener(0) {
    for (UniqueFd& filler : fillers) {
      filler = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      const sockaddr_in address = Loopback(port);
      ::connect(filler.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
  }
  std::array<UniqueFd, 4> fillers;
};

// A port that refuses: it was ours just now.
inline uint16_t RefusingPort() { return Listener(0).port; }

// Servers are threads, which a busy machine keeps waiting: the time-out is short only where it is what is asked for.
inline constexpr uint32_t kPatienceMs = 10'000;
inline constexpr uint32_t kShortMs = 300;

inline Spec SpecOf(Kind kind, uint16_t port) {
  Spec spec;
  spec.kind = kind;
  const sockaddr_in address = Loopback(port);
  std::memcpy(&spec.target.storage, &address, sizeof address);
  spec.target.length = sizeof address;
  spec.timeout_ms = kPatienceMs;
  spec.interval_ms = 1;
  spec.quiet_fail_interval_ms = 1;
  return spec;
}

inline Spec Impatient(Spec spec) {
  spec.timeout_ms = kShortMs;
  return spec;
}

inline Spec Page(uint16_t port) {
  Spec spec = SpecOf(Kind::kHttp, port);
  Url url;
  url.request = "GET / HTTP/1.0\r\n\r\n";
  url.expect.status = {{200, 299}};
  spec.urls = std::make_shared<const std::vector<Url>>(2, url);
  return spec;
}

struct Bench {
  explicit Bench(const Limits& limits = {}) {
    int error = 0;
    engine = Engine::Create(limits, error);
    CHECK(engine != nullptr);
  }
  // Turns until `done` or 30 s have passed.
  template <typename Done>
  void Until(Done&& done) {
    const uint64_t deadline = NowUs() + 30'000'000;
    while (!done() && NowUs() < deadline) {
      const int wait = engine->Run();
      std::array<Result, 64> some;
      while (const size_t count = engine->TakeResults(some)) results.insert(results.end(), some.begin(), some.begin() + count);
      pollfd readable{engine->fd(), POLLIN, 0};
      if (!done()) ::poll(&readable, 1, wait < 0 ? 100 : wait);
    }
    CHECK(done());
  }
  void UntilResults(size_t count) {
    Until([&] { return results.size() >= count; });
  }
  // What was armed for at once is due at the next millisecond, which now and then lies between two of them.
  static void AwaitDue() { ::usleep(2'000); }
  std::unique_ptr<Engine> engine;
  std::vector<Result> results;
};

inline Outcome OutcomeOf(const Result& result) { return static_cast<Outcome>(result.outcome_url & 255); }
inline Reason ReasonOf(const Result& result) { return static_cast<Reason>(result.outcome_url >> 12 & 15); }

inline size_t OpenFiles() {
  size_t count = 0;
  for (int fd = 0; fd < 1024; fd++) count += ::fcntl(fd, F_GETFD) >= 0;
  return count;
}

// Calls `serve(fd)` for each connection until the listener is shut down.
template <typename Serve>
struct Server : Listener {
  explicit Server(Serve serve) : Listener(64), thread([this, serve] {
                                   for (;;) {
                                     const UniqueFd peer(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
                                     if (!peer) return;
                                     serve(peer.get());
                                   }
                                 }) {}
  ~Server() {
    ::shutdown(fd.get(), SHUT_RD);
    thread.join();
  }
  std::thread thread;
};

inline void Say(int fd, std::string_view text) { ::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }

}  // namespace stand
