// When systemd's watchdog is fed (sd_watchdog_enabled(3)). Pure.
#pragma once
#include <cstdint>

namespace launcher {

// Fed on heart beats only, so that a daemon that hangs starves it; at most every third of the period, so that a fast
// heart beat costs nothing. Beats that come faster than that leave at most two thirds of the period between feeds.
class Watchdog {
 public:
  // Zero: systemd did not ask for it.
  explicit constexpr Watchdog(int64_t period_us) : interval_ms_(period_us / 3 / 1000), enabled_(period_us > 0) {}

  constexpr bool enabled() const { return enabled_; }
  constexpr int64_t interval_ms() const { return interval_ms_; }

  // A heart beat at `now_ms` (monotonic). @returns whether to send WATCHDOG=1 now.
  constexpr bool Beat(int64_t now_ms) {
    if (!enabled_ || (fed_ && now_ms - last_ms_ < interval_ms_)) return false;
    fed_ = true;
    last_ms_ = now_ms;
    return true;
  }

 private:
  int64_t interval_ms_;
  bool enabled_;
  bool fed_ = false;
  int64_t last_ms_ = 0;
};

}  // namespace launcher
