#include "script_process.h"

#include <signal.h>

#include <cerrno>

#include "args.h"

namespace {

constexpr const char* kUsage =
    "new ScriptProcess(argv: string[], env: string[], uid, gid, groups: number[], onExit, onNotStarted); strings hold no NUL";

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
  auto command = CommandOf(info);
  if (!command || !info[5].IsFunction() || !info[6].IsFunction()) return args::ThrowUsage(env, kUsage);
  starts_ = ScriptStarts::Of(env);
  if (starts_ == nullptr) return;
  on_exit_ = Napi::Persistent(info[5].As<Napi::Function>());
  on_not_started_ = Napi::Persistent(info[6].As<Napi::Function>());
  start_ = std::make_shared<script::Start>(std::move(*command));
  Ref();
  starts_->Begin(start_, *this);
}

// While it is being started or runs, it holds itself: what is left then is the environment's end.
ScriptProcess::~ScriptProcess() {
  if (watch_ != nullptr) watch_->Close(WatchEnd::kTeardown);
  if (start_) starts_->Forget(*start_);
}

void ScriptProcess::OnStartsClosed() { start_.reset(); }

void ScriptProcess::OnStarted(script::Start& start) {
  const Napi::Env env = Env();
  [[maybe_unused]] const Napi::Object self = Value();  // Unref() drops the strong reference
  start_.reset();
  if (!closed_) starts_->Unreference();
  if (start.child) {
    pid_ = start.child->pid;
    watch_ = Watch::Open(env, std::move(start.child->pidfd), *this);
    if (watch_ != nullptr) return watch_->SetReferenced(!closed_);
    env.GetAndClearPendingException();
    script::Signal(pid_, SIGKILL);
    start.failure = {EAGAIN, "uv_poll_init"};
  }
  Unref();
  const script::Failure& failure = start.failure;
  if (failure.err != 0) Tell(on_not_started_, {Napi::Number::New(env, failure.err), Napi::String::New(env, failure.step)});
  else Tell(on_exit_, {Napi::Number::New(env, -1), Napi::Number::New(env, start.progress.signal)});
}

void ScriptProcess::OnClosed(WatchEnd end) {
  if (end == WatchEnd::kTeardown) script::KillAndReap(pid_, watch_->fd());
  watch_ = nullptr;
  if (end == WatchEnd::kClosed) Unref();
}

void ScriptProcess::OnReady() {
  const auto exit = script::Reap(watch_->fd());
  if (!exit) return;
  const Napi::Env env = Env();
  [[maybe_unused]] const Napi::Object self = Value();  // Close() drops the strong reference
  watch_->Close();
  Tell(on_exit_, {Napi::Number::New(env, exit->status), Napi::Number::New(env, exit->signal)});
}

// The last that is heard of it.
void ScriptProcess::Tell(Napi::FunctionReference& whom, std::initializer_list<napi_value> what) {
  const Napi::FunctionReference callback = std::move(whom);
  on_exit_.Reset();
  on_not_started_.Reset();
  if (!closed_) CallFromLoop(Env(), callback, what);
}

Napi::Value ScriptProcess::GetPid(const Napi::CallbackInfo& info) {
  const pid_t pid = start_ ? start_->progress.pid.load() : pid_;
  return pid > 0 ? Napi::Number::New(info.Env(), pid) : info.Env().Undefined();
}

Napi::Value ScriptProcess::KillGroup(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto signal = args::Integer<int>(info[0]);
  if (!signal) {
    args::ThrowUsage(env, "killGroup(signal: integer)");
    return {};
  }
  if (start_) return Napi::Number::New(env, starts_->Signal(start_, *signal));
  // Once collected, the number may belong to somebody else.
  return Napi::Number::New(env, watch_ == nullptr ? ESRCH : script::Signal(pid_, *signal));
}

void ScriptProcess::Close(const Napi::CallbackInfo& /*info*/) {
  if (closed_) return;
  closed_ = true;
  if (start_) starts_->Unreference();
  if (watch_ != nullptr) watch_->SetReferenced(false);
}

Napi::Function ScriptProcess::Define(Napi::Env env) {
  return DefineClass(env, "ScriptProcess",
                     {InstanceAccessor<&ScriptProcess::GetPid>("pid"),
                      InstanceMethod<&ScriptProcess::KillGroup>("killGroup"),
                      InstanceMethod<&ScriptProcess::Close>("close"),
                      InstanceMethod<&ScriptProcess::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}
