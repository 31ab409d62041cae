#include "journal.h"

#include <poll.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace launcher {
namespace {

std::string LogSocketPath() {
  const char* path = ::secure_getenv("HOLDFAST_DEV_LOG");
  return path == nullptr ? "/dev/log" : path;
}

// Standard error may be a pipe, or journald's socket; its flags are not ours alone, so that it cannot be made non-blocking.
bool HasRoom(int fd) {
  pollfd watched{fd, POLLOUT, 0};
  return ::poll(&watched, 1, 0) == 1;
}

bool ToConsole(std::string_view text) {
  const time_t now = ::time(nullptr);
  tm local{};
  std::array<char, 64> stamp{};
  ::strftime(stamp.data(), stamp.size(), "%c", ::localtime_r(&now, &local));
  const std::string line = std::string(stamp.data()) + ": " + std::string(text) + "\n";
  if (!HasRoom(STDERR_FILENO)) return false;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  return true;
}

}  // namespace

Journal::Journal(To to, int facility) : to_(to) {
  if (to_ == To::kSyslog) syslog_.emplace(LogSocketPath(), facility);
}

void Journal::Line(int priority, const char* format, ...) {
  std::array<char, 1024> text{};
  va_list args;
  va_start(args, format);
  std::vsnprintf(text.data(), text.size(), format, args);
  va_end(args);
  Put(priority, text.data());
}

void Journal::Stray(std::string_view text) {
  if (to_ == To::kSyslog) Put(LOG_WARNING, text);
}

void Journal::Put(int priority, std::string_view text) {
  if (to_ == To::kNowhere) return;
  if (dropped_ > 0 && TryPut(LOG_WARNING, std::to_string(dropped_) + " log messages of the launcher were dropped"))
    dropped_ = 0;
  if (dropped_ > 0 || !TryPut(priority, text)) dropped_++;
}

// @returns false when the line is lost, and somebody may want to know.
bool Journal::TryPut(int priority, std::string_view text) const {
  if (!syslog_) return ToConsole(text);
  const int err = syslog_->Send(priority, text);
  return err == 0 || err == ENOENT;  // without /dev/log, as in most containers, nobody waits for a line
}

}  // namespace launcher
