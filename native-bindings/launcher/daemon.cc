#include "daemon.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace launcher {
namespace {

// Signals to a daemon that does not read: enough for thousands, then it is told no more.
constexpr size_t kMaxUnsent = 64 * 1024;

}  // namespace

void Daemon::Send(std::string_view line) {
  if (unsent_.size() + line.size() >= kMaxUnsent) return;
  unsent_.append(line).push_back('\n');
  Flush();
}

void Daemon::Flush() {
  while (!unsent_.empty() && node_.link) {
    const ssize_t sent = ::send(node_.link.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (sent < 0) return unsent_.clear();  // it is gone; SIGCHLD says the rest
    unsent_.erase(0, static_cast<size_t>(sent));
  }
}

bool Daemon::ReadSome(UniqueFd& fd, std::string& bytes) {
  if (!fd) return false;
  std::array<char, 4096> chunk;
  ssize_t got = 0;
  do got = ::read(fd.get(), chunk.data(), chunk.size());
  while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (got <= 0) fd.Reset();
  if (got > 0) bytes.assign(chunk.data(), static_cast<size_t>(got));
  return got > 0;
}

}  // namespace launcher
