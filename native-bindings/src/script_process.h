#pragma once
#include <napi.h>

#include <initializer_list>
#include <memory>

#include "script_starts.h"
#include "watch.h"

// new ScriptProcess(argv, env, uid, gid, groups, onExit, onNotStarted): see native-bindings/process.ts.
// The pidfd is watched until the child is collected, also after close(): then only the callbacks are dropped.
class ScriptProcess : public Napi::ObjectWrap<ScriptProcess>, private WatchOwner, private StartOwner {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit ScriptProcess(const Napi::CallbackInfo& info);
  ~ScriptProcess() override;

 private:
  void Start(const Napi::CallbackInfo& info);
  void OnStarted(script::Start& start) override;
  void OnStartsClosed() override;
  void OnReady() override;
  void OnClosed(WatchEnd end) override;
  void Tell(Napi::FunctionReference& whom, std::initializer_list<napi_value> what);

  Napi::Value GetPid(const Napi::CallbackInfo& info);
  Napi::Value KillGroup(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  // While it is being started; `pid_` and `watch_` afterwards, until its end.
  std::shared_ptr<script::Start> start_;
  ScriptStarts* starts_ = nullptr;
  pid_t pid_ = -1;
  Watch* watch_ = nullptr;
  bool closed_ = false;
  Napi::FunctionReference on_exit_;
  Napi::FunctionReference on_not_started_;
};
