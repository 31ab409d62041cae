// When things happen: events, time-outs, starts.
#include <algorithm>

#include "engine_parts.h"

namespace probe {

int Engine::Run() {
  Parts& parts = *parts_;
  const uint64_t begun_us = NowUs();
  parts.event_us = begun_us;
  parts.until_us = begun_us + Parts::kEventsUs;
  parts.Resume();
  const bool drained = parts.HandleEvents();
  parts.turns_behind = drained ? 0 : parts.turns_behind + 1;
  // What had arrived before `begun_us` is handled, so whoever is late at that instant is late indeed, and not we. That does not hold
  // while events are left; time-outs wait then, but not for ever: there may be that many events in every turn.
  constexpr uint32_t kPatience = 64;
  const bool behind = !drained && parts.turns_behind < kPatience;
  parts.wheel.Advance(begun_us / 1000, [&](uint32_t slot) { parts.OnDue(slot, behind); });
  for (uint32_t started = 0; started < parts.limits.starts_per_turn; started++) {
    const std::optional<uint32_t> slot = parts.admission.Next();
    if (!slot) break;
    parts.Start(*slot);
  }
  // The disconnects of this turn would wake the owner for nothing, and targets that are near have answered by now.
  if (parts.has_stirred) parts.HandleEvents();
  parts.sockets.Trim(begun_us);
  return NextRun();
}

int Engine::NextRun() const {
  const Parts& parts = *parts_;
  if (!parts.unfinished.empty() || parts.admission.MayStart()) return 0;
  const uint64_t next = std::min(parts.wheel.Next(), parts.sockets.next_trim_us() / 1000 + 1);
  if (next == UINT64_MAX / 1000 + 1) return -1;
  const uint64_t now = NowUs() / 1000;
  return next <= now ? 0 : static_cast<int>(std::min<uint64_t>(next - now, 60'000));
}

// Attempts that had more to read than their share, or to search when time was up. Whom no time is left for now goes first next time.
void Engine::Parts::Resume() {
  const std::vector<uint64_t> tags = std::exchange(unfinished, {});
  auto next = tags.begin();
  for (; next != tags.end() && !IsTimeUp(); ++next) {
    Attempt& attempt = attempts[static_cast<uint32_t>(*next)];
    if (attempt.generation != *next >> 32) continue;  // it ended meanwhile
    attempt.unfinished = false;
    OnEvent(attempt, EPOLLIN);
  }
  unfinished.insert(unfinished.begin(), next, tags.end());
}

// @returns whether all events were handled.
bool Engine::Parts::HandleEvents() {
  for (;;) {
    has_stirred = false;
    const int count = ::epoll_wait(epoll.get(), events.data(), kEventsPerFetch, 0);
    event_us = NowUs();
    for (int i = 0; i < count; i++) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      OnEvent(event.data.u64, event.events);
    }
    const bool drained = count < kEventsPerFetch;
    if (drained && !has_stirred) return true;
    if (event_us > until_us) return drained;
  }
}

void Engine::Parts::OnDue(uint32_t slot, bool behind) {
  if (slots[slot].attempt == kNoAttempt) return admission.Queue(slot);
  // An answer that has arrived and waits to be read counts as in time; a peer that never comes to an end elsewhere does not.
  const Attempt& attempt = attempts[slots[slot].attempt];
  if (behind || (attempt.unfinished && attempt.step == Step::kReading)) return wheel.Set(slot, 0);
  OnTimeout(slot);
}

// Jitter is there to keep checks apart.
uint64_t Engine::Parts::OnGrid(const Slot& slot, uint64_t due_us, bool up) const {
  if (slot.jitter_ms != 0) return due_us;
  return grid.Align(due_us, up ? slot.interval_ms : slot.quiet_fail_interval_ms);
}

// One that never had an interval is not on it.
void Engine::Parts::LeaveGrid(const Slot& slot) {
  if (slot.jitter_ms == 0 && slot.interval_ms != 0) grid.Leave(slot.kind, slot.interval_ms);
}

// SplitMix64 (Steele, Lea, Flood 2014).
uint64_t Engine::Parts::NextRandom() {
  uint64_t z = random += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Uniform in 0 to `jitter_ms`.
uint64_t Engine::Parts::JitterUs(uint32_t jitter_ms) {
  return jitter_ms == 0 ? 0 : NextRandom() % (uint64_t{jitter_ms} * 1000 + 1);
}

}  // namespace probe
