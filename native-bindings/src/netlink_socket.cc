#include "netlink_socket.h"

#include <cerrno>

#include "args.h"
#include "errno_error.h"

namespace {

// One reading of at most eight datagrams, then the rest of the loop gets its turn: the answer to a dump of a huge service is
// long. Polling is level-triggered, so nothing is lost.
constexpr int kTurnsPerWakeUp = 1;

constexpr const char* kUsage = "new NetlinkSocket(protocol, receiveBufferBytes, onDatagram, onError)";

}  // namespace

NetlinkSocket::NetlinkSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NetlinkSocket>(info) { Open(info); }

void NetlinkSocket::Open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto protocol = args::Integer<int>(info[0]);
  const auto buffer_bytes = args::Integer<int>(info[1]);
  if (!protocol || !buffer_bytes || *buffer_bytes < 0 || !info[2].IsFunction() || !info[3].IsFunction())
    return args::ThrowUsage(env, kUsage);
  nl::Failure failure;
  UniqueFd fd = nl::Open(*protocol, *buffer_bytes, failure);
  if (!fd) return ThrowErrno(env, failure.err, failure.syscall);
  port_id_ = nl::PortId(fd.get());
  on_datagram_ = Napi::Persistent(info[2].As<Napi::Function>());
  on_error_ = Napi::Persistent(info[3].As<Napi::Function>());
  watch_ = Watch::Open(env, std::move(fd), *this);
  if (watch_ != nullptr) Ref();
}

NetlinkSocket::~NetlinkSocket() {
  if (watch_ != nullptr) watch_->Close(WatchEnd::kTeardown);
}

void NetlinkSocket::OnClosed(WatchEnd end) {
  watch_ = nullptr;
  if (end == WatchEnd::kClosed) Unref();
}

void NetlinkSocket::OnReady() {
  const Napi::Env env = Env();
  // close() in a callback drops the strong reference; this one outlives the loop below.
  [[maybe_unused]] const Napi::Object self = Value();
  for (int turn = 0; turn < kTurnsPerWakeUp && watch_ != nullptr; turn++) {
    const int count = receiver_.Receive(watch_->fd());
    if (count == 0) return;
    if (count < 0 && !CallFromLoop(env, on_error_, {Napi::Number::New(env, -count)})) return;
    if (count > 0 && !Deliver(static_cast<size_t>(count))) return;
  }
}

// @returns false when no more JavaScript can run.
bool NetlinkSocket::Deliver(size_t count) {
  const Napi::Env env = Env();
  for (size_t i = 0; i < count && watch_ != nullptr; i++) {
    if (!receiver_.FromKernel(i)) continue;
    const Napi::HandleScope scope(env);
    const auto bytes = receiver_.Datagram(i);
    const bool runs = receiver_.Truncated(i)
                          ? CallFromLoop(env, on_error_, {Napi::Number::New(env, EMSGSIZE)})
                          : CallFromLoop(env, on_datagram_,
                                         {Napi::Buffer<std::byte>::Copy(env, bytes.data(), bytes.size())});
    if (!runs) return false;
  }
  return true;
}

Napi::Value NetlinkSocket::GetPortId(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), port_id_); }

Napi::Value NetlinkSocket::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto bytes = args::Bytes(info[0]);
  if (!bytes) {
    args::ThrowUsage(env, "send(bytes: Uint8Array)");
    return {};
  }
  int err = 0;
  if (watch_ == nullptr) {
    err = EBADF;
  } else if (bytes->empty()) {
    err = EINVAL;
  } else {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const ssize_t sent = ::sendto(watch_->fd(), bytes->data(), bytes->size(), 0,
                                  reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
    if (sent < 0) err = errno;
  }
  return Napi::Number::New(env, err);
}

void NetlinkSocket::Join(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto group = args::Integer<int>(info[0]);
  if (!group) return args::ThrowUsage(env, "join(group: integer)");
  if (watch_ == nullptr) return ThrowErrno(env, EBADF, "setsockopt");
  if (::setsockopt(watch_->fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &*group, sizeof *group) != 0)
    ThrowErrno(env, errno, "setsockopt");
}

void NetlinkSocket::Close(const Napi::CallbackInfo& /*info*/) {
  if (watch_ != nullptr) watch_->Close();
}

Napi::Function NetlinkSocket::Define(Napi::Env env) {
  return DefineClass(env, "NetlinkSocket",
                     {InstanceAccessor<&NetlinkSocket::GetPortId>("portId"),
                      InstanceMethod<&NetlinkSocket::Send>("send"),
                      InstanceMethod<&NetlinkSocket::Join>("join"), InstanceMethod<&NetlinkSocket::Close>("close"),
                      InstanceMethod<&NetlinkSocket::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
