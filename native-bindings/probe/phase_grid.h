#pragma once
#include <cstdint>

#include "spec.h"

// Steady checks start on a grid of instants, so that one wake of the thread serves many of them: below some thousand checks a second
// the wake is what costs, and a check of its own wake costs three times as much. The fewer checks a second, the wider the grid.
//
// Nobody is late by it. The step divides the interval, so a check that is on the grid once comes again exactly when its interval is over;
// it gets there by one start that is early, by less than a step.
namespace probe {

class PhaseGrid {
 public:
  static constexpr uint32_t kWidestMs = 200;
  // The step is at most such a part of a check's interval.
  static constexpr uint32_t kPartOfInterval = 20;

  // A steady check comes or goes. `interval_ms` is at least 1.
  void Join(Kind kind, uint32_t interval_ms);
  void Leave(Kind kind, uint32_t interval_ms);

  // The last instant of the grid that is not after `due_us`; where no grid suits the interval, `due_us` itself.
  uint64_t Align(uint64_t due_us, uint32_t interval_ms) const;
  uint32_t step_ms() const { return step_ms_; }

 private:
  void Choose();

  uint64_t load_ = 0;  // checks in 10^9 ms, weighed
  uint32_t step_ms_ = kWidestMs;
};

}  // namespace probe
