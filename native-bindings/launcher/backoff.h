// How long to wait before a daemon that crashed is started again. Pure.
#pragma once
#include <algorithm>
#include <cstdint>

namespace launcher {

// 0, 1, 2, 4, 8, 16, 32, 60, 60 ... seconds; from 0 again once a daemon has lived for a minute.
class Backoff {
 public:
  static constexpr int kLimitSeconds = 60;
  static constexpr int64_t kHealthyLifeMs = 60'000;

  // @returns seconds to wait, given how long the one that just ended had lived.
  constexpr int Next(int64_t lived_ms) {
    if (lived_ms >= kHealthyLifeMs) next_seconds_ = 0;
    const int now = next_seconds_;
    next_seconds_ = std::min(kLimitSeconds, now == 0 ? 1 : now * 2);
    return now;
  }

 private:
  int next_seconds_ = 0;
};

}  // namespace launcher
