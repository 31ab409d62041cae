// On which instants steady checks lie. As plain C++ with sanitizers, built and run by probe-core.test.ts.
#include "../../native-bindings/probe/phase_grid.h"

#include <initializer_list>
#include <random>

#include "check.h"

namespace {

using namespace probe;

struct Row {
  uint32_t checks, interval_ms;
  Kind kind;
  uint32_t step_ms;
};

void Steps() {
  for (const Row& row : std::initializer_list<Row>{
           {0, 6000, Kind::kTcp, 200},        // nobody there
           {1'000, 6000, Kind::kTcp, 200},    // 167 a second
           {10'000, 6000, Kind::kHttp, 20},   // 1,667
           {50'000, 6000, Kind::kTcp, 4},     // 8,333
           {100'000, 6000, Kind::kTcp, 2},    // 16,667
           {4'000, 1000, Kind::kPing, 8},
           {400, 1000, Kind::kHttps, 20},     // a handshake counts as four
           {40'000, 1, Kind::kTcp, 1},
       }) {
    PhaseGrid grid;
    for (uint32_t i = 0; i < row.checks; i++) grid.Join(row.kind, row.interval_ms);
    CHECK(grid.step_ms() == row.step_ms);
    for (uint32_t i = 0; i < row.checks; i++) grid.Leave(row.kind, row.interval_ms);
    CHECK(grid.step_ms() == PhaseGrid::kWidestMs);
  }
}

// Never later than due, early by less than a step that is a twentieth of the interval at most, and from then on in step.
void InStep() {
  std::mt19937_64 random(7);
  for (int round = 0; round < 1000; round++) {
    PhaseGrid grid;
    const auto checks = static_cast<uint32_t>(random() % 3000);
    for (uint32_t i = 0; i < checks; i++) grid.Join(Kind::kTcp, 6000);
    for (int i = 0; i < 100; i++) {
      const auto interval_ms = static_cast<uint32_t>(1 + random() % 70'000);
      const uint64_t due_us = 1'000'000'000 + random() % 100'000'000;
      const uint64_t first_us = grid.Align(due_us, interval_ms);
      const uint64_t early_us = due_us - first_us;
      CHECK(first_us <= due_us);
      CHECK(early_us < uint64_t{grid.step_ms()} * 1000 && early_us * PhaseGrid::kPartOfInterval < uint64_t{interval_ms} * 1000);
      // It started then, and took less than what it was early; one that took no time comes exactly an interval later.
      const uint64_t interval_us = uint64_t{interval_ms} * 1000;
      CHECK(grid.Align(first_us + interval_us, interval_ms) == first_us + interval_us);
      CHECK(grid.Align(first_us + random() % (early_us + 1) + interval_us, interval_ms) >= first_us + interval_us);
    }
  }
}

// What fits no step but one millisecond stays where it is.
void OddIntervals() {
  PhaseGrid grid;
  CHECK(grid.Align(123'456'789, 6001) == 123'456'789);
  CHECK(grid.Align(123'456'789, 10) == 123'456'789);
  CHECK(grid.Align(123'456'789, 1000) == 123'450'000);   // 50 ms
  CHECK(grid.Align(123'456'789, 6000) == 123'400'000);   // 200 ms
  CHECK(grid.Align(123'456'789, 6025) == 123'450'000);   // 25 ms
}

}  // namespace

int main() {
  Steps();
  InStep();
  OddIntervals();
  return Report();
}
