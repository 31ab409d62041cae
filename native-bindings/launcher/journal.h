#pragma once
#include <optional>
#include <string_view>

#include "syslog_socket.h"

namespace launcher {

// The launcher's own few lines: to stderr in the foreground, to syslog in the background. Nothing here waits for who reads them: a
// line that finds no room is dropped, and the next one that finds some says how many were.
class Journal {
 public:
  enum class To { kConsole, kSyslog, kNowhere };

  // `facility` as in syslog(3).
  Journal(To to, int facility);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // `priority` as in syslog(3). One line.
  [[gnu::format(printf, 3, 4)]] void Line(int priority, const char* format, ...);
  // A line that the daemon wrote to its standard streams after it went to the background: a stack trace, say.
  void Stray(std::string_view text);

 private:
  void Put(int priority, std::string_view text);
  bool TryPut(int priority, std::string_view text) const;

  To to_;
  std::optional<SyslogSocket> syslog_;
  unsigned dropped_ = 0;
};

}  // namespace launcher
