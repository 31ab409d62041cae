#include "syslog_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace launcher {
namespace {

constexpr const char* kIdent = "Keepalived";  // the name log filters look for

}  // namespace

SyslogSocket::SyslogSocket(std::string path, int facility)
    : path_(std::move(path)),
      facility_(facility),
      fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}

// RFC 3164 section 4.1 without the host, as syslogd on the same host expects it.
int SyslogSocket::Send(int priority, std::string_view text) const {
  sockaddr_un to{};
  if (!fd_) return EBADF;
  if (path_.size() >= sizeof to.sun_path) return ENAMETOOLONG;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, path_.data(), path_.size());
  const time_t now = ::time(nullptr);
  tm local{};
  std::array<char, 32> stamp{};
  ::strftime(stamp.data(), stamp.size(), "%h %e %T", ::localtime_r(&now, &local));
  std::array<char, 96> head{};
  std::snprintf(head.data(), head.size(), "<%d>%s %s[%d]: ", facility_ | priority, stamp.data(), kIdent,
                static_cast<int>(::getpid()));
  const std::string line = std::string(head.data()).append(text);
  const ssize_t sent =
      ::sendto(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return sent < 0 ? errno : 0;
}

}  // namespace launcher
