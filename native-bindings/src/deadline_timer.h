#pragma once
#include <napi.h>

#include "watch.h"

// new DeadlineTimer(onDue): one timerfd; see native-bindings/timer.ts. Keeps the loop alive only while it is armed.
class DeadlineTimer : public Napi::ObjectWrap<DeadlineTimer>, private WatchOwner {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit DeadlineTimer(const Napi::CallbackInfo& info);
  ~DeadlineTimer() override;

 private:
  void Open(const Napi::CallbackInfo& info);
  void OnReady() override;
  void OnClosed(WatchEnd end) override;

  void Arm(const Napi::CallbackInfo& info);
  void Disarm(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  Watch* watch_ = nullptr;
  Napi::FunctionReference on_due_;
};
