#pragma once
#include <napi.h>
#include <uv.h>

#include <cstdint>

// Breaks of a loop that never sleeps: a thread in a real-time class would leave nothing to the threads below it, and some of them it
// may be waiting for by asking again and again. V8's sweeper does so: a task that posts itself until a helper thread is done.
class LoopBreaks {
 public:
  // Of the environment's loop, which it does not keep alive, and with which it goes. Stopped at first.
  static LoopBreaks* Open(Napi::Env env);

  LoopBreaks(const LoopBreaks&) = delete;
  LoopBreaks& operator=(const LoopBreaks&) = delete;

  void Start();  // idempotent
  void Stop();

 private:
  LoopBreaks() = default;
  ~LoopBreaks() = default;
  static void OnTurn(uv_prepare_t* handle);

  uv_prepare_t uv_{};
  uint64_t looked_ms_ = 0;  // as uv_now
  long sleeps_ = 0;         // of the thread, when it was looked
  napi_async_cleanup_hook_handle hook_ = nullptr;
};
