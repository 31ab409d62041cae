#pragma once
#include <napi.h>

#include <memory>
#include <unordered_map>

#include "script_starter.h"
#include "watch.h"

// Who waits for a script to be started. A ScriptProcess implements it.
class StartOwner {
 public:
  // Not from inside Begin().
  virtual void OnStarted(script::Start& start) = 0;
  // The environment ends: nobody will hear of it any more.
  virtual void OnStartsClosed() = 0;

 protected:
  ~StartOwner() = default;
};

// The scripts of one environment that are being started: keeps its Starter, and tells owners what has come of it.
class ScriptStarts : private WatchOwner {
 public:
  // The environment's own, opened at the first call. Null: an exception is pending.
  static ScriptStarts* Of(Napi::Env env);
  ScriptStarts(const ScriptStarts&) = delete;
  ScriptStarts& operator=(const ScriptStarts&) = delete;
  ~ScriptStarts();

  void Begin(const std::shared_ptr<script::Start>& start, StartOwner& owner);
  void Forget(const script::Start& start) { owners_.erase(&start); }
  int Signal(const std::shared_ptr<script::Start>& start, int signal) { return starter_->Signal(start, signal); }
  // The loop need not stay alive for it any more. At most once for each.
  void Unreference();

 private:
  explicit ScriptStarts(std::shared_ptr<script::Starter> starter) : starter_(std::move(starter)) {}
  void OnReady() override;
  void OnClosed(WatchEnd end) override;
  void Reference(int change);

  std::shared_ptr<script::Starter> starter_;
  Watch* watch_ = nullptr;
  std::unordered_map<const script::Start*, StartOwner*> owners_;
  int referenced_ = 0;
};
