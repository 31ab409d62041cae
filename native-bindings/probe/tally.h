#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "latency_counts.h"
#include "spec.h"

// Latencies of all attempts: by kind of check, and by group.
namespace probe {

enum class Phase : uint8_t { kLateness = 0, kConnect = 1, kTls = 2, kFirstByte = 3, kTotal = 4 };
inline constexpr uint32_t kPhases = 5;
inline constexpr uint32_t kKinds = 7;

// Microseconds from the start of an attempt; 0: it did not come so far.
struct Times {
  uint32_t lateness = 0;  // from due to start
  uint32_t connect = 0;
  uint32_t tls = 0;
  uint32_t first_byte = 0;
  uint32_t total = 0;
};

class Tally {
 public:
  using Phases = std::array<LatencyCounts, kPhases>;

  // Of an attempt that did not pass only the lateness counts.
  void Add(Kind kind, const std::vector<uint32_t>& groups, const Times& times, bool passed);
  const LatencyCounts& ByKind(Kind kind, Phase phase) const;
  const LatencyCounts* ByGroup(uint32_t group, Phase phase) const;
  // All groups for which something was counted; some of them may have no check any more.
  std::vector<uint32_t> Groups() const;
  // A check has other groups than before; none: it has come, or goes. What was counted for groups without a check is dropped in time,
  // not at once: a reload takes the checks of a group away, and then gives it others.
  void Regroup(const std::vector<uint32_t>& before, const std::vector<uint32_t>& after);

 private:
  std::array<Phases, kKinds> kinds_;
  std::unordered_map<uint32_t, std::unique_ptr<Phases>> groups_;
  std::unordered_map<uint32_t, uint32_t> users_;  // how many checks each group has
};

}  // namespace probe
