#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "spec.h"

// ICMP echo over datagram sockets (IPPROTO_ICMP, IPPROTO_ICMPV6): one socket per family and set of socket options serves all
// targets; a reply is matched by its source and its sequence number.
namespace probe {

class PingSockets {
 public:
  // `slot` is the engine's; a reply names it. `watch` is told of every descriptor to add to the engine's epoll, with EPOLLIN and a tag.
  struct Hooks {
    std::function<int(int fd, uint64_t tag)> watch;                 // 0 or errno
    std::function<void(uint32_t slot, int err)> on_answer;          // err 0: echo reply; else an errno (ICMP error)
  };
  explicit PingSockets(Hooks hooks);
  ~PingSockets();
  // Sends one echo request of 8 + 128 bytes. 0, or the errno of socket(2), setsockopt(2) or sendto(2).
  int Send(uint32_t slot, const Spec& spec);
  // The attempt of `slot` is over: a late reply means nothing any more.
  void Forget(uint32_t slot);
  // The descriptor with this tag is readable or in error.
  void OnReady(uint64_t tag);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace probe
