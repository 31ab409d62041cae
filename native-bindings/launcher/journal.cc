#include "journal.h"

#include <syslog.h>
#include <time.h>

#include <array>
#include <cstdarg>
#include <cstdio>

namespace launcher {

Journal::Journal(To to, int facility) : to_(to) {
  if (to_ == To::kSyslog) ::openlog("Keepalived", LOG_PID | LOG_NDELAY, facility);  // the name log filters look for
}

void Journal::Line(int priority, const char* format, ...) {
  std::array<char, 1024> text{};
  va_list args;
  va_start(args, format);
  std::vsnprintf(text.data(), text.size(), format, args);
  va_end(args);
  if (to_ == To::kSyslog) ::syslog(priority, "%s", text.data());
  if (to_ != To::kConsole) return;
  const time_t now = ::time(nullptr);
  tm local{};
  std::array<char, 64> stamp{};
  ::strftime(stamp.data(), stamp.size(), "%c", ::localtime_r(&now, &local));
  std::fprintf(stderr, "%s: %s\n", stamp.data(), text.data());
}

void Journal::Stray(std::string_view text) {
  if (to_ == To::kSyslog) ::syslog(LOG_WARNING, "%.*s", static_cast<int>(text.size()), text.data());
}

}  // namespace launcher
