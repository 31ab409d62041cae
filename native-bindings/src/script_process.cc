#include "script_process.h"

#include <poll.h>
#include <signal.h>

#include <cerrno>

#include "args.h"
#include "errno_error.h"
#include "script_spawn.h"

namespace {

constexpr const char* kUsage =
    "new ScriptProcess(argv: string[], env: string[], uid, gid, groups: number[], onExit); strings hold no NUL";

// A killed process is gone within microseconds; one stuck in the kernel must not hold up the end of a worker.
constexpr int kTeardownWaitMs = 100;

// uid_t and gid_t without the -1 that means "leave as it is" to the kernel.
std::optional<uint32_t> Id(const Napi::Value& value) {
  const auto id = args::Integer<uint32_t>(value);
  return id && *id != UINT32_MAX ? id : std::nullopt;
}

std::optional<script::Command> CommandOf(const Napi::CallbackInfo& info) {
  auto argv = args::Array<std::string>(info[0], args::CString);
  if (!argv || argv->empty()) return std::nullopt;
  auto env = args::Array<std::string>(info[1], args::CString);
  const auto uid = Id(info[2]), gid = Id(info[3]);
  if (!env || !uid || !gid) return std::nullopt;
  auto groups = args::Array<gid_t>(info[4], Id);
  if (!groups) return std::nullopt;
  return script::Command{std::move(*argv), std::move(*env), *uid, *gid, std::move(*groups)};
}

}  // namespace

ScriptProcess::ScriptProcess(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ScriptProcess>(info) { Start(info); }

void ScriptProcess::Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto command = CommandOf(info);
  if (!command || !info[5].IsFunction()) return args::ThrowUsage(env, kUsage);
  script::Failure failure;
  auto child = script::Spawn(*command, failure);
  if (!child) return ThrowErrno(env, failure.err, failure.step);
  pid_ = child->pid;
  on_exit_ = Napi::Persistent(info[5].As<Napi::Function>());
  watch_ = Watch::Open(env, std::move(child->pidfd), *this);
  if (watch_ != nullptr) Ref();
  else ::kill(-pid_, SIGKILL);
}

ScriptProcess::~ScriptProcess() {
  if (watch_ != nullptr) watch_->Close(WatchEnd::kTeardown);
}

void ScriptProcess::OnClosed(WatchEnd end) {
  if (end == WatchEnd::kTeardown) KillForTeardown();
  watch_ = nullptr;
  if (end == WatchEnd::kClosed) Unref();
}

void ScriptProcess::KillForTeardown() {
  ::kill(-pid_, SIGKILL);
  pollfd ended{watch_->fd(), POLLIN, 0};
  if (::poll(&ended, 1, kTeardownWaitMs) == 1) script::Reap(watch_->fd());
}

void ScriptProcess::OnReady() {
  const auto exit = script::Reap(watch_->fd());
  if (!exit) return;
  const Napi::Env env = Env();
  [[maybe_unused]] const Napi::Object self = Value();  // Close() drops the strong reference
  watch_->Close();
  if (on_exit_.IsEmpty()) return;
  const Napi::FunctionReference on_exit = std::move(on_exit_);
  CallFromLoop(env, on_exit, {Napi::Number::New(env, exit->status), Napi::Number::New(env, exit->signal)});
}

Napi::Value ScriptProcess::GetPid(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), pid_); }

Napi::Value ScriptProcess::KillGroup(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto signal = args::Integer<int>(info[0]);
  if (!signal) {
    args::ThrowUsage(env, "killGroup(signal: integer)");
    return {};
  }
  // Once collected, the number may belong to somebody else.
  int err = watch_ == nullptr ? ESRCH : 0;
  if (err == 0 && ::kill(-pid_, *signal) != 0) err = errno;
  return Napi::Number::New(env, err);
}

void ScriptProcess::Close(const Napi::CallbackInfo& /*info*/) {
  on_exit_.Reset();
  if (watch_ != nullptr) watch_->SetReferenced(false);
}

Napi::Function ScriptProcess::Define(Napi::Env env) {
  return DefineClass(env, "ScriptProcess",
                     {InstanceAccessor<&ScriptProcess::GetPid>("pid"),
                      InstanceMethod<&ScriptProcess::KillGroup>("killGroup"),
                      InstanceMethod<&ScriptProcess::Close>("close"),
                      InstanceMethod<&ScriptProcess::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
