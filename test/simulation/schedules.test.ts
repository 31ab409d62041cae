import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import type { Failover } from "./cluster/failover-watch.js";
import { playMany } from "./cluster/many.js";
import { story } from "./cluster/story.js";

const SCHEDULES = 100_000;
/** Two minutes on two processors. */
const MOST_PROCESSOR_MS_EACH = 240_000 / SCHEDULES;
/** On a machine that others use there may be time for a part of them only; that it was not our fault shows the line above. */
const LIMIT_MS = 200_000;
const LEAST_SCHEDULES = 5000;

const sorted = (failovers: readonly Failover[], value: (f: Failover) => number): readonly number[] =>
  failovers.map(value).sort((a, b) => a - b);

test(`${SCHEDULES} schedules break no rule`, { timeout: 280_000 }, async (t) => {
  const before = process.cpuUsage();
  const threads = Math.min(4, availableParallelism());
  const { broken, brokenCount, played, failovers } = await playMany({
    seed: 1,
    schedules: SCHEDULES,
    threads,
    limitMs: LIMIT_MS,
  });
  const { user, system } = process.cpuUsage(before);
  t.diagnostic(
    `${played} schedules, ${((user + system) / 1e6).toFixed(1)} s of processors, ${failovers.length} failovers measured`,
  );
  assert.ok(played >= LEAST_SCHEDULES, `there was time for ${played} only`);
  const [first] = broken;
  if (first !== undefined) assert.fail(`${brokenCount} broke a rule, the first one:\n${story(first.seed)}`);
  const each = (user + system) / 1000 / played;
  assert.ok(each < MOST_PROCESSOR_MS_EACH, `a schedule takes ${each.toFixed(2)} ms of a processor`);

  await t.test(
    "failover after a crash: between three intervals less the last one's age and four, as RFC 5798 §6.1 says",
    () => {
      const crashes = failovers.filter((f) => f.after === "crash" && f.protocol <= 4 * f.interval);
      const took = sorted(crashes, (f) => f.took / f.interval);
      assert.ok(took.length > played / 150, `only ${took.length} were measured`);
      assert.ok((took[0] ?? 0) > 1.9 && (took.at(-1) ?? 9) < 4.2, `${took[0]} to ${took.at(-1)} intervals`);
    },
  );
  await t.test("failover after a clean stop: skew time, less than an interval", () => {
    const stops = failovers.filter((f) => f.after === "stop");
    const took = sorted(stops, (f) => f.took / f.interval);
    assert.ok(took.length > played / 150, `only ${took.length} were measured`);
    assert.ok((took.at(-1) ?? 9) < 1.1, `up to ${took.at(-1)} intervals`);
  });
  await t.test("over the protocol's own time there is only the network's", () => {
    const over = sorted(failovers, (f) => (f.took - f.protocol) / f.interval);
    assert.ok((over[over.length >> 1] ?? 1) < 0.005, `median ${over[over.length >> 1]} intervals`);
  });
});
