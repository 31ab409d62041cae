#include "probe_socket.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace probe {
namespace {

int SetInt(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : errno;
}

int Bind(int fd, const Address& from) {
  const Endpoint local = EndpointOf(from);
  // A port of the kernel's choice is chosen by connect(2), which may share it between targets; a fixed one was ours before, and may
  // still be in TIME_WAIT.
  const bool any_port = local.v4.sin_port == 0;  // at the same place in both families
  const int err =
      any_port ? SetInt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1) : SetInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (err != 0) return err;
  return ::bind(fd, &local.any, local.length()) == 0 ? 0 : errno;
}

int Apply(int fd, const SocketOptions& options) {
  int err = 0;
  if (!options.interface.empty()) {
    const auto length = static_cast<socklen_t>(options.interface.size());
    if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, options.interface.c_str(), length) != 0) err = errno;
  }
  if (err == 0 && options.mark != 0) err = SetInt(fd, SOL_SOCKET, SO_MARK, static_cast<int>(options.mark));
  if (err == 0 && options.bind) err = Bind(fd, *options.bind);
  return err;
}

}  // namespace

Endpoint EndpointOf(const Address& address) {
  Endpoint endpoint;
  std::memcpy(&endpoint.v6, &address.storage, std::min<size_t>(address.length, sizeof endpoint.v6));
  return endpoint;
}

Address AddressOf(const Endpoint& endpoint) {
  Address address;
  address.length = endpoint.length();
  std::memcpy(&address.storage, &endpoint.v6, address.length);
  return address;
}

Opened OpenSocket(sa_family_t family, int type, const SocketOptions* options) {
  UniqueFd fd(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {{}, errno};
  if (options != nullptr) {
    const int err = Apply(fd.get(), *options);
    if (err != 0) return {{}, err};
  }
  return {std::move(fd), 0};
}

int StartConnect(int fd, const Endpoint& target, bool speaks_first) {
  // A failure here costs a packet, no more.
  if (speaks_first) SetInt(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
  return ::connect(fd, &target.any, target.length()) == 0 || errno == EINPROGRESS ? 0 : errno;
}

bool Disconnect(int fd) {
  constexpr sockaddr kNobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  return ::connect(fd, &kNobody, sizeof kNobody) == 0;
}

bool IsSelfConnected(int fd, const Endpoint& target) {
  if (ntohs(target.v4.sin_port) < IPPORT_RESERVED) return false;  // the kernel chooses none of these
  Endpoint local;
  socklen_t length = sizeof local.v6;
  if (::getsockname(fd, &local.any, &length) != 0 || local.v4.sin_port != target.v4.sin_port) return false;
  if (local.any.sa_family != target.any.sa_family) return false;
  if (target.any.sa_family == AF_INET) return local.v4.sin_addr.s_addr == target.v4.sin_addr.s_addr;
  return IN6_ARE_ADDR_EQUAL(&local.v6.sin6_addr, &target.v6.sin6_addr);
}

int PendingError(int fd) {
  int err = 0;
  socklen_t length = sizeof err;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length) == 0 ? err : errno;
}

void ResetAndClose(UniqueFd fd) {
  constexpr linger kAtOnce{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce);
}

}  // namespace probe
