#include "netlink_socket.h"

#include <fcntl.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "args.h"
#include "errno_error.h"
#include "netlink_namespace.h"
#include "unique_fd.h"
#include "write_files.h"

namespace {

// One reading of at most eight datagrams, then the rest of the loop gets its turn: the answer to a dump of a huge service is
// long. Polling is level-triggered, so nothing is lost.
constexpr int kTurnsPerWakeUp = 1;

int SendToKernel(int fd, std::span<const std::byte> bytes) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent =
      ::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
  return sent < 0 ? errno : 0;
}

// One thing after another: requests, which the kernel carries out in the thread that sends them, and texts for files of /proc/sys.
struct Step {
  std::vector<std::byte> requests;
  std::string path, text;
};

class Work final : public Napi::AsyncWorker {
 public:
  // `err`: what requests get when there is no `fd`.
  Work(Napi::Function& done, std::shared_ptr<const UniqueFd> fd, int err, std::vector<Step> steps)
      : Napi::AsyncWorker(done, "holdfast.netlinkAside"), fd_(std::move(fd)), err_(err), steps_(std::move(steps)) {}

  void Execute() override {
    errnos_.reserve(steps_.size());
    for (const Step& step : steps_) errnos_.push_back(Do(step));
  }

  void OnOK() override {
    const Napi::Array errnos = Napi::Array::New(Env(), errnos_.size());
    for (uint32_t i = 0; i < errnos_.size(); i++) errnos.Set(i, errnos_[i]);
    Callback().Call({errnos});
  }

 private:
  int Do(const Step& step) const {
    if (step.requests.empty()) return WriteFile(step.path, step.text);
    return fd_ != nullptr ? SendToKernel(fd_->get(), step.requests) : err_;
  }

  const std::shared_ptr<const UniqueFd> fd_;
  const int err_;
  const std::vector<Step> steps_;
  std::vector<int> errnos_;
};

// Requests, or [path, text].
std::optional<Step> StepOf(const Napi::Value& value) {
  if (const auto bytes = args::Bytes(value); bytes && !bytes->empty())
    return Step{std::vector<std::byte>(bytes->begin(), bytes->end()), {}, {}};
  auto file = args::Array<std::string>(value, args::CString, 2);
  if (!file || file->size() != 2) return std::nullopt;
  return Step{{}, std::move((*file)[0]), std::move((*file)[1])};
}

constexpr const char* kUsage = "new NetlinkSocket(protocol, receiveBufferBytes, onDatagram, onError[, namespacePath])";

}  // namespace

NetlinkSocket::NetlinkSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NetlinkSocket>(info) { Open(info); }

void NetlinkSocket::Open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto protocol = args::Integer<int>(info[0]);
  const auto buffer_bytes = args::Integer<int>(info[1]);
  const bool elsewhere = !info[4].IsUndefined();
  const auto path = elsewhere ? args::CString(info[4]) : std::optional<std::string>(std::string());
  if (!path || !protocol || !buffer_bytes || *buffer_bytes < 0 || !info[2].IsFunction() || !info[3].IsFunction())
    return args::ThrowUsage(env, kUsage);
  nl::Failure failure;
  UniqueFd fd = elsewhere ? nl::OpenIn(*path, *protocol, *buffer_bytes, failure)
                          : nl::Open(*protocol, *buffer_bytes, failure);
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
  shared_fd_.reset();
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
    err = SendToKernel(watch_->fd(), *bytes);
  }
  return Napi::Number::New(env, err);
}

void NetlinkSocket::Aside(const Napi::CallbackInfo& info) {
  auto steps = args::Array<Step>(info[0], StepOf);
  if (!steps || !info[1].IsFunction())
    return args::ThrowUsage(info.Env(), "aside(steps: (Uint8Array | [path: string, text: string])[], done: function)");
  int err = EBADF;
  if (watch_ != nullptr && shared_fd_ == nullptr) {
    UniqueFd fd(::fcntl(watch_->fd(), F_DUPFD_CLOEXEC, 0));
    if (fd) shared_fd_ = std::make_shared<const UniqueFd>(std::move(fd));
    else err = errno;  // EMFILE: the next call tries again
  }
  Napi::Function done = info[1].As<Napi::Function>();
  (new Work(done, shared_fd_, err, std::move(*steps)))->Queue();  // deletes itself after OnOK
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
                      InstanceMethod<&NetlinkSocket::Aside>("aside"),
                      InstanceMethod<&NetlinkSocket::Join>("join"), InstanceMethod<&NetlinkSocket::Close>("close"),
                      InstanceMethod<&NetlinkSocket::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
