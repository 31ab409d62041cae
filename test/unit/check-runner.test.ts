import assert from "node:assert/strict";
import test from "node:test";
import { ms } from "../../main/units.js";
import { CheckRunner } from "../../workers/check-runner.js";
import type { ProbeResult, Prober } from "../../workers/prober.js";
import type { Outcome } from "../../workers/protocol.js";
import { httpCheck, spec, tcpCheck, timing, url } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";

/** A prober that answers when the test says so. */
class Script implements Prober {
  readonly waiting: { readonly url: number; readonly done: (result: ProbeResult) => void }[] = [];
  ended = 0;

  probe(_check: unknown, url: number, done: (result: ProbeResult) => void): Disposable {
    const attempt = { url, done };
    this.waiting.push(attempt);
    return {
      [Symbol.dispose]: () => {
        this.waiting.splice(this.waiting.indexOf(attempt), 1);
        this.ended++;
      },
    };
  }

  answer(outcome: Outcome): void {
    const attempt = this.waiting.shift();
    assert.ok(attempt, "no attempt is under way");
    attempt.done({ outcome, latency: ms(2), status: 0, detail: outcome === "up" ? "" : "why" });
  }
}

function setUp(maxInFlight = 10) {
  const clock = new HandClock();
  const prober = new Script();
  const told: string[] = [];
  const runner = new CheckRunner({
    clock,
    maxInFlight,
    proberOf: () => prober,
    onEdge: ({ id, up, outcome, retries }) => told.push(`${id} ${up ? "UP" : "DOWN"} ${outcome} ${retries}`),
    onFailedAttempt: ({ id, outcome, detail }) => told.push(`${id} attempt ${outcome} ${detail}`),
  });
  return { clock, prober, told, runner };
}

const quick = { warmup: ms(0), delayLoop: ms(10_000), retry: 1, delayBeforeRetry: ms(500) };

test("runner: a check's life, from the first attempt to DOWN after its retries and UP again", () => {
  const { clock, prober, told, runner } = setUp();
  runner.assign([spec(1, tcpCheck(quick))]);
  const at = (delay: number, outcome: Outcome): void => {
    clock.advance(delay - 2);
    assert.equal(prober.waiting.length, 0, "not before its time");
    clock.advance(2);
    prober.answer(outcome);
  };
  at(1000, "up");
  at(10_000, "refused");
  at(500, "timeout");
  at(10_000, "refused");
  at(10_000, "up");
  assert.deepEqual(told, ["1 UP up 0", "1 DOWN timeout 1", "1 UP up 0"]);
  assert.deepEqual([runner.running, runner.completed], [1, 5]);
});

for (const logAllFailures of [true, false]) {
  test(`runner: log_all_failures ${logAllFailures}; an attempt that could not be made is always told`, () => {
    const { clock, prober, told, runner } = setUp();
    runner.assign([spec(1, tcpCheck({ ...quick, logAllFailures }), "up")]);
    clock.advance(10_000);
    prober.answer("refused");
    clock.advance(500);
    prober.answer("no-resources");
    const refused = logAllFailures ? ["1 attempt refused why"] : [];
    assert.deepEqual(told, [...refused, "1 attempt no-resources why"]);
  });
}

test("runner: URLs are probed in turn", () => {
  const { clock, prober, told, runner } = setUp();
  const urls = [url(), url({ path: "/b" })];
  runner.assign([spec(1, httpCheck({ urls, timing: timing(quick), fastRecovery: true }))]);
  clock.advance(1000);
  assert.equal(prober.waiting[0]?.url, 0);
  prober.answer("up");
  clock.advance(0);
  assert.equal(prober.waiting[0]?.url, 1);
  prober.answer("up");
  assert.deepEqual(told, ["1 UP up 0"]);
});

test("runner: what is taken away is ended and frees its place", () => {
  const { clock, prober, told, runner } = setUp(1);
  const specs = [1, 2].map((n) => spec(n, tcpCheck(quick)));
  runner.assign(specs);
  clock.advance(2000);
  assert.equal(prober.waiting.length, 1, "capped");
  const first = specs.map(({ id }) => id);
  runner.retract(first.slice(0, 1));
  runner.retract(first.slice(0, 1)); // twice is once
  clock.advance(1);
  prober.answer("up");
  assert.deepEqual([prober.ended, told, runner.running], [1, ["2 UP up 0"], 1]);
});

test("runner: told twice of a check, it goes on with the state that it has", () => {
  const { clock, prober, told, runner } = setUp();
  const one = spec(1, tcpCheck(quick));
  runner.assign([one]);
  clock.advance(1000);
  runner.assign([{ ...one, known: "down" }]);
  prober.answer("up");
  clock.advance(20_000);
  assert.deepEqual([told, prober.waiting.length], [["1 UP up 0"], 1]);
});

test("runner: latency of passed attempts, by kind and by check", () => {
  const { clock, prober, runner } = setUp();
  runner.assign([spec(1, tcpCheck(quick)), spec(2, tcpCheck(quick))]);
  clock.advance(1000);
  prober.answer("up");
  prober.answer("refused");
  const { histograms, last } = runner.latency();
  assert.deepEqual(Object.keys(histograms), ["TCP_CHECK"]);
  assert.deepEqual([...last].slice(1), [2000]);
});
