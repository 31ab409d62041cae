// The parts of the probe engine that are no I/O: timing wheel, latencies, admission. As plain C++ with sanitizers, built and run by
// probe-core.test.ts. `probe_parts_test buckets` prints lines of (microseconds, bucket) instead.
#include <netinet/in.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "../../native-bindings/probe/admission.h"
#include "../../native-bindings/probe/latency_counts.h"
#include "../../native-bindings/probe/tally.h"
#include "../../native-bindings/probe/timing_wheel.h"
#include "check.h"

namespace {

using namespace probe;

// --- timing wheel ---

// Against a plain map: never early, nothing lost, in the order of ticks, whatever is set and cancelled on the way.
void WheelAgainstModel(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](uint64_t n) { return random() % n; };
  constexpr uint32_t kItems = 200;
  uint64_t now = 1'000'000 + below(10'000);
  TimingWheel wheel(now);
  wheel.Resize(kItems);
  std::map<uint32_t, uint64_t> model;
  for (int step = 0; step < 3000; step++) {
    const auto item = static_cast<uint32_t>(below(kItems));
    switch (below(4)) {
      case 0:
      case 1: {
        const uint64_t tick = below(8) == 0 ? now - below(100) : now + below(3 * TimingWheel::kSlots);
        wheel.Set(item, tick);
        model[item] = tick;
        break;
      }
      case 2:
        wheel.Cancel(item);
        model.erase(item);
        break;
      default: {
        uint64_t first = UINT64_MAX;
        for (const auto& [_, tick] : model) first = std::min(first, tick);
        CHECK(wheel.Next() <= std::max(first, now));
        CHECK(model.empty() == (wheel.Next() == UINT64_MAX));
        const uint64_t past = now;
        now += below(20) == 0 ? below(3 * TimingWheel::kSlots) : below(50);
        uint64_t last = 0;
        wheel.Advance(now, [&](uint32_t due) {
          CHECK(model.contains(due) && model[due] <= now && !wheel.IsSet(due));
          const uint64_t tick = std::max(model[due], past);
          CHECK(tick >= last);
          last = tick;
          model.erase(due);
          if (below(3) == 0) {  // set again, also to what is past
            const uint64_t next = now + below(3) - 1;
            wheel.Set(due, next);
            model[due] = next;
          }
          const auto other = static_cast<uint32_t>(below(kItems));
          if (below(5) == 0) {
            wheel.Cancel(other);
            model.erase(other);
          }
        });
        for (const auto& [left, tick] : model) CHECK(tick > now || wheel.Next() <= now);
        for (const auto& [left, tick] : model) CHECK(wheel.IsSet(left));
      }
    }
  }
}

void WheelRounds() {
  TimingWheel wheel(0);
  wheel.Resize(3);
  wheel.Set(0, 5 + TimingWheel::kSlots);  // the same slot, a round later
  wheel.Set(1, 5);
  wheel.Set(2, 5);
  std::vector<uint32_t> due;
  const auto note = [&](uint32_t item) { due.push_back(item); };
  wheel.Advance(4, note);
  CHECK(due.empty() && wheel.Next() == 5);
  wheel.Advance(5, note);
  CHECK((due == std::vector<uint32_t>{1, 2}));
  wheel.Advance(5 + 2 * TimingWheel::kSlots, note);
  CHECK((due == std::vector<uint32_t>{1, 2, 0}) && wheel.Next() == UINT64_MAX);
}

// --- latencies ---

void Counts() {
  LatencyCounts counts;
  for (const uint64_t us : {0ull, 1ull, 1ull, 255ull, 256ull, 257ull, 600'000'000ull, ~0ull}) counts.Add(us);
  std::vector<uint32_t> pairs;
  counts.AppendTo(pairs);
  CHECK((pairs == std::vector<uint32_t>{1, 3, 255, 1, 256, 2, BucketOf(kHighestUs), 2}));
  CHECK(counts.total() == 8);
}

// Groups come and go with every reload: those without a check are dropped, those with one never, and none at once.
void GroupsThatGo() {
  Tally tally;
  const Times times{.total = 5};
  const auto count = [&](uint32_t group) { tally.Add(Kind::kTcp, {group}, times, true); };
  const auto total = [&](uint32_t group) {
    const LatencyCounts* counts = tally.ByGroup(group, Phase::kTotal);
    return counts == nullptr ? 0 : counts->total();
  };
  tally.Regroup({}, {1});
  tally.Regroup({}, {1, 2});
  count(1);
  tally.Regroup({1}, {});
  for (uint32_t group = 10; group < 10'010; group++) {
    tally.Regroup({}, {group});
    count(group);
    tally.Regroup({group}, {});
  }
  CHECK(tally.Groups().size() < 100);
  CHECK(total(1) == 1);  // one of its two checks is left
  tally.Regroup({1, 2}, {});
  tally.Regroup({}, {1});
  count(1);
  CHECK(total(1) == 2);  // it lost its checks, and got others
  CHECK(tally.ByKind(Kind::kTcp, Phase::kTotal).total() == 10'002);
}

int PrintBuckets() {
  for (uint64_t us = 1; us <= kHighestUs; us += 1 + us / 700) std::printf("%lu %u\n", us, BucketOf(us));
  for (uint64_t power = 1; power <= kHighestUs; power *= 2)
    for (const uint64_t us : {power - 1, power, power + 1})
      if (us > 0) std::printf("%lu %u\n", us, BucketOf(us));
  std::printf("%lu %u\n", kHighestUs, BucketOf(kHighestUs));
  return 0;
}

// --- admission ---

sockaddr_in HostAddress(uint32_t host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x0a000000 + host);
  return address;
}

std::vector<uint32_t> StartAll(Admission& admission) {
  std::vector<uint32_t> started;
  while (const auto slot = admission.Next()) started.push_back(*slot);
  return started;
}

// Slots 0 to 5 are of host 1, which takes two at once; 6 and 7 of host 2. Nobody waits for a host that is not his.
void FullHostHoldsUpNobody() {
  Admission admission(100, 2);
  const auto join = [&](uint32_t slot, uint32_t host) {
    const sockaddr_in address = HostAddress(host);
    admission.Join(slot, reinterpret_cast<const sockaddr*>(&address));
  };
  for (uint32_t slot = 0; slot < 8; slot++) join(slot, slot < 6 ? 1 : 2);
  for (uint32_t slot = 0; slot < 8; slot++) admission.Queue(slot);
  CHECK((StartAll(admission) == std::vector<uint32_t>{0, 1, 6, 7}));
  CHECK(admission.queued() == 4 && admission.in_flight() == 4 && !admission.MayStart());
  admission.Withdraw(2);
  admission.Ended(1);
  admission.Queue(1);
  CHECK((StartAll(admission) == std::vector<uint32_t>{3}));
  admission.Ended(0);
  admission.Withdraw(4);  // it had been left a place, which goes on to the next one
  CHECK((StartAll(admission) == std::vector<uint32_t>{5}));
  admission.Ended(3);
  CHECK((StartAll(admission) == std::vector<uint32_t>{1}));
  for (const uint32_t slot : {1u, 5u, 6u, 7u}) admission.Ended(slot);
  CHECK(admission.in_flight() == 0 && admission.queued() == 0);
}

void CapsAgainstModel(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](uint64_t n) { return static_cast<uint32_t>(random() % n); };
  constexpr uint32_t kSlots = 60, kHosts = 7;
  const uint32_t cap = 1 + below(20), host_cap = below(4);
  Admission admission(cap, host_cap);
  std::map<uint32_t, uint32_t> host_of;
  std::set<uint32_t> queued, running;
  std::map<uint32_t, uint32_t> at_host;
  const auto start = [&](uint32_t slot) {
    CHECK(queued.erase(slot) == 1);
    running.insert(slot);
    at_host[host_of[slot]]++;
    CHECK(running.size() <= cap && (host_cap == 0 || at_host[host_of[slot]] <= host_cap));
  };
  for (int step = 0; step < 4000; step++) {
    const uint32_t slot = below(kSlots);
    if (!host_of.contains(slot)) {
      host_of[slot] = below(kHosts);
      const sockaddr_in address = HostAddress(host_of[slot]);
      admission.Join(slot, reinterpret_cast<const sockaddr*>(&address));
    } else if (running.contains(slot)) {
      admission.Ended(slot);
      running.erase(slot);
      at_host[host_of[slot]]--;
    } else if (!queued.contains(slot)) {
      admission.Queue(slot);
      queued.insert(slot);
    } else if (below(3) == 0) {
      admission.Withdraw(slot);
      queued.erase(slot);
      admission.Leave(slot);
      host_of.erase(slot);
    }
    if (below(2) == 0)
      if (const auto next = admission.Next()) start(*next);
    CHECK(admission.queued() == queued.size() && admission.in_flight() == running.size());
    if (below(50) == 0) {  // nobody is left behind who could start
      for (const uint32_t next : StartAll(admission)) start(next);
      for (const uint32_t waiting : queued)
        CHECK(running.size() == cap || (host_cap != 0 && at_host[host_of[waiting]] == host_cap));
    }
  }
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) return PrintBuckets();
  for (uint32_t seed = 1; seed <= 20; seed++) WheelAgainstModel(seed);
  WheelRounds();
  Counts();
  GroupsThatGo();
  FullHostHoldsUpNobody();
  for (uint32_t seed = 1; seed <= 20; seed++) CapsAgainstModel(seed);
  return Report();
}
