#include "listener.h"

#include <netinet/in.h>

#include <cerrno>

namespace bench {
namespace {

constexpr int kBacklog = 65535;

struct AnyAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

AnyAddress WithPort(sa_family_t family, uint16_t port, bool loopback) {
  AnyAddress address;
  if (family == AF_INET) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    *v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(loopback ? INADDR_LOOPBACK : INADDR_ANY)}, .sin_zero = {}};
    address.length = sizeof(sockaddr_in);
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    v6->sin6_addr = loopback ? in6addr_loopback : in6addr_any;
    address.length = sizeof(sockaddr_in6);
  }
  return address;
}

// The kernel takes back a port that it chose itself when the socket is shut down, so it is only asked which one is free.
uint16_t FreePort(sa_family_t family) {
  const UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  AnyAddress address = WithPort(family, 0, false);
  if (bind(fd.get(), address.get(), address.length) != 0) return 0;
  getsockname(fd.get(), address.get(), &address.length);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port);  // at the same place in both families
}

void Switch(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

}  // namespace

int Listener::Open(sa_family_t family, uint16_t port) {
  family_ = family;
  fd_ = UniqueFd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return errno;
  Switch(fd_.get(), SOL_SOCKET, SO_REUSEADDR);
  if (shared_) Switch(fd_.get(), SOL_SOCKET, SO_REUSEPORT);
  if (family == AF_INET6) Switch(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  port_ = port != 0 ? port : FreePort(family);
  AnyAddress address = WithPort(family, port_, false);
  if (bind(fd_.get(), address.get(), address.length) != 0) return errno;
  return Up();
}

int Listener::Up() {
  if (listen(fd_.get(), mode_ == Mode::kAcceptNever ? 0 : kBacklog) != 0) return errno;
  if (mode_ == Mode::kAcceptNever) FillQueue();
  return 0;
}

// Not close(): the socket belongs to the loop of another thread. What Linux shuts down stops to listen, and can listen again.
void Listener::Down() {
  shutdown(fd_.get(), SHUT_RDWR);
}

void Listener::FillQueue() {
  filler_ = UniqueFd(socket(family_, SOCK_STREAM | SOCK_CLOEXEC, 0));
  AnyAddress address = WithPort(family_, port_, true);
  connect(filler_.get(), address.get(), address.length);
}

}  // namespace bench
