#pragma once
#include <napi.h>
#include <uv.h>

#include <cstdint>

// Who hears of a LoopTimer. An ObjectWrap implements it.
class LoopTimerOwner {
 public:
  // Runs inside a HandleScope; may call Close() on the LoopTimer.
  virtual void OnTimer() = 0;
  // Forget the pointer to the LoopTimer.
  virtual void OnTimerClosed() = 0;

 protected:
  ~LoopTimerOwner() = default;
};

// A timer of the environment's loop, in whole milliseconds. It does not keep the loop alive. Handle and owner die in either order,
// as watch.h explains; the close callback frees the LoopTimer, nothing else does.
class LoopTimer {
 public:
  static LoopTimer* Open(Napi::Env env, LoopTimerOwner& owner);

  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  // Replaces an earlier start.
  void Start(uint64_t delay_ms);
  void Stop();
  void Close();  // idempotent

 private:
  LoopTimer(napi_env env, LoopTimerOwner& owner) : env_(env), owner_(&owner) {}
  ~LoopTimer() = default;
  static void OnExpiry(uv_timer_t* handle);

  uv_timer_t uv_{};
  napi_env env_;
  LoopTimerOwner* owner_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};
