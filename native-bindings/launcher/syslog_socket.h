#pragma once
#include <string>
#include <string_view>

#include "../src/unique_fd.h"

namespace launcher {

// What syslog(3) sends, without its wait: it hangs while syslogd is stopped and its queue is full, and the launcher with it. Not
// connected, so that a restarted syslogd is found again.
class SyslogSocket {
 public:
  // `facility` as in syslog(3).
  SyslogSocket(std::string path, int facility);

  // `priority` as in syslog(3). @returns 0 or a positive errno: EAGAIN when there is no room, ENOENT without a syslogd.
  int Send(int priority, std::string_view text) const;

 private:
  std::string path_;
  int facility_;
  UniqueFd fd_;
};

}  // namespace launcher
