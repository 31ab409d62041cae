#pragma once
#include <napi.h>
#include <uv.h>

#include <initializer_list>

#include "unique_fd.h"

// Why a Watch goes away. kTeardown: the environment ends and JavaScript cannot run any more.
enum class WatchEnd { kClosed, kTeardown };

// Who hears of a Watch. An ObjectWrap implements it.
class WatchOwner {
 public:
  // The descriptor is readable or in error. Runs inside a HandleScope; may call Close() on the Watch.
  virtual void OnReady() = 0;
  // Forget the pointer to the Watch.
  virtual void OnClosed(WatchEnd end) = 0;

 protected:
  ~WatchOwner() = default;
};

// A descriptor watched for reading by the environment's loop. What libuv may still touch lives here, not in the
// wrapper: the two die in either order (GC first, or a worker's teardown first), so each clears the other's pointer.
// The close callback frees the Watch; nothing else does.
class Watch {
 public:
  // Takes `fd`. On failure throws into `env` and returns null. The loop stays alive while it is open and referenced.
  static Watch* Open(Napi::Env env, UniqueFd fd, WatchOwner& owner);

  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  int fd() const { return fd_.get(); }  // borrowed
  // Idempotent. The descriptor is closed after polling has stopped.
  void Close(WatchEnd end = WatchEnd::kClosed);
  // Whether this keeps the loop alive (uv_ref, uv_unref).
  void SetReferenced(bool referenced);

 private:
  Watch(napi_env env, UniqueFd fd, WatchOwner& owner) : env_(env), fd_(std::move(fd)), owner_(&owner) {}
  ~Watch() = default;
  static void OnPoll(uv_poll_t* handle, int status, int events);
  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(&uv_); }

  uv_poll_t uv_{};
  napi_env env_;
  UniqueFd fd_;
  WatchOwner* owner_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

// Calls a JavaScript function as every event from libuv must (napi_make_callback: nextTick and microtasks run too).
// What it throws becomes an uncaughtException. @returns false when the environment can run no more JavaScript.
bool CallFromLoop(Napi::Env env, const Napi::FunctionReference& function, std::initializer_list<napi_value> args);
