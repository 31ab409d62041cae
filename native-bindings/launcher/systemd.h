#pragma once
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "../src/unique_fd.h"

namespace launcher {

// systemd's notification protocol (sd_notify(3)) without its library. Does nothing when NOTIFY_SOCKET is not set.
class SystemdNotifier {
 public:
  // Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment: they are ours, not the daemon's.
  // `started_as`: the pid that systemd may have put into WATCHDOG_PID (ours before going to the background).
  explicit SystemdNotifier(pid_t started_as);
  SystemdNotifier(const SystemdNotifier&) = delete;
  SystemdNotifier& operator=(const SystemdNotifier&) = delete;

  // Lines as in sd_notify(3), separated by line feeds. Never blocks; an unreachable manager is ignored. What a busy one does not
  // take waits for Flush(), the latest of each kind: without READY=1 a service that works would be ended by TimeoutStartSec.
  void Send(std::string_view lines);
  // RELOADING=1 with the time that systemd wants with it.
  void SendReloading();
  // Once more, in order, as far as the manager takes it.
  void Flush();
  bool waits() const { return !unsent_.empty(); }
  // Microseconds; 0 when no watchdog is asked for.
  int64_t watchdog_us() const { return watchdog_us_; }

  // No poll(2) tells of room in a socket that one is not connected with: whoever waits looks this often.
  static constexpr int kRetryMs = 100;

 private:
  // @returns false when there is no room for it now.
  bool Deliver(std::string_view lines) const;

  std::deque<std::string> unsent_;
  std::string address_;
  UniqueFd fd_;
  int64_t watchdog_us_ = 0;
};

}  // namespace launcher
