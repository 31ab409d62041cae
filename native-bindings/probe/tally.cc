#include "tally.h"

#include <algorithm>

namespace probe {
namespace {

void AddTo(Tally::Phases& phases, const Times& times, bool passed) {
  const auto add = [&](Phase phase, uint32_t us) { phases[static_cast<size_t>(phase)].Add(us); };
  add(Phase::kLateness, times.lateness);
  if (!passed) return;
  if (times.connect != 0) add(Phase::kConnect, times.connect);
  if (times.tls != 0) add(Phase::kTls, times.tls);
  if (times.first_byte != 0) add(Phase::kFirstByte, times.first_byte);
  add(Phase::kTotal, times.total);
}

}  // namespace

void Tally::Add(Kind kind, const std::vector<uint32_t>& groups, const Times& times, bool passed) {
  AddTo(kinds_[static_cast<size_t>(kind)], times, passed);
  for (const uint32_t group : groups) {
    std::unique_ptr<Phases>& phases = groups_[group];
    if (phases == nullptr) phases = std::make_unique<Phases>();
    AddTo(*phases, times, passed);
  }
}

const LatencyCounts& Tally::ByKind(Kind kind, Phase phase) const {
  return kinds_[static_cast<size_t>(kind)][static_cast<size_t>(phase)];
}

const LatencyCounts* Tally::ByGroup(uint32_t group, Phase phase) const {
  const auto at = groups_.find(group);
  if (at == groups_.end()) return nullptr;
  const LatencyCounts& counts = (*at->second)[static_cast<size_t>(phase)];
  return counts.total() == 0 ? nullptr : &counts;
}

void Tally::Regroup(const std::vector<uint32_t>& before, const std::vector<uint32_t>& after) {
  for (const uint32_t group : after) users_[group]++;
  for (const uint32_t group : before) {
    const auto at = users_.find(group);
    if (at != users_.end() && --at->second == 0) users_.erase(at);
  }
  constexpr size_t kMostUnused = 64;
  if (groups_.size() > 2 * users_.size() + kMostUnused)
    std::erase_if(groups_, [this](const auto& group) { return !users_.contains(group.first); });
}

std::vector<uint32_t> Tally::Groups() const {
  std::vector<uint32_t> numbers;
  for (const auto& [number, phases] : groups_) numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace probe
