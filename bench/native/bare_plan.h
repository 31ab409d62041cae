#pragma once
#include <netinet/in.h>

#include <cstdint>
#include <optional>

namespace bench {

enum class Check : uint8_t { kTcp, kHttp, kTls };
enum class Loop : uint8_t { kEpoll, kUring };

// What a bare loop is to do.
struct Plan {
  Check check = Check::kTcp;
  Loop loop = Loop::kEpoll;
  sockaddr_in target{};       // the first address
  uint32_t addresses = 1;     // that many after one another, in turns
  uint32_t concurrency = 64;  // at most so many under way
  uint64_t count = 10'000;
  uint32_t rate = 0;          // starts a second, as a checker's timers pace them; 0: as fast as it goes
  bool reuse = false;         // epoll: sockets are disconnected by connect(AF_UNSPEC), which resets as well, and used again
  bool resume = false;        // TLS: offer the session of the last handshake with the same address
};

std::optional<Plan> ParsePlan(int argc, char** argv);

// The n-th start's address.
inline sockaddr_in TargetOf(const Plan& plan, uint64_t n) {
  sockaddr_in address = plan.target;
  address.sin_addr.s_addr = htonl(ntohl(address.sin_addr.s_addr) + static_cast<uint32_t>(n % plan.addresses));
  return address;
}

}  // namespace bench
