#include "raw_filter.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "args.h"
#include "raw_ipv6.h"

namespace {

constexpr int kFirstFd = 3;  // after standard input, output and error
constexpr int kNear = 64;    // descriptors from `from` on that are looked at first

int Option(int fd, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

// The socket is somebody else's, who neither shows its descriptor nor says when he closes it: it is known by a number that
// was put into SO_RCVLOWAT, of which nothing depends for sockets of datagrams.
bool IsIt(int fd, int protocol, int label) {
  return Option(fd, SO_RCVLOWAT) == label && Option(fd, SO_PROTOCOL) == protocol && Option(fd, SO_TYPE) == SOCK_RAW &&
         Option(fd, SO_DOMAIN) == AF_INET;
}

int EndOfFds() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<int>(std::min<rlim_t>(limit.rlim_cur, INT_MAX)) : 0;
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// The open descriptor of which `is` is true; -1: none. A limit of a million descriptors is a tenth of a second, so only without /proc
// all that could be open are asked.
template <typename Is>
int FindOpen(Is&& is) {
  const std::unique_ptr<DIR, CloseDir> dir(::opendir("/proc/self/fd"));
  if (dir == nullptr) {
    for (int fd = kFirstFd, end = EndOfFds(); fd < end; fd++)
      if (is(fd)) return fd;
    return -1;
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const int fd = std::atoi(entry->d_name);  // "." and ".." give 0
    if (fd >= kFirstFd && is(fd)) return fd;
  }
  return -1;
}

int FindLabelled(int protocol, int label, int from) {
  const auto is = [&](int fd) { return IsIt(fd, protocol, label); };
  for (int fd = from; fd - from < kNear; fd++)
    if (is(fd)) return fd;
  return FindOpen(is);
}

Napi::Value Find(const Napi::CallbackInfo& info) {
  const auto protocol = args::Integer<int>(info[0]);
  const auto label = args::Integer<int>(info[1]);
  const auto from = args::Integer<int>(info[2]);
  if (!protocol || !label || !from || *from < kFirstFd) {
    args::ThrowUsage(info.Env(), "findRawSocket(protocol: integer, label: integer, from: integer >= 3)");
    return {};
  }
  return Napi::Number::New(info.Env(), FindLabelled(*protocol, *label, *from));
}

Napi::Value Set(const Napi::CallbackInfo& info) {
  const auto fd = args::Integer<int>(info[0]);
  const auto protocol = args::Integer<int>(info[1]);
  const auto label = args::Integer<int>(info[2]);
  const auto program = args::Bytes(info[3]);
  if (!fd || !protocol || !label || !program) {
    constexpr const char* kUsage =
        "setRawSocketFilter(fd: integer, protocol: integer, label: integer, program: Uint8Array)";
    args::ThrowUsage(info.Env(), kUsage);
    return {};
  }
  const int err = IsIt(*fd, *protocol, *label) ? ipv6::SetFilter(*fd, *program) : EBADF;
  return Napi::Number::New(info.Env(), err);
}

bool IsAddress(const sockaddr_storage& known, std::span<const std::byte> address, uint16_t port) {
  if (known.ss_family == AF_INET && address.size() == sizeof(in_addr)) {
    sockaddr_in v4;
    std::memcpy(&v4, &known, sizeof v4);
    return v4.sin_port == htons(port) && std::memcmp(&v4.sin_addr, address.data(), address.size()) == 0;
  }
  if (known.ss_family != AF_INET6 || address.size() != sizeof(in6_addr)) return false;
  sockaddr_in6 v6;
  std::memcpy(&v6, &known, sizeof v6);
  return v6.sin6_port == htons(port) && std::memcmp(&v6.sin6_addr, address.data(), address.size()) == 0;
}

// Of a connected socket both ends are known, and no other one has them.
bool IsBetween(int fd, std::span<const std::byte> local, std::span<const std::byte> peer, uint16_t port) {
  sockaddr_storage own{}, other{};
  socklen_t own_bytes = sizeof own, other_bytes = sizeof other;
  return Option(fd, SO_TYPE) == SOCK_DGRAM && ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_bytes) == 0 &&
         ::getpeername(fd, reinterpret_cast<sockaddr*>(&other), &other_bytes) == 0 && IsAddress(own, local, port) &&
         IsAddress(other, peer, port);
}

Napi::Value SetUdp(const Napi::CallbackInfo& info) {
  const auto local = args::Bytes(info[0]), peer = args::Bytes(info[1]);
  const auto port = args::Integer<uint16_t>(info[2]);
  const auto program = args::Bytes(info[3]);
  if (!local || !peer || !port || !program) {
    constexpr const char* kUsage =
        "setUdpSocketFilter(local: Uint8Array, peer: Uint8Array, port: integer, program: Uint8Array)";
    args::ThrowUsage(info.Env(), kUsage);
    return {};
  }
  const int fd = FindOpen([&](int each) { return IsBetween(each, *local, *peer, *port); });
  return Napi::Number::New(info.Env(), fd < 0 ? ENOENT : ipv6::SetFilter(fd, *program));
}

}  // namespace

void DefineRawFilter(Napi::Env env, Napi::Object exports) {
  exports.Set("findRawSocket", Napi::Function::New<Find>(env, "findRawSocket"));
  exports.Set("setRawSocketFilter", Napi::Function::New<Set>(env, "setRawSocketFilter"));
  exports.Set("setUdpSocketFilter", Napi::Function::New<SetUdp>(env, "setUdpSocketFilter"));
}
