#pragma once
#include <napi.h>

#include "watch.h"

// new ScriptProcess(argv, env, uid, gid, groups, onExit): see native-bindings/process.ts.
// The pidfd is watched until the child is collected, also after close(): then only the callback is dropped.
class ScriptProcess : public Napi::ObjectWrap<ScriptProcess>, private WatchOwner {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit ScriptProcess(const Napi::CallbackInfo& info);
  ~ScriptProcess() override;

 private:
  void Start(const Napi::CallbackInfo& info);
  void OnReady() override;
  void OnClosed(WatchEnd end) override;
  void KillForTeardown();

  Napi::Value GetPid(const Napi::CallbackInfo& info);
  Napi::Value KillGroup(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  Watch* watch_ = nullptr;
  pid_t pid_ = -1;
  Napi::FunctionReference on_exit_;
};
