#include "loop_timer.h"

#include <utility>

#include "addon_data.h"

LoopTimer* LoopTimer::Open(Napi::Env env, LoopTimerOwner& owner) {
  auto* timer = new LoopTimer(env, owner);
  uv_timer_init(env.GetInstanceData<AddonData>()->loop, &timer->uv_);  // never fails
  timer->uv_.data = timer;
  uv_unref(reinterpret_cast<uv_handle_t*>(&timer->uv_));
  const auto on_teardown = [](auto, void* p) { static_cast<LoopTimer*>(p)->Close(); };
  napi_add_async_cleanup_hook(env, on_teardown, timer, &timer->hook_);
  return timer;
}

void LoopTimer::Start(uint64_t delay_ms) {
  uv_update_time(uv_.loop);  // as of the start of this turn, it may be long ago
  uv_timer_start(&uv_, &LoopTimer::OnExpiry, delay_ms, 0);
}

void LoopTimer::Stop() { uv_timer_stop(&uv_); }

void LoopTimer::Close() {
  if (owner_ == nullptr) return;
  std::exchange(owner_, nullptr)->OnTimerClosed();
  uv_close(reinterpret_cast<uv_handle_t*>(&uv_), [](uv_handle_t* closed) {
    auto* self = static_cast<LoopTimer*>(closed->data);
    const napi_async_cleanup_hook_handle hook = self->hook_;
    delete self;
    napi_remove_async_cleanup_hook(hook);  // lets the teardown go on
  });
}

void LoopTimer::OnExpiry(uv_timer_t* handle) {
  auto* timer = static_cast<LoopTimer*>(handle->data);
  if (timer->owner_ == nullptr) return;
  const Napi::HandleScope scope(timer->env_);
  timer->owner_->OnTimer();
}
