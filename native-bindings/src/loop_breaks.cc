#include "loop_breaks.h"

#include <sys/resource.h>

#include <ctime>

#include "addon_data.h"

namespace {

// A twentieth of the processor, then: what is waited for takes a millisecond or so, and an advert is late by a break at most.
constexpr uint64_t kLookEveryMs = 5;
constexpr timespec kBreak{0, 200'000};

// Without counting when others took the processor.
long Sleeps() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

}  // namespace

LoopBreaks* LoopBreaks::Open(Napi::Env env) {
  auto* breaks = new LoopBreaks();
  uv_prepare_init(env.GetInstanceData<AddonData>()->loop, &breaks->uv_);  // never fails
  breaks->uv_.data = breaks;
  uv_unref(reinterpret_cast<uv_handle_t*>(&breaks->uv_));
  const auto on_teardown = [](auto, void* p) {
    uv_close(reinterpret_cast<uv_handle_t*>(&static_cast<LoopBreaks*>(p)->uv_), [](uv_handle_t* closed) {
      auto* self = static_cast<LoopBreaks*>(closed->data);
      const napi_async_cleanup_hook_handle hook = self->hook_;
      delete self;
      napi_remove_async_cleanup_hook(hook);  // lets the teardown go on
    });
  };
  napi_add_async_cleanup_hook(env, on_teardown, breaks, &breaks->hook_);
  return breaks;
}

void LoopBreaks::Start() { uv_prepare_start(&uv_, &LoopBreaks::OnTurn); }

void LoopBreaks::Stop() { uv_prepare_stop(&uv_); }

void LoopBreaks::OnTurn(uv_prepare_t* handle) {
  auto* self = static_cast<LoopBreaks*>(handle->data);
  const uint64_t now = uv_now(handle->loop);
  if (now - self->looked_ms_ < kLookEveryMs) return;
  self->looked_ms_ = now;
  const long sleeps = Sleeps();
  const bool awake = sleeps == self->sleeps_;
  if (awake) ::nanosleep(&kBreak, nullptr);
  self->sleeps_ = awake ? Sleeps() : sleeps;
}
