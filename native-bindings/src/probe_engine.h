#pragma once
#include <napi.h>

#include <memory>

#include "../probe/engine.h"
#include "loop_timer.h"
#include "probe_spec.h"
#include "watch.h"

// new ProbeEngine(limits, onResults): the probe engine in the environment's loop; see native-bindings/probe.ts. Keeps the loop alive
// until close().
class ProbeEngine : public Napi::ObjectWrap<ProbeEngine>, private WatchOwner, private LoopTimerOwner {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit ProbeEngine(const Napi::CallbackInfo& info);
  ~ProbeEngine() override;

 private:
  void Open(const Napi::CallbackInfo& info);
  void OnReady() override;
  void OnTimer() override;
  void OnClosed(WatchEnd end) override;
  void OnTimerClosed() override;
  void Turn(int least_wait_ms);
  bool Deliver();
  std::span<probe::Result> ResultMemory();
  std::optional<uint32_t> SlotArg(const Napi::CallbackInfo& info, const char* usage);

  Napi::Value Add(const Napi::CallbackInfo& info);
  void Remove(const Napi::CallbackInfo& info);
  void Arm(const Napi::CallbackInfo& info);
  void SetGroups(const Napi::CallbackInfo& info);
  Napi::Value GetCounters(const Napi::CallbackInfo& info);
  Napi::Value Last(const Napi::CallbackInfo& info);
  Napi::Value UntilDue(const Napi::CallbackInfo& info);
  Napi::Value Latency(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  std::unique_ptr<probe::Engine> engine_;  // null: closed
  SpecReader specs_;
  Watch* watch_ = nullptr;
  LoopTimer* timer_ = nullptr;
  bool turn_is_near_ = false;  // the timer is due at once already
  Napi::FunctionReference on_results_;
  Napi::Reference<Napi::Uint32Array> results_;
};

// tlsErrorText(code) of probe.ts.
Napi::Value TlsErrorTextOf(const Napi::CallbackInfo& info);
