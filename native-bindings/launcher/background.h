#pragma once
#include <sys/types.h>

#include "../src/unique_fd.h"

namespace launcher {

// How the launcher in the background tells the process that the user started what to exit with.
class Foreground {
 public:
  Foreground() = default;  // there is none: we are in the foreground ourselves
  explicit Foreground(UniqueFd pipe) : pipe_(std::move(pipe)) {}

  bool waiting() const { return static_cast<bool>(pipe_); }
  // The waiting process exits with `code`; later calls do nothing. `ready`: the daemon runs, else it has ended.
  void Release(bool ready, int code);

 private:
  UniqueFd pipe_;
};

// Forks. In the child, which leads a session of its own, returns; the caller goes on as the launcher.
// The parent waits for Release(), passes on the signals that it gets meanwhile, and exits.
// When forking fails this says so and exits with 1.
Foreground GoToBackground();

// Standard streams to /dev/null and the directory to /: nothing of where we were started is held any longer.
void LetGoOfTerminal();

}  // namespace launcher
