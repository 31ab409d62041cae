#include "script_starts.h"

#include <fcntl.h>

#include <cerrno>

#include "addon_data.h"
#include "errno_error.h"

ScriptStarts* ScriptStarts::Of(Napi::Env env) {
  AddonData& data = *env.GetInstanceData<AddonData>();
  auto& kept = data.script_starts;
  if (kept) return kept.get();
  int err = 0;
  auto starter = script::Starter::Open(data.cpus, err);
  UniqueFd watched(starter ? ::fcntl(starter->fd(), F_DUPFD_CLOEXEC, 0) : -1);
  if (!watched) {
    ThrowErrno(env, starter ? errno : err, "eventfd");
    return nullptr;
  }
  std::unique_ptr<ScriptStarts> starts(new ScriptStarts(std::move(starter)));
  starts->watch_ = Watch::Open(env, std::move(watched), *starts);
  if (starts->watch_ == nullptr) return nullptr;
  starts->watch_->SetReferenced(false);
  kept = std::move(starts);
  return kept.get();
}

ScriptStarts::~ScriptStarts() {
  if (watch_ != nullptr) watch_->Close(WatchEnd::kTeardown);
}

void ScriptStarts::OnClosed(WatchEnd /*end*/) {
  watch_ = nullptr;
  starter_->Close();
  for (const auto& [start, owner] : std::exchange(owners_, {})) owner->OnStartsClosed();
}

void ScriptStarts::Begin(const std::shared_ptr<script::Start>& start, StartOwner& owner) {
  owners_.emplace(start.get(), &owner);
  Reference(1);
  starter_->Submit(start);
}

void ScriptStarts::Unreference() { Reference(-1); }

void ScriptStarts::Reference(int change) {
  referenced_ += change;
  if (watch_ != nullptr) watch_->SetReferenced(referenced_ > 0);
}

void ScriptStarts::OnReady() {
  for (const auto& start : starter_->Take()) {
    const auto owner = owners_.extract(start.get());
    if (!owner.empty()) owner.mapped()->OnStarted(*start);
  }
}
