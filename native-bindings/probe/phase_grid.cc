#include "phase_grid.h"

#include <algorithm>
#include <array>

namespace probe {
namespace {

// All divide a second, hence every usual interval.
constexpr std::array<uint32_t, 13> kSteps = {1, 2, 4, 5, 8, 10, 20, 25, 40, 50, 100, 125, PhaseGrid::kWidestMs};
constexpr uint64_t kChecksPerStep = 32;
constexpr uint64_t kSpan = 1'000'000'000;

// What comes together waits for each other: a handshake is half a millisecond of work.
constexpr uint64_t WeightOf(Kind kind) { return kind == Kind::kHttps ? 4 : 1; }

uint64_t LoadOf(Kind kind, uint32_t interval_ms) { return WeightOf(kind) * (kSpan / std::max<uint32_t>(interval_ms, 1)); }

}  // namespace

void PhaseGrid::Join(Kind kind, uint32_t interval_ms) {
  load_ += LoadOf(kind, interval_ms);
  Choose();
}

void PhaseGrid::Leave(Kind kind, uint32_t interval_ms) {
  load_ -= LoadOf(kind, interval_ms);
  Choose();
}

void PhaseGrid::Choose() {
  const auto enough = [this](uint32_t step) { return step * load_ >= kChecksPerStep * kSpan; };
  const auto found = std::find_if(kSteps.begin(), kSteps.end(), enough);
  step_ms_ = found == kSteps.end() ? kWidestMs : *found;
}

uint64_t PhaseGrid::Align(uint64_t due_us, uint32_t interval_ms) const {
  const uint32_t most = std::min(step_ms_, interval_ms / kPartOfInterval);
  const auto suits = [=](uint32_t step) { return step <= most && interval_ms % step == 0; };
  const auto found = std::find_if(kSteps.rbegin(), kSteps.rend(), suits);
  // Ticks are a millisecond: a grid of one is there already.
  if (found == kSteps.rend() || *found == 1) return due_us;
  return due_us - due_us % (uint64_t{*found} * 1000);
}

}  // namespace probe
