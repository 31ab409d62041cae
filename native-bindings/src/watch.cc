#include "watch.h"

#include "addon_data.h"
#include "errno_error.h"

Watch* Watch::Open(Napi::Env env, UniqueFd fd, WatchOwner& owner) {
  auto* watch = new Watch(env, std::move(fd), owner);
  const int rc = uv_poll_init(env.GetInstanceData<AddonData>()->loop, &watch->uv_, watch->fd());
  if (rc != 0) {
    delete watch;
    ThrowErrno(env, -rc, "uv_poll_init");
    return nullptr;
  }
  watch->uv_.data = watch;  // libuv knows it now: from here on only Close() lets go of it
  const auto on_teardown = [](auto, void* p) { static_cast<Watch*>(p)->Close(WatchEnd::kTeardown); };
  napi_add_async_cleanup_hook(env, on_teardown, watch, &watch->hook_);
  uv_poll_start(&watch->uv_, UV_READABLE, &Watch::OnPoll);
  return watch;
}

void Watch::Close(WatchEnd end) {
  if (owner_ == nullptr) return;
  std::exchange(owner_, nullptr)->OnClosed(end);
  uv_close(handle(), [](uv_handle_t* closed) {
    auto* self = static_cast<Watch*>(closed->data);
    const napi_async_cleanup_hook_handle hook = self->hook_;
    delete self;                           // closes the descriptor, after polling has stopped
    napi_remove_async_cleanup_hook(hook);  // lets the teardown go on
  });
}

void Watch::SetReferenced(bool referenced) { referenced ? uv_ref(handle()) : uv_unref(handle()); }

void Watch::OnPoll(uv_poll_t* handle, int status, int /*events*/) {
  auto* watch = static_cast<Watch*>(handle->data);
  if (watch->owner_ == nullptr) return;
  // libuv answers POLLERR by stopping the poll with EBADF. On a socket that is a pending error (ENOBUFS of netlink),
  // which the owner's read fetches and clears; so go on watching.
  if (status < 0) uv_poll_start(&watch->uv_, UV_READABLE, &Watch::OnPoll);
  const Napi::HandleScope scope(watch->env_);
  watch->owner_->OnReady();
}

bool CallFromLoop(Napi::Env env, const Napi::FunctionReference& function, std::initializer_list<napi_value> args) {
  napi_value ignored = nullptr;
  const napi_status status =
      napi_make_callback(env, nullptr, env.Global(), function.Value(), args.size(), args.begin(), &ignored);
  if (status == napi_ok) return true;
  napi_value thrown = nullptr;
  if (status != napi_pending_exception || napi_get_and_clear_last_exception(env, &thrown) != napi_ok) return false;
  return napi_fatal_exception(env, thrown) == napi_ok;
}
