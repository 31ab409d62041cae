#include "engine.h"

#include <time.h>

#include <algorithm>
#include <cerrno>

#include "engine_parts.h"

namespace probe {

uint64_t NowUs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

Engine::Parts::Parts(const Limits& l, UniqueFd e)
    : limits(l),
      epoll(std::move(e)),
      wheel(NowUs() / 1000),
      admission(l.in_flight, l.in_flight_per_host),
      random(NowUs()),
      buffer(new std::byte[kReadBytes]) {
  if (!limits.keep_in_memory) return;
  slots.KeepInMemory();
  attempts.KeepInMemory();
}

// Attempts under way close as their checks want it.
Engine::Parts::~Parts() {
  for (uint32_t slot = 0; slot < slots.capacity(); slot++)
    if (slots[slot].attempt != kNoAttempt) Abort(slot);
}

Engine::Engine() = default;
Engine::~Engine() = default;

std::unique_ptr<Engine> Engine::Create(const Limits& limits, int& error) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) {
    error = errno;
    return nullptr;
  }
  std::unique_ptr<Engine> engine(new Engine());
  engine->parts_ = std::make_unique<Parts>(limits, std::move(epoll));
  return engine;
}

int Engine::fd() const { return parts_->epoll.get(); }

uint32_t Engine::Add(Spec spec) {
  Parts& parts = *parts_;
  const uint32_t number = parts.slots.Take();
  parts.wheel.Resize(parts.slots.capacity());
  Slot& slot = parts.slots[number];
  slot.in_use = true;
  slot.kind = spec.kind;
  slot.close_with = spec.close_with;
  slot.target = EndpointOf(spec.target);
  slot.socket = std::move(spec.socket);
  slot.timeout_ms = spec.timeout_ms;
  slot.urls = std::move(spec.urls);
  slot.exchange = std::move(spec.exchange);
  slot.tls = std::move(spec.tls);
  if (slot.kind == Kind::kHttps) slot.sessions = std::make_unique<TlsMemory[]>(slot.urls->size());
  slot.groups = std::move(spec.groups);
  slot.groups.shrink_to_fit();
  parts.tally.Regroup({}, slot.groups);
  SetIntervals(number, spec.interval_ms, spec.quiet_fail_interval_ms, spec.jitter_ms);
  parts.admission.Join(number, &slot.target.any);
  return number;
}

bool Engine::Has(uint32_t slot) const { return slot < parts_->slots.capacity() && parts_->slots[slot].in_use; }

uint32_t Engine::UrlCount(uint32_t slot) const {
  const UrlList& urls = parts_->slots[slot].urls;
  return urls == nullptr ? 0 : static_cast<uint32_t>(urls->size());
}

void Engine::Remove(uint32_t slot) {
  Parts& parts = *parts_;
  if (parts.slots[slot].attempt != kNoAttempt) parts.Abort(slot);
  parts.LeaveGrid(parts.slots[slot]);
  parts.wheel.Cancel(slot);
  parts.admission.Withdraw(slot);
  parts.admission.Leave(slot);
  parts.tally.Regroup(parts.slots[slot].groups, {});
  parts.slots.Give(slot);
}

void Engine::Arm(uint32_t number, uint32_t arming, uint64_t delay_us, uint32_t url, Quiet quiet) {
  Parts& parts = *parts_;
  Slot& slot = parts.slots[number];
  const uint64_t now_us = NowUs();
  slot.due_us = now_us + delay_us;
  if (quiet != Quiet::kNothing) slot.due_us = std::max(now_us, parts.OnGrid(slot, slot.due_us, quiet == Quiet::kPass));
  slot.arming = arming;
  slot.url = url;
  slot.quiet = quiet;
  if (slot.attempt != kNoAttempt) {
    slot.rearmed = true;
    return;
  }
  parts.admission.Withdraw(number);
  parts.Appoint(number, slot.due_us);
}

void Engine::SetGroups(uint32_t slot, std::vector<uint32_t> groups) {
  groups.shrink_to_fit();
  parts_->tally.Regroup(parts_->slots[slot].groups, groups);
  parts_->slots[slot].groups = std::move(groups);
}

void Engine::SetIntervals(uint32_t number, uint32_t interval_ms, uint32_t quiet_fail_interval_ms, uint32_t jitter_ms) {
  Slot& slot = parts_->slots[number];
  parts_->LeaveGrid(slot);
  slot.interval_ms = interval_ms;
  slot.quiet_fail_interval_ms = quiet_fail_interval_ms;
  slot.jitter_ms = jitter_ms;
  if (jitter_ms == 0) parts_->grid.Join(slot.kind, interval_ms);
}

size_t Engine::TakeResults(std::span<Result> into) {
  Parts& parts = *parts_;
  size_t count = 0;
  while (count < into.size() && parts.results_taken < parts.results.size()) {
    const Result& result = parts.results[parts.results_taken++];
    if (Has(result.slot) && parts.slots[result.slot].arming == result.arming) into[count++] = result;
  }
  if (parts.results_taken == parts.results.size()) {
    parts.results.clear();
    parts.results_taken = 0;
  }
  return count;
}

Counters Engine::counters() const {
  const Parts& parts = *parts_;
  return {parts.completed, parts.admission.in_flight(), parts.admission.queued(), parts.passed, parts.no_resources};
}

const Tally& Engine::tally() const { return parts_->tally; }

void Engine::AppendLast(std::vector<uint32_t>& pairs) const {
  const Slab<Slot>& slots = parts_->slots;
  for (uint32_t slot = 0; slot < slots.capacity(); slot++)
    if (slots[slot].in_use && slots[slot].last_total_us != 0)
      pairs.insert(pairs.end(), {slot, slots[slot].last_total_us});
}

uint64_t Engine::UntilDueUs(uint32_t number) const {
  const Slot& slot = parts_->slots[number];
  const uint64_t now_us = NowUs();
  return slot.attempt != kNoAttempt || slot.due_us <= now_us ? 0 : slot.due_us - now_us;
}

}  // namespace probe
