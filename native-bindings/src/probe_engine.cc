#include "probe_engine.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "../probe/tls.h"
#include "errno_error.h"
#include "fields.h"

namespace {

constexpr size_t kResultsPerCall = 1024;
constexpr size_t kResultWords = sizeof(probe::Result) / sizeof(uint32_t);
constexpr uint32_t kMostInFlight = 1'000'000;
constexpr double kLongestDelayMs = 1e12;

void ThrowClosed(Napi::Env env) { ThrowErrno(env, EBADF, "ProbeEngine"); }

Napi::Value ArrayOf(Napi::Env env, const std::vector<uint32_t>& words) {
  auto array = Napi::Uint32Array::New(env, words.size());
  if (array.IsEmpty()) return {};  // the thread is being ended
  if (!words.empty()) std::memcpy(array.Data(), words.data(), words.size() * sizeof(uint32_t));
  return array;
}

void AppendCounts(std::vector<uint32_t>& words, uint32_t subject, uint32_t phase, const probe::LatencyCounts& counts) {
  words.insert(words.end(), {subject, phase, 0});
  const size_t start = words.size();
  counts.AppendTo(words);
  words[start - 1] = static_cast<uint32_t>((words.size() - start) / 2);
}

}  // namespace

ProbeEngine::ProbeEngine(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ProbeEngine>(info) { Open(info); }

void ProbeEngine::Open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Fields fields(info[0], "ProbeLimits");
  probe::Limits limits;
  limits.in_flight = fields.Number<uint32_t>("inFlight", 1, kMostInFlight);
  limits.in_flight_per_host = fields.Number<uint32_t>("inFlightPerHost", 0, kMostInFlight);
  if (fields.Has("keepInMemory")) limits.keep_in_memory = fields.Flag("keepInMemory");
  if (!fields.ok()) return;
  if (!info[1].IsFunction()) return args::ThrowUsage(env, "new ProbeEngine(limits, onResults)");
  int err = 0;
  auto engine = probe::Engine::Create(limits, err);
  if (engine == nullptr) return ThrowErrno(env, err, "epoll_create1");
  // A descriptor of its own for the Watch, which closes it in its own time; both stand for the same epoll.
  UniqueFd watched(::fcntl(engine->fd(), F_DUPFD_CLOEXEC, 3));
  if (!watched) return ThrowErrno(env, errno, "fcntl");
  on_results_ = Napi::Persistent(info[1].As<Napi::Function>());
  watch_ = Watch::Open(env, std::move(watched), *this);
  if (watch_ == nullptr) return;
  timer_ = LoopTimer::Open(env, *this);
  engine_ = std::move(engine);
  Ref();
}

ProbeEngine::~ProbeEngine() {
  if (watch_ != nullptr) watch_->Close(WatchEnd::kTeardown);
  if (timer_ != nullptr) timer_->Close();
}

void ProbeEngine::OnClosed(WatchEnd end) {
  watch_ = nullptr;
  engine_.reset();
  if (timer_ != nullptr) timer_->Close();
  if (end == WatchEnd::kClosed) Unref();
}

void ProbeEngine::OnTimerClosed() { timer_ = nullptr; }

void ProbeEngine::OnReady() { Turn(0); }

// libuv runs a timer that is due at once again before anything else: an engine that always has something to do would be all there is.
void ProbeEngine::OnTimer() { Turn(1); }

void ProbeEngine::Turn(int least_wait_ms) {
  if (engine_ == nullptr) return;
  [[maybe_unused]] const Napi::Object self = Value();  // outlives a close() in the callback
  turn_is_near_ = false;
  engine_->Run();
  if (!Deliver() || engine_ == nullptr || timer_ == nullptr) return;
  const int wait = engine_->NextRun();
  if (wait < 0) return timer_->Stop();
  timer_->Start(static_cast<uint64_t>(std::max(wait, least_wait_ms)));
}

// @returns false when no more JavaScript can run.
bool ProbeEngine::Deliver() {
  const Napi::Env env = Env();
  while (engine_ != nullptr) {
    const Napi::HandleScope scope(env);
    const std::span<probe::Result> memory = ResultMemory();
    const size_t count = engine_->TakeResults(memory);
    if (count == 0) return !memory.empty();
    if (!CallFromLoop(env, on_results_, {results_.Value(), Napi::Number::New(env, static_cast<double>(count))}))
      return false;
  }
  return true;
}

// One array for all calls. A listener may have transferred its memory away, so it is asked for each time. Empty: none is to be had,
// for the thread is being ended.
std::span<probe::Result> ProbeEngine::ResultMemory() {
  const Napi::Env env = Env();
  constexpr size_t kWords = kResultsPerCall * kResultWords;
  if (!results_.IsEmpty() && results_.Value().ElementLength() != kWords) results_.Reset();
  if (results_.IsEmpty()) {
    const auto made = Napi::Uint32Array::New(env, kWords);
    if (made.IsEmpty()) return {};
    results_ = Napi::Persistent(made);
  }
  return {reinterpret_cast<probe::Result*>(results_.Value().Data()), kResultsPerCall};
}

Napi::Value ProbeEngine::Add(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto spec = specs_.Read(info[0]);
  if (!spec) return {};
  if (engine_ == nullptr) {
    ThrowClosed(env);
    return {};
  }
  return Napi::Number::New(env, engine_->Add(std::move(*spec)));
}

