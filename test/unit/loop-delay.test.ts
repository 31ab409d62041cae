import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LoopDelay, LoopWatch } from "../../main/observe/loop-delay.js";
import { ms } from "../../main/units.js";
import { until } from "../harness/until.js";

test("a blocked loop shows in the histogram, an idle one does not", async () => {
  using delay = new LoopDelay(ms(1000));
  await until("the histogram has samples", 5000, () => delay.summary().count >= 5);
  const end = performance.now() + 60;
  while (performance.now() < end); // what the main thread must never do
  await sleep(0);
  await until("the blocked turn is counted", 5000, () => delay.summary().max >= 40);
  const { p50, p99, max } = delay.summary();
  assert.ok(p50 <= p99 && p99 <= max, `${p50} ${p99} ${max}`);
  delay.reset();
  assert.deepEqual(delay.summary(), { p50: 0, p99: 0, max: 0, count: 0, late: 0, worstLate: 0, causes: {} });
});

test("a close watch sees a short block, and only while it lasts", async () => {
  const watch = new LoopWatch();
  await sleep(20);
  const end = performance.now() + 30;
  while (performance.now() < end);
  await until("the block is seen", 5000, () => watch.longest >= 28);
  watch[Symbol.dispose]();
});

test("late timers are counted above the threshold only", () => {
  using delay = new LoopDelay(ms(100));
  for (const overdue of [0, 100, 100.5, 2500, 300]) delay.late(ms(overdue));
  delay.explained({ overdue: ms(2500), timers: 3, cause: "processor", lasted: ms(2400), majorFaults: 0 }, 1000);
  const { late, worstLate, causes, lastLate } = delay.summary();
  assert.deepEqual({ late, worstLate, causes }, { late: 3, worstLate: 2500, causes: { processor: 1 } });
  assert.deepEqual(lastLate, { at: 1000, overdue: 2500, cause: "processor" });
});
