import assert from "node:assert/strict";
import test from "node:test";
import { ms } from "../../main/units.js";
import type { OnExit } from "../../native-bindings/process.js";
import { CheckRunner } from "../../workers/check-runner.js";
import { FakeEngine, noScripts, probeWords } from "./check-fake-engine.js";
import { miscCheck, spec } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";

function setUp() {
  const clock = new HandClock();
  const told: string[] = [];
  const exits: OnExit[] = [];
  const host = {
    ...noScripts.host,
    spawn: (_options: unknown, exit: OnExit) => {
      exits.push(exit);
      return { pid: 7, killGroup: () => 0, close: () => {}, [Symbol.dispose]: () => {} };
    },
    nextTurn: (fn: () => void) => void clock.after(ms(0), fn),
  };
  const runner = new CheckRunner({
    clock,
    probe: probeWords,
    scripts: { atMost: 10, environment: [], host },
    openEngine: (onResults) => new FakeEngine(onResults),
    onEdge: ({ id, up, outcome, retries, status }) =>
      told.push(`${id} ${up ? "UP" : "DOWN"} ${outcome} ${status} ${retries}`),
    onFailedAttempt: ({ id, outcome, detail }) => told.push(`${id} attempt ${outcome} ${detail}`),
  });
  /** The next run, `after` ms from here, ends so. */
  const run = (after: number, status: number): void => {
    const before = exits.length;
    clock.advance(after - 1);
    assert.equal(exits.length, before, "not before its time");
    clock.advance(1);
    assert.equal(exits.length, before + 1, "it runs");
    exits.at(-1)?.(status, -1);
  };
  return { told, runner, run };
}

const times = { warmup: ms(0), delayLoop: ms(10_000), retry: 2, delayBeforeRetry: ms(500), logAllFailures: true };

test("runner: a program goes through the same policy as a connection, and says more of its retries", () => {
  const { told, runner, run } = setUp();
  runner.assign([spec(1, miscCheck({}, times))]);
  run(1000, 0);
  run(10_000, 3);
  run(500, 3);
  run(500, 3);
  run(10_000, 3); // goes on failing, in silence
  run(10_000, 0);
  assert.deepEqual(told, [
    "1 UP up 0 0",
    "1 attempt exit-status failed, will do 2 retries (exited with status 3)",
    "1 attempt exit-status failed on retry 1/2 (exited with status 3)",
    "1 DOWN exit-status 3 2",
    "1 UP up 0 0",
  ]);
  assert.equal(runner.completed, 6);
});

test("runner: misc_dynamic tells of every new status, and of none twice", () => {
  const { told, runner, run } = setUp();
  runner.assign([spec(1, miscCheck({ dynamic: true }, { ...times, retry: 0 }))]);
  run(1000, 22);
  for (const status of [22, 30, 30, 1, 30, 30, 0]) run(10_000, status);
  assert.deepEqual(told, ["1 UP up 22 0", "1 UP up 30 0", "1 DOWN exit-status 1 0", "1 UP up 30 0", "1 UP up 0 0"]);
});

test("runner: latencies of programs are counted beside the engine's", () => {
  const { runner, run } = setUp();
  runner.assign([spec(1, miscCheck({}, times), undefined, [4])]);
  run(1000, 0);
  const { counts, last } = runner.latency(4);
  assert.deepEqual([...last], [1, 0]);
  assert.deepEqual([...counts].slice(0, 3), [7, 0, 1]); // MISC_CHECK, lateness, one bucket
  assert.equal(counts.length, 4 * 5);
  assert.equal(runner.latency(5).counts.length, 2 * 5);
});
