#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "bare_plan.h"
#include "monotonic.h"

namespace bench {

// Who may start when, and what came of it.
class Pace {
 public:
  explicit Pace(const Plan& plan) : plan_(plan), began_ns_(MonotonicNs()) { latencies_us_.reserve(plan.count); }

  bool finished() const { return ended() == plan_.count; }
  uint32_t in_flight() const { return static_cast<uint32_t>(started_ - ended()); }

  // How many may start now.
  uint64_t Due() const {
    const uint64_t room = plan_.concurrency - in_flight();
    const uint64_t left = plan_.count - started_;
    return std::min({room, left, DueByRate() - std::min(started_, DueByRate())});
  }

  // As poll(2) wants it. Paced starts come in ticks of a millisecond, like those of a checker with a timing wheel.
  int WaitMs() const { return plan_.rate == 0 || started_ == plan_.count ? kLostMs : 1; }

  // Number of this start, and when.
  uint64_t Start() { return started_++; }

  void End(bool good, uint64_t start_ns) {
    last_end_ns_ = MonotonicNs();
    if (!good) {
      ++failed_;
      return;
    }
    latencies_us_.push_back(static_cast<uint32_t>((last_end_ns_ - start_ns) / 1000));
  }

  // Nothing has ended for so long that nothing more will: the loops have no time-outs.
  bool stuck() const { return in_flight() > 0 && MonotonicNs() - std::max(last_end_ns_, began_ns_) > kLostMs * uint64_t{1'000'000}; }
  void GiveUp() { failed_ += in_flight(); }

  uint64_t failed() const { return failed_; }
  uint64_t began_ns() const { return began_ns_; }
  std::vector<uint32_t>& latencies_us() { return latencies_us_; }

 private:
  static constexpr int kLostMs = 5000;

  uint64_t ended() const { return latencies_us_.size() + failed_; }
  uint64_t DueByRate() const {
    if (plan_.rate == 0) return UINT64_MAX;
    return (MonotonicNs() - began_ns_) / 1000 * plan_.rate / 1'000'000 + 1;
  }

  const Plan& plan_;
  uint64_t began_ns_;
  uint64_t last_end_ns_ = 0;
  uint64_t started_ = 0;
  uint64_t failed_ = 0;
  std::vector<uint32_t> latencies_us_;
};

}  // namespace bench
