#include "systemd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace launcher {
namespace {

std::string TakeFromEnvironment(const char* name) {
  const char* value = ::getenv(name);
  std::string out = value == nullptr ? "" : value;
  ::unsetenv(name);
  return out;
}

int64_t NumberOr(const std::string& text, int64_t otherwise) {
  int64_t number = otherwise;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : otherwise;
}

// READY, STATUS, ...: a later one makes an earlier one of its kind void.
std::string_view KindOf(std::string_view lines) { return lines.substr(0, lines.find('=')); }

}  // namespace

SystemdNotifier::SystemdNotifier(pid_t started_as) : address_(TakeFromEnvironment("NOTIFY_SOCKET")) {
  const int64_t period_us = NumberOr(TakeFromEnvironment("WATCHDOG_USEC"), 0);
  const int64_t pid = NumberOr(TakeFromEnvironment("WATCHDOG_PID"), started_as);
  if (pid == started_as && period_us > 0) watchdog_us_ = period_us;
  if (!address_.empty()) fd_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void SystemdNotifier::Send(std::string_view lines) {
  Flush();
  if (unsent_.empty() && Deliver(lines)) return;
  std::erase_if(unsent_, [&](const std::string& other) { return KindOf(other) == KindOf(lines); });
  unsent_.emplace_back(lines);
}

void SystemdNotifier::Flush() {
  while (!unsent_.empty() && Deliver(unsent_.front())) unsent_.pop_front();
}

bool SystemdNotifier::Deliver(std::string_view lines) const {
  sockaddr_un to{};
  if (!fd_ || address_.size() >= sizeof to.sun_path) return true;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';  // abstract: the length, not a NUL, ends the name
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const ssize_t sent =
      ::sendto(fd_.get(), lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length);
  return sent >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS);
}

void SystemdNotifier::SendReloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t us = static_cast<int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  Send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

}  // namespace launcher
