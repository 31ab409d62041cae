#include "deadline_timer.h"

#include <sys/timerfd.h>

#include <cerrno>

#include "args.h"
#include "boot_time.h"
#include "errno_error.h"

DeadlineTimer::DeadlineTimer(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeadlineTimer>(info) { Open(info); }

void DeadlineTimer::Open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsFunction()) return args::ThrowUsage(env, "new DeadlineTimer(onDue)");
  UniqueFd fd(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!fd) return ThrowErrno(env, errno, "timerfd_create");
  on_due_ = Napi::Persistent(info[0].As<Napi::Function>());
  watch_ = Watch::Open(env, std::move(fd), *this);
  if (watch_ == nullptr) return;
  watch_->SetReferenced(false);
  Ref();
}

DeadlineTimer::~DeadlineTimer() {
  if (watch_ != nullptr) watch_->Close(WatchEnd::kTeardown);
}

void DeadlineTimer::OnClosed(WatchEnd end) {
  watch_ = nullptr;
  if (end == WatchEnd::kClosed) Unref();
}

void DeadlineTimer::OnReady() {
  uint64_t expirations = 0;
  // EAGAIN: disarmed or armed anew after libuv saw it expire.
  if (::read(watch_->fd(), &expirations, sizeof expirations) != sizeof expirations) return;
  [[maybe_unused]] const Napi::Object self = Value();  // outlives a close() in the callback
  watch_->SetReferenced(false);
  CallFromLoop(Env(), on_due_, {});
}

void DeadlineTimer::Arm(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber()) return args::ThrowUsage(env, "arm(deadlineMs: number)");
  const auto expiry = ExpiryAt(info[0].As<Napi::Number>().DoubleValue());
  if (!expiry) return Napi::RangeError::New(env, "deadlineMs is not a time").ThrowAsJavaScriptException();
  if (watch_ == nullptr) return ThrowErrno(env, EBADF, "timerfd_settime");
  if (::timerfd_settime(watch_->fd(), TFD_TIMER_ABSTIME, &*expiry, nullptr) != 0)
    return ThrowErrno(env, errno, "timerfd_settime");
  watch_->SetReferenced(true);
}

void DeadlineTimer::Disarm(const Napi::CallbackInfo& /*info*/) {
  if (watch_ == nullptr) return;
  const itimerspec never{};
  ::timerfd_settime(watch_->fd(), 0, &never, nullptr);
  watch_->SetReferenced(false);
}

void DeadlineTimer::Close(const Napi::CallbackInfo& /*info*/) {
  if (watch_ != nullptr) watch_->Close();
}

Napi::Function DeadlineTimer::Define(Napi::Env env) {
  return DefineClass(env, "DeadlineTimer",
                     {InstanceMethod<&DeadlineTimer::Arm>("arm"), InstanceMethod<&DeadlineTimer::Disarm>("disarm"),
                      InstanceMethod<&DeadlineTimer::Close>("close"),
                      InstanceMethod<&DeadlineTimer::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
