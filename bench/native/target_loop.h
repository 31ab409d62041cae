#pragma once
#include <sys/epoll.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "../../native-bindings/src/unique_fd.h"
#include "listener.h"
#include "target.h"

namespace bench {

// One thread's epoll over its own listeners and their connections.
class TargetLoop {
 public:
  TargetLoop();
  // False: no epoll to be had.
  bool ok() const { return static_cast<bool>(epoll_); }
  // Before Run(). `listener` and `target` outlive the loop.
  bool Add(Listener& listener, Target& target);
  // Like Listener::Up() and Down(), for all of this port, from any thread. False: Up() failed.
  bool Up(uint16_t port);
  void Down(uint16_t port);
  [[noreturn]] void Run();

  bool Watch(int fd, Target& target);
  // Events of `fd` mean nothing any more; it stays open.
  void Forget(int fd);

 private:
  struct Door {
    Listener* listener;
    Target* target;
    uint64_t look_at_ns = 0;  // 0: when epoll says so
  };

  int Arm(int operation, size_t door);
  void Dispatch(const epoll_event& event);
  // All that wait. True: the door is to be armed again; it is not while it is down, nor while descriptors are short.
  bool Accept(Door& door);
  void RunDue();
  void RunSeconds(uint64_t now);
  int WaitMs() const;

  UniqueFd epoll_;
  std::vector<Door> doors_;
  std::vector<Target*> by_descriptor_;
  std::vector<Target*> ticking_;  // want OnSecond()
  uint64_t next_second_ns_ = 0;
  uint32_t doors_due_ = 0;
};

}  // namespace bench
