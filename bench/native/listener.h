#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "../../native-bindings/src/unique_fd.h"
#include "target_options.h"

namespace bench {

// A listening socket on all addresses of one family. One on 0.0.0.0 serves all of 127/8. It keeps its port while it is down.
class Listener {
 public:
  Listener(Mode mode, bool shared) : mode_(mode), shared_(shared) {}
  // 0 or errno. Port 0: any; see port().
  int Open(sa_family_t family, uint16_t port);
  // From any thread. After Down() connects are refused and connections that were not accepted are reset.
  int Up();
  void Down();

  int fd() const { return fd_.get(); }
  uint16_t port() const { return port_; }
  Mode mode() const { return mode_; }

 private:
  // Takes the one place in the queue, so that the kernel drops every SYN after it.
  void FillQueue();

  Mode mode_;
  bool shared_;  // with other threads: SO_REUSEPORT
  sa_family_t family_ = 0;
  uint16_t port_ = 0;
  UniqueFd fd_;
  UniqueFd filler_;
};

}  // namespace bench
