#include "unix_datagram.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "args.h"
#include "errno_error.h"

namespace {

// @returns 0 or a positive errno.
int SendTo(int fd, const std::string& path, std::span<const std::byte> bytes) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path.empty()) return ENOENT;
  if (path.size() >= sizeof to.sun_path) return ENAMETOOLONG;
  std::memcpy(to.sun_path, path.data(), path.size());
  const ssize_t sent = ::sendto(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return sent < 0 ? errno : 0;
}

}  // namespace

UnixDatagram::UnixDatagram(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<UnixDatagram>(info), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  if (!fd_) ThrowErrno(info.Env(), errno, "socket");
}

Napi::Value UnixDatagram::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto path = args::CString(info[0]);
  const auto bytes = args::Bytes(info[1]);
  if (!path || !bytes) {
    args::ThrowUsage(env, "send(path: string without NUL, bytes: Uint8Array)");
    return {};
  }
  return Napi::Number::New(env, fd_ ? SendTo(fd_.get(), *path, *bytes) : EBADF);
}

void UnixDatagram::Close(const Napi::CallbackInfo& /*info*/) { fd_.Reset(); }

Napi::Function UnixDatagram::Define(Napi::Env env) {
  return DefineClass(env, "UnixDatagram",
                     {InstanceMethod<&UnixDatagram::Send>("send"), InstanceMethod<&UnixDatagram::Close>("close"),
                      InstanceMethod<&UnixDatagram::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
