#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "spec.h"
#include "tally.h"
#include "verdict.h"

// The probe engine: thousands of checks in one thread over one epoll. Mechanism only: what a result means, and when the next
// attempt is due after one that matters, the owner decides. Nothing here knows Node.
namespace probe {

// What a check does by itself when it ends as expected; anything else is handed over and the check rests until it is armed again.
enum class Quiet : uint8_t { kNothing = 0, kPass = 1, kFail = 2 };

struct Limits {
  uint32_t in_flight = 4000;
  uint32_t in_flight_per_host = 0;  // 0: no limit
  uint32_t starts_per_turn = 256;   // so that results are heard between them
  bool keep_in_memory = false;      // checks and attempts, never in swap
};

// One result, 16 words; see probe.ts for their meaning.
struct Result {
  uint32_t slot;
  uint32_t arming;       // of Arm(): results of an earlier one are never handed over
  uint32_t outcome_url;  // bits 0-7 Outcome, 8-11 Stage, 12-15 Reason, 16-31 index of the URL
  uint32_t detail;       // see Reason
  uint32_t status;
  uint32_t connect_us, tls_us, first_byte_us, total_us;  // since the start; 0: did not come so far
  uint32_t md5[4];       // bytes of the digest in order
  uint32_t lateness_us;  // from due to start
  uint32_t reserved[2];
};
static_assert(sizeof(Result) == 64);

struct Counters {
  uint64_t completed = 0;  // attempts with a result
  uint64_t in_flight = 0;
  uint64_t queued = 0;     // due, and waiting for a cap
  uint64_t passed = 0;
  uint64_t no_resources = 0;
};

class Engine {
 public:
  // Throws nothing; null: `error` is the errno of what failed. Time is CLOCK_MONOTONIC.
  static std::unique_ptr<Engine> Create(const Limits& limits, int& error);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  int fd() const;  // the epoll descriptor, readable when Run() has something to do
  uint32_t Add(Spec spec);
  // Whether the number stands for a check, so that the functions below may be called with it.
  bool Has(uint32_t slot) const;
  uint32_t UrlCount(uint32_t slot) const;
  // Ends what is under way without a result. The slot number is used again.
  void Remove(uint32_t slot);
  // The next attempt is made after `delay_us`, of URL `url`; replaces an earlier appointment, never an attempt that is under way:
  // that one goes on, and its result is dropped.
  void Arm(uint32_t slot, uint32_t arming, uint64_t delay_us, uint32_t url, Quiet quiet);
  void SetGroups(uint32_t slot, std::vector<uint32_t> groups);
  void SetIntervals(uint32_t slot, uint32_t interval_ms, uint32_t quiet_fail_interval_ms, uint32_t jitter_ms);
  // One bounded turn: events, time-outs, starts. Returns NextRun().
  int Run();
  // Milliseconds until Run() wants to be called even without an event; -1: never.
  int NextRun() const;
  // Moves results to `into` as far as there is room; returns how many. Those that a Remove() or Arm() made void are left out.
  size_t TakeResults(std::span<Result> into);
  Counters counters() const;
  const Tally& tally() const;
  // (slot, total us) of the last attempt that passed, for all slots that had one.
  void AppendLast(std::vector<uint32_t>& pairs) const;
  // Until the next attempt; 0: it is due, or one is under way.
  uint64_t UntilDueUs(uint32_t slot) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  Engine();
};

}  // namespace probe