// The first argument as a slot that there is.
std::optional<uint32_t> ProbeEngine::SlotArg(const Napi::CallbackInfo& info, const char* usage) {
  const Napi::Env env = info.Env();
  const auto slot = args::Integer<uint32_t>(info[0]);
  if (!slot) {
    args::ThrowUsage(env, usage);
  } else if (engine_ == nullptr) {
    ThrowClosed(env);
  } else if (!engine_->Has(*slot)) {
    Napi::RangeError::New(env, "no such slot").ThrowAsJavaScriptException();
  } else {
    return slot;
  }
  return std::nullopt;
}

void ProbeEngine::Remove(const Napi::CallbackInfo& info) {
  const auto slot = SlotArg(info, "remove(slot: integer)");
  if (slot) engine_->Remove(*slot);
}

void ProbeEngine::Arm(const Napi::CallbackInfo& info) {
  constexpr const char* kUsage = "arm(slot: integer, arming: integer, delay: number, url: integer, quiet: 0 | 1 | 2)";
  const Napi::Env env = info.Env();
  const auto arming = args::Integer<uint32_t>(info[1]);
  const auto url = args::Integer<uint32_t>(info[3]);
  const auto quiet = args::Integer<uint8_t>(info[4]);
  if (!arming || !info[2].IsNumber() || !url || !quiet || *quiet > 2) return args::ThrowUsage(env, kUsage);
  const double delay = info[2].As<Napi::Number>().DoubleValue();
  if (!(delay >= 0 && delay <= kLongestDelayMs))
    return Napi::RangeError::New(env, "delay is not a time to come").ThrowAsJavaScriptException();
  const auto slot = SlotArg(info, kUsage);
  if (!slot) return;
  if (*url != 0 && *url >= engine_->UrlCount(*slot))
    return Napi::RangeError::New(env, "no such URL").ThrowAsJavaScriptException();
  engine_->Arm(*slot, *arming, static_cast<uint64_t>(std::ceil(delay * 1000)), *url, static_cast<probe::Quiet>(*quiet));
  if (turn_is_near_ || timer_ == nullptr) return;
  turn_is_near_ = true;  // the next turn finds out when it is due
  timer_->Start(0);
}

void ProbeEngine::SetGroups(const Napi::CallbackInfo& info) {
  constexpr const char* kUsage = "setGroups(slot: integer, groups: integer[])";
  auto groups = ReadGroups(info[1]);
  if (!groups) return args::ThrowUsage(info.Env(), kUsage);
  const auto slot = SlotArg(info, kUsage);
  if (slot) engine_->SetGroups(*slot, std::move(*groups));
}

Napi::Value ProbeEngine::GetCounters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const probe::Counters counters = engine_ == nullptr ? probe::Counters() : engine_->counters();
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&](const char* name, uint64_t value) { object.Set(name, static_cast<double>(value)); };
  set("completed", counters.completed);
  set("passed", counters.passed);
  set("inFlight", counters.in_flight);
  set("queued", counters.queued);
  set("noResources", counters.no_resources);
  return object;
}

Napi::Value ProbeEngine::UntilDue(const Napi::CallbackInfo& info) {
  const auto slot = SlotArg(info, "untilDue(slot: integer)");
  if (!slot) return {};
  return Napi::Number::New(info.Env(), static_cast<double>(engine_->UntilDueUs(*slot)) / 1000);
}

Napi::Value ProbeEngine::Last(const Napi::CallbackInfo& info) {
  std::vector<uint32_t> pairs;
  if (engine_ != nullptr) engine_->AppendLast(pairs);
  return ArrayOf(info.Env(), pairs);
}

Napi::Value ProbeEngine::Latency(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsBoolean()) {
    args::ThrowUsage(env, "latency(groups: boolean)");
    return {};
  }
  std::vector<uint32_t> words;
  if (engine_ == nullptr) return ArrayOf(env, words);
  const probe::Tally& tally = engine_->tally();
  for (uint32_t kind = 0; kind < probe::kKinds; kind++)
    for (uint32_t phase = 0; phase < probe::kPhases; phase++)
      AppendCounts(words, kind, phase, tally.ByKind(static_cast<probe::Kind>(kind), static_cast<probe::Phase>(phase)));
  if (!info[0].As<Napi::Boolean>().Value()) return ArrayOf(env, words);
  for (const uint32_t group : tally.Groups())
    for (uint32_t phase = 0; phase < probe::kPhases; phase++)
      if (const auto* counts = tally.ByGroup(group, static_cast<probe::Phase>(phase)))
        AppendCounts(words, 0x8000'0000u | group, phase, *counts);
  return ArrayOf(env, words);
}

void ProbeEngine::Close(const Napi::CallbackInfo& /*info*/) {
  if (watch_ != nullptr) watch_->Close();
}

Napi::Function ProbeEngine::Define(Napi::Env env) {
  return DefineClass(
      env, "ProbeEngine",
      {InstanceMethod<&ProbeEngine::Add>("add"), InstanceMethod<&ProbeEngine::Remove>("remove"),
       InstanceMethod<&ProbeEngine::Arm>("arm"), InstanceMethod<&ProbeEngine::SetGroups>("setGroups"),
       InstanceMethod<&ProbeEngine::GetCounters>("counters"), InstanceMethod<&ProbeEngine::Last>("last"),
       InstanceMethod<&ProbeEngine::UntilDue>("untilDue"),
       InstanceMethod<&ProbeEngine::Latency>("latency"), InstanceMethod<&ProbeEngine::Close>("close"),
       InstanceMethod<&ProbeEngine::Close>(Napi::Symbol::WellKnown(env, "dispose"))});
}

Napi::Value TlsErrorTextOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto code = args::Integer<uint32_t>(info[0]);
  if (!code) {
    args::ThrowUsage(env, "tlsErrorText(code: integer)");
    return {};
  }
  return Napi::String::New(env, probe::TlsErrorText(*code));
}
