#pragma once
#include <time.h>

#include <cstdint>

namespace probe {

// How long one search may keep this thread busy: processor time, so that a busy machine fails nobody. A pattern that goes through a
// page once stays far below it, with the interpreter too; one that goes back and forth without end does not.
class CpuBudget {
 public:
  static constexpr uint64_t kBaseNs = 50'000'000;
  static constexpr uint64_t kNsPerOctet = 50;

  // Goes on if it is running.
  void Start() {
    if (started_ == 0) started_ = Now();
  }
  // Nanoseconds since Start() or the last Lap().
  uint64_t Lap() {
    const uint64_t now = Now();
    const uint64_t took = now - started_;
    spent_ += took;
    started_ = now;
    return took;
  }
  void Stop() {
    if (started_ != 0) Lap();
    started_ = 0;
  }
  bool IsSpent(uint64_t octets) const { return spent_ > kBaseNs + kNsPerOctet * octets; }

 private:
  static uint64_t Now() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  }

  uint64_t started_ = 0;  // 0: not running
  uint64_t spent_ = 0;
};

}  // namespace probe
