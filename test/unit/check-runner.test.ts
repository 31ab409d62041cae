import assert from "node:assert/strict";
import test from "node:test";
import { ms } from "../../main/units.js";
import { CheckRunner } from "../../workers/check-runner.js";
import type { Outcome } from "../../workers/protocol.js";
import { FakeEngine, noScripts, probeWords, resultOf } from "./check-fake-engine.js";
import { httpCheck, spec, tcpCheck, timing, url } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";

function setUp() {
  const clock = new HandClock();
  const told: string[] = [];
  const engines: FakeEngine[] = [];
  const runner = new CheckRunner({
    clock,
    probe: probeWords,
    scripts: noScripts,
    openEngine: (onResults) => {
      const opened = new FakeEngine(onResults);
      engines.push(opened);
      return opened;
    },
    onEdge: ({ id, up, outcome, retries }) => told.push(`${id} ${up ? "UP" : "DOWN"} ${outcome} ${retries}`),
    onFailedAttempt: ({ id, outcome, detail }) => told.push(`${id} attempt ${outcome} ${detail}`),
  });
  const [engine] = engines;
  assert.ok(engine);
  const armed = (slot: number): string => {
    const { delay, url, quiet } = engine.armed.get(slot) ?? assert.fail(`slot ${slot} is not armed`);
    return `in ${Math.round(delay)} url ${url} quiet ${quiet}`;
  };
  return { clock, engine, told, runner, armed };
}

const quick = { warmup: ms(0), delayLoop: ms(10_000), retry: 1, delayBeforeRetry: ms(500) };

test("runner: a check's life, from the first attempt to DOWN after its retries and UP again", () => {
  const { engine, told, runner, armed } = setUp();
  runner.assign([spec(1, tcpCheck(quick))]);
  const life: readonly (readonly [Outcome, then: string])[] = [
    ["up", "in 10000 url 0 quiet pass"],
    ["refused", "in 500 url 0 quiet nothing"],
    ["timeout", "in 10000 url 0 quiet fail"],
    ["up", "in 10000 url 0 quiet pass"],
  ];
  assert.equal(armed(0), "in 1000 url 0 quiet nothing");
  for (const [outcome, then] of life) {
    engine.answer(0, outcome);
    assert.equal(armed(0), then);
  }
  assert.deepEqual(told, ["1 UP up 0", "1 DOWN timeout 1", "1 UP up 0"]);
  assert.deepEqual([runner.running, runner.completed], [1, 4]);
});

test("runner: a failure that changes nothing is told with its detail where log_all_failures is set, while the server is up", () => {
  const { engine, told, runner, armed } = setUp();
  runner.assign([spec(1, tcpCheck({ ...quick, logAllFailures: true, retry: 1 }), "up")]);
  engine.answer(0, "refused", { reason: "errno", detail: 111 });
  engine.answer(0, "refused", { reason: "errno", detail: 111 });
  assert.equal(armed(0), "in 10000 url 0 quiet fail");
  engine.answer(0, "refused", { reason: "errno", detail: 111 });
  assert.deepEqual(told, ["1 attempt refused Connection failed: ECONNREFUSED", "1 DOWN refused 1"]);
});

test("runner: an attempt that could not be made is always told and changes nothing", () => {
  const { engine, told, runner, armed } = setUp();
  runner.assign([spec(1, tcpCheck(quick), "up")]);
  engine.answer(0, "no-resources", { reason: "engine", detail: 24 });
  assert.deepEqual(told, ["1 attempt no-resources No resources for the attempt: EMFILE"]);
  assert.equal(armed(0), "in 10000 url 0 quiet pass");
});

test("runner: while up the engine walks the URLs, and its result says which one has failed", () => {
  const { engine, told, runner, armed } = setUp();
  const urls = [url(), url({ path: "/b" }), url({ path: "/c" })];
  runner.assign([spec(1, httpCheck({ urls, timing: timing(quick) }), "up")]);
  engine.answer(0, "bad-status", { url: 2, status: 503 });
  assert.equal(armed(0), "in 500 url 2 quiet nothing");
  engine.answer(0, "bad-status", { status: 503 });
  assert.equal(armed(0), "in 10000 url 2 quiet fail");
  engine.answer(0, "up");
  assert.equal(armed(0), "in 10000 url 0 quiet fail");
  engine.answer(0, "up");
  assert.equal(armed(0), "in 10000 url 1 quiet nothing");
  assert.deepEqual(told, ["1 DOWN bad-status 1"]);
});

test("runner: fast_recovery goes through the URLs without delay", () => {
  const { engine, told, runner, armed } = setUp();
  const urls = [url(), url({ path: "/b" })];
  runner.assign([spec(1, httpCheck({ urls, timing: timing({ ...quick, jitter: ms(100) }), fastRecovery: true }))]);
  engine.answer(0, "up");
  assert.equal(armed(0), "in 0 url 1 quiet nothing");
  engine.answer(0, "up");
  assert.deepEqual(told, ["1 UP up 0"]);
});

