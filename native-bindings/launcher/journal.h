#pragma once
#include <string_view>

namespace launcher {

// The launcher's own few lines: to stderr in the foreground, to syslog(3) in the background.
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
  To to_;
};

}  // namespace launcher
