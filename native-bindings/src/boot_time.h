// CLOCK_BOOTTIME and its conversions, without N-API.
#pragma once
#include <time.h>

#include <cmath>
#include <cstdint>
#include <optional>

// Milliseconds since boot, suspended time included, with fraction (a double resolves 0.1 ns after a month of uptime).
inline double BootTimeMs() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// The absolute expiry of a timerfd, rounded up so that it never fires early. Zero would disarm the timer, so a past or
// negative deadline becomes 1 ns after boot. Nothing for NaN and for what the kernel's 64-bit nanoseconds cannot hold.
inline std::optional<itimerspec> ExpiryAt(double deadline_ms) {
  constexpr double kLatestMs = 9e12;  // 285 years
  if (!(deadline_ms <= kLatestMs)) return std::nullopt;
  const double ns = std::ceil(deadline_ms * 1e6);
  const int64_t whole = ns < 1 ? 1 : static_cast<int64_t>(ns);
  itimerspec expiry{};
  expiry.it_value.tv_sec = whole / 1'000'000'000;
  expiry.it_value.tv_nsec = whole % 1'000'000'000;
  return expiry;
}