test("runner: jitter is added to what is armed, and the engine is told of it for the rest", () => {
  const { engine, runner } = setUp();
  runner.assign([spec(1, tcpCheck({ ...quick, jitter: ms(1000) }), "up")]);
  const delays = Array.from({ length: 20 }, (_, i) => {
    engine.answer(0, i % 2 === 0 ? "refused" : "up");
    return engine.armed.get(0)?.delay ?? 0;
  });
  const retries = delays.filter((_, i) => i % 2 === 0);
  assert.ok(Math.min(...retries) >= 500 && Math.max(...retries) < 1500);
  assert.ok(new Set(retries).size > 5, `${retries.join(" ")}`);
  assert.equal(engine.specs.get(0)?.jitter, 1000);
});

test("runner: what is taken away leaves the engine; a late result of it is nobody's", () => {
  const { engine, told, runner } = setUp();
  const [one, two] = [1, 2].map((n) => spec(n, tcpCheck(quick)));
  assert.ok(one && two);
  runner.assign([one]);
  const before = engine.armed.get(0);
  assert.ok(before);
  runner.retract([one.id]);
  runner.retract([one.id]); // twice is once
  assert.equal(engine.specs.size, 0);
  runner.assign([two]); // gets the same slot
  engine.tell(resultOf({ slot: 0, arming: before.arming, outcome: "refused" }));
  assert.deepEqual([told, runner.running], [[], 1]);
  engine.answer(0, "up");
  assert.deepEqual(told, ["2 UP up 0"]);
});

test("runner: told twice of a check, it goes on with the state that it has", () => {
  const { engine, told, runner } = setUp();
  const one = spec(1, tcpCheck(quick));
  runner.assign([one]);
  engine.answer(0, "up");
  runner.assign([{ ...one, known: "down" }]);
  assert.deepEqual([told, engine.specs.size], [["1 UP up 0"], 1]);
});

test("runner: a check that the engine cannot take is told, keeps its state and is offered again", () => {
  const { clock, engine, told, runner, armed } = setUp();
  engine.refuse = "certificate /a.pem:\nno such file";
  runner.assign([spec(1, tcpCheck(quick), "up"), spec(2, tcpCheck(quick))]);
  const why = "attempt no-resources certificate /a.pem: no such file";
  assert.deepEqual(told, [`1 ${why}`]);
  clock.advance(1000);
  assert.deepEqual(told, [`1 ${why}`, `2 ${why}`], "the same reason once a second");
  runner.retract([spec(2, tcpCheck(quick)).id]);
  engine.refuse = undefined;
  clock.advance(8999);
  assert.equal(engine.specs.size, 0);
  clock.advance(1);
  assert.equal(armed(0), "in 0 url 0 quiet pass");
  assert.deepEqual([runner.running, clock.timers], [1, 0]);
});

test("runner: virtual servers of a check, at first and later", () => {
  const { engine, runner } = setUp();
  const one = spec(1, tcpCheck(quick), "up", [3, 5]);
  runner.assign([one]);
  assert.deepEqual(engine.specs.get(0)?.groups, [3, 5]);
  runner.regroup([
    { id: one.id, groups: [5] },
    { id: spec(9, tcpCheck()).id, groups: [1] },
  ]);
  assert.deepEqual(engine.grouped, [[0, [5]]]);
});

test("runner: latencies go by check, not by slot; of the virtual servers only the one that is asked for", () => {
  const { engine, runner } = setUp();
  runner.assign([spec(11, tcpCheck(quick)), spec(22, tcpCheck(quick))]);
  engine.latest = new Uint32Array([1, 700, 0, 300, 8, 1]);
  const section = (owner: number): number[] => [owner, 4, 1, 300, 9];
  engine.counts = new Uint32Array([...section(0), ...section(0x8000_0001), ...section(0x8000_0002)]);
  const { counts, last } = runner.latency(2);
  assert.deepEqual([...last], [22, 700, 11, 300]);
  assert.deepEqual([...counts], [...section(0), ...section(0x8000_0002)]);
});

test("runner: until the next attempt, by check; of what is not here, or cannot be made, nothing is known", () => {
  const { engine, runner } = setUp();
  runner.assign([spec(11, tcpCheck(quick), "up"), spec(22, tcpCheck(quick), "up")]);
  const ids = [22, 33].map((id) => spec(id, tcpCheck()).id);
  assert.deepEqual([...runner.untilNext(ids)], [[22, engine.armed.get(1)?.delay]]);
  engine.answer(1, "up");
  assert.deepEqual([...runner.untilNext(ids)], [[22, engine.armed.get(1)?.delay]]);
});

test("runner: at its end the engine is closed", () => {
  const { engine, runner } = setUp();
  runner.assign([spec(1, tcpCheck(quick))]);
  runner[Symbol.dispose]();
  assert.deepEqual([engine.specs.size, engine.closed], [0, 1]);
});
