#include "raw_filter.h"

#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>

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

bool IsRawIpv4(int fd, int protocol) {
  return Option(fd, SO_PROTOCOL) == protocol && Option(fd, SO_TYPE) == SOCK_RAW && Option(fd, SO_DOMAIN) == AF_INET;
}

// Asked for no instructions, the kernel answers with their number.
bool HasFilter(int fd) {
  socklen_t count = 0;
  return ::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, nullptr, &count) == 0 && count > 0;
}

int FindUnfiltered(int protocol, int from) {
  rlimit limit{};
  const int end = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<int>(limit.rlim_cur) : 0;
  const auto is_it = [protocol](int fd) { return IsRawIpv4(fd, protocol) && !HasFilter(fd); };
  for (int fd = from; fd < end && fd - from < kNear; fd++)
    if (is_it(fd)) return fd;
  for (int fd = kFirstFd; fd < end; fd++)
    if (is_it(fd)) return fd;
  return -1;
}

Napi::Value Find(const Napi::CallbackInfo& info) {
  const auto protocol = args::Integer<int>(info[0]);
  const auto from = args::Integer<int>(info[1]);
  if (!protocol || !from || *from < kFirstFd) {
    args::ThrowUsage(info.Env(), "findUnfilteredRawSocket(protocol: integer, from: integer >= 3)");
    return {};
  }
  return Napi::Number::New(info.Env(), FindUnfiltered(*protocol, *from));
}

Napi::Value Set(const Napi::CallbackInfo& info) {
  const auto fd = args::Integer<int>(info[0]);
  const auto protocol = args::Integer<int>(info[1]);
  const auto program = args::Bytes(info[2]);
  if (!fd || !protocol || !program) {
    args::ThrowUsage(info.Env(), "setRawSocketFilter(fd: integer, protocol: integer, program: Uint8Array)");
    return {};
  }
  // The socket is somebody else's, who may have closed it: its number may be that of another one by now.
  const int err = IsRawIpv4(*fd, *protocol) ? ipv6::SetFilter(*fd, *program) : EBADF;
  return Napi::Number::New(info.Env(), err);
}

}  // namespace

void DefineRawFilter(Napi::Env env, Napi::Object exports) {
  exports.Set("findUnfilteredRawSocket", Napi::Function::New<Find>(env, "findUnfilteredRawSocket"));
  exports.Set("setRawSocketFilter", Napi::Function::New<Set>(env, "setRawSocketFilter"));
}
