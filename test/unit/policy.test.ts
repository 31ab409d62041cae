import assert from "node:assert/strict";
import test from "node:test";
import { ms } from "../../main/units.js";
import {
  initialState,
  jittered,
  type PolicyState,
  type PolicyStep,
  quietIn,
  type RetryRules,
  rulesOf,
  startDelay,
  step,
  type Verdict,
  verdictOf,
} from "../../workers/policy.js";
import { outcomes } from "../../workers/protocol.js";
import { httpCheck, pingCheck, tcpCheck, timing, url } from "./health-fixtures.js";

const rules: RetryRules = {
  urls: 1,
  retry: 2,
  rise: 1,
  delayLoop: ms(60),
  delayBeforeRetry: ms(3),
  downDelay: ms(60),
  risingDelay: ms(60),
  jitter: ms(0),
  fastRecovery: false,
};
const up = (failures: number, at = 0): PolicyState => ({ at: "up", url: at, failures });
const down = (at = 0): PolicyState => ({ at: "down", url: at });
const recovering = (at = 0, rounds = 0): PolicyState => ({ at: "recovering", url: at, rounds });
const DOWN0 = { up: false, retries: 0 };
const DOWN2 = { up: false, retries: 2 };
const UP = { up: true, retries: 0 };
const steps = (state: PolicyState, edge: PolicyStep["edge"], nextDelay: number): PolicyStep => ({
  state,
  edge,
  nextDelay: ms(nextDelay),
});

interface Row {
  readonly rule: string;
  readonly with?: Partial<RetryRules>;
  readonly state: PolicyState;
  readonly verdict: Verdict;
  readonly want: PolicyStep;
}

const unrun: PolicyState = { at: "unrun", url: 0 };
const two = { urls: 2 };
const fast = { urls: 2, fastRecovery: true };

const rows: readonly Row[] = [
  { rule: "first success is told", state: unrun, verdict: "pass", want: steps(up(0), UP, 60) },
  { rule: "first failure is DOWN without retries", state: unrun, verdict: "fail", want: steps(down(), DOWN0, 60) },
  { rule: "success while up is no news", state: up(0), verdict: "pass", want: steps(up(0), undefined, 60) },
  { rule: "failure while up is retried soon", state: up(0), verdict: "fail", want: steps(up(1), undefined, 3) },
  { rule: "up to `retry` times", state: up(1), verdict: "fail", want: steps(up(2), undefined, 3) },
  { rule: "then it is DOWN after N retries", state: up(2), verdict: "fail", want: steps(down(), DOWN2, 60) },
  { rule: "a success forgets the failures", state: up(2), verdict: "pass", want: steps(up(0), undefined, 60) },
  {
    rule: "retry 0: the first failure while up is DOWN",
    with: { retry: 0 },
    state: up(0),
    verdict: "fail",
    want: steps(down(), DOWN0, 60),
  },
  { rule: "failure while down is no news", state: down(), verdict: "fail", want: steps(down(), undefined, 60) },
  { rule: "one success while down is UP", state: down(), verdict: "pass", want: steps(up(0), UP, 60) },
  { rule: "no verdict changes nothing", state: up(1), verdict: "none", want: steps(up(1), undefined, 60) },
  { rule: "one URL per delay_loop", with: two, state: up(0), verdict: "pass", want: steps(up(0, 1), undefined, 60) },
  {
    rule: "never ran: all URLs have to pass",
    with: two,
    state: unrun,
    verdict: "pass",
    want: steps({ at: "unrun", url: 1 }, undefined, 60),
  },
  {
    rule: "the last URL makes it UP",
    with: two,
    state: { at: "unrun", url: 1 },
    verdict: "pass",
    want: steps(up(0), UP, 60),
  },
  {
    rule: "never ran: a later URL fails without retries too",
    with: two,
    state: { at: "unrun", url: 1 },
    verdict: "fail",
    want: steps(down(1), DOWN0, 60),
  },
  {
    rule: "the failed URL is remembered",
    with: two,
    state: up(2, 1),
    verdict: "fail",
    want: steps(down(1), DOWN2, 60),
  },
  {
    rule: "it is what is probed while down, slowly",
    with: { urls: 2, downDelay: ms(90) },
    state: down(1),
    verdict: "fail",
    want: steps(down(1), undefined, 90),
  },
  {
    rule: "when it passes, all have to pass from the first",
    with: two,
    state: down(1),
    verdict: "pass",
    want: steps(recovering(0), undefined, 60),
  },
  {
    rule: "the first URL passed: it need not pass twice",
    with: two,
    state: down(0),
    verdict: "pass",
    want: steps(recovering(1), undefined, 60),
  },
  {
    rule: "all passed: UP",
    with: two,
    state: recovering(1),
    verdict: "pass",
    want: steps(up(0), UP, 60),
  },
  {
    rule: "another URL fails on the way up: that one is the failed one now",
    with: two,
    state: recovering(0),
    verdict: "fail",
    want: steps(down(0), undefined, 60),
  },
  {
    rule: "fast_recovery: no delay while recovering",
    with: fast,
    state: down(1),
    verdict: "pass",
    want: steps(recovering(0), undefined, 0),
  },
  {
    rule: "fast_recovery: no delay while never run",
    with: fast,
    state: unrun,
    verdict: "pass",
    want: steps({ at: "unrun", url: 1 }, undefined, 0),
  },
  {
    rule: "fast_recovery: not while up",
    with: fast,
    state: up(0),
    verdict: "pass",
    want: steps(up(0, 1), undefined, 60),
  },
  {
    rule: "fast_recovery: not while a URL is known to fail",
    with: fast,
    state: down(1),
    verdict: "fail",
    want: steps(down(1), undefined, 60),
  },
  {
    rule: "rise: one passing round is not enough",
    with: { rise: 3 },
    state: down(),
    verdict: "pass",
    want: steps(recovering(0, 1), undefined, 60),
  },
  {
    rule: "rise: the last of them makes it UP",
    with: { rise: 3 },
    state: recovering(0, 2),
    verdict: "pass",
    want: steps(up(0), UP, 60),
  },
  {
    rule: "rise: a round is all URLs",
    with: { rise: 2, urls: 2 },
    state: recovering(1, 0),
    verdict: "pass",
    want: steps(recovering(0, 1), undefined, 60),
  },
  {
    rule: "rise: a failure begins from nothing",
    with: { rise: 3 },
    state: recovering(0, 2),
    verdict: "fail",
    want: steps(down(), undefined, 60),
  },
  { rule: "rise: not for the first run", with: { rise: 3 }, state: unrun, verdict: "pass", want: steps(up(0), UP, 60) },
  {
    rule: "rise: faster while rising, if so configured",
    with: { rise: 2, risingDelay: ms(7) },
    state: down(),
    verdict: "pass",
    want: steps(recovering(0, 1), undefined, 7),
  },
  {
    rule: "rise: fast_recovery hurries from URL to URL, not from round to round",
    with: { ...fast, rise: 2 },
    state: recovering(1, 0),
    verdict: "pass",
    want: steps(recovering(0, 1), undefined, 60),
  },
];

for (const row of rows) {
  test(`retry policy: ${row.rule}`, () => {
    assert.deepEqual(step({ ...rules, ...row.with }, row.state, row.verdict), row.want);
  });
}

test("a known state is resumed without the first-run rule", () => {
  assert.deepEqual(initialState(undefined), { at: "unrun", url: 0 });
  assert.deepEqual(step(rules, initialState("up"), "fail").edge, undefined);
  assert.deepEqual(step(rules, initialState("down"), "fail").edge, undefined);
  assert.deepEqual(step(rules, initialState("down"), "pass").edge, UP);
});

test("rules of TCP and HTTP checks", () => {
  const slow = timing({ retry: 3, delayLoop: ms(10), delayBeforeRetry: ms(40), jitter: ms(5) });
  const common = { retry: 3, rise: 1, delayLoop: ms(10), delayBeforeRetry: ms(40), risingDelay: ms(10), jitter: ms(5) };
  const single = { ...common, urls: 1, downDelay: ms(10), fastRecovery: false };
  assert.deepEqual(rulesOf(tcpCheck(slow)), single);
  assert.deepEqual(rulesOf(pingCheck(slow)), single);
  // A failed URL is tried again every max(delay_before_retry, delay_loop).
  const http = httpCheck({ timing: slow, urls: [url(), url({ path: "/b" })], fastRecovery: true });
  assert.deepEqual(rulesOf(http), { ...common, urls: 2, downDelay: ms(40), fastRecovery: true });
});

test("fast_interval stands in for all delays but those of what is up and well", () => {
  const check = httpCheck({ timing: timing({ delayLoop: ms(60), delayBeforeRetry: ms(40), fastInterval: ms(2) }) });
  const { delayLoop, delayBeforeRetry, downDelay, risingDelay } = rulesOf(check);
  assert.deepEqual([delayLoop, delayBeforeRetry, downDelay, risingDelay], [60, 2, 2, 2]);
});

test("jitter: a share that identity and count decide, spread over the whole", () => {
  const delays = Array.from({ length: 1000 }, (_, count) => jittered(ms(100), ms(50), 7, count));
  assert.ok(Math.min(...delays) >= 100 && Math.max(...delays) < 150);
  const early = delays.filter((delay) => delay < 125).length;
  assert.ok(early > 400 && early < 600, `${early} of 1000 in the first half`);
  assert.equal(jittered(ms(100), ms(50), 7, 5), delays[5]);
  assert.notEqual(jittered(ms(100), ms(50), 8, 5), delays[5]);
  assert.deepEqual([jittered(ms(0), ms(50), 7, 1), jittered(ms(100), ms(0), 7, 1)], [0, 100]);
});

const quietRows: readonly (readonly [state: PolicyState, want: string])[] = [
  [unrun, "nothing"],
  [up(0, 1), "pass"],
  [up(0), "pass"],
  [up(1), "nothing"],
  [down(1), "fail"],
  [recovering(0), "fail"],
  [recovering(0, 1), "nothing"],
  [recovering(1), "nothing"],
];
for (const [state, want] of quietRows) {
  test(`the engine keeps ${want} to itself in ${JSON.stringify(state)}`, () => {
    assert.equal(quietIn(state), want);
  });
}

test("only what the server did counts", () => {
  const verdicts = outcomes.map((outcome) => `${outcome} ${verdictOf(outcome)}`);
  assert.deepEqual(verdicts, [
    "up pass",
    "refused fail",
    "unreachable fail",
    "timeout fail",
    "reset fail",
    "bad-status fail",
    "bad-digest fail",
    "bad-response fail",
    "tls-error fail",
    "no-resources none",
    "no-match fail",
    "exit-status fail",
    "signal fail",
    "not-started fail",
  ]);
});

test("start: one second plus a share of warmup that depends on the identity alone", () => {
  const t = { warmup: ms(60_000), delayLoop: ms(60_000) };
  const delays = Array.from({ length: 1000 }, (_, i) => startDelay(`check ${i}`, undefined, t, ms(i)));
  assert.ok(Math.min(...delays) >= 1000 && Math.max(...delays) < 61_000);
  const early = delays.filter((delay) => delay < 31_000).length;
  assert.ok(early > 400 && early < 600, `${early} of 1000 in the first half`);
  assert.equal(startDelay("check 7", undefined, t, ms(5)), delays[7]);
  assert.equal(startDelay("x", undefined, { ...t, warmup: ms(0) }, ms(5)), 1000);
});

test("a known check goes on in its own beat, whenever it is started", () => {
  const t = { warmup: ms(0), delayLoop: ms(1000) };
  const beat = (startDelay("x", "up", t, ms(0)) + 0) % 1000;
  for (const now of [1, 499, 500, 123_456]) {
    const delay = startDelay("x", "down", t, ms(now));
    assert.ok(delay >= 0 && delay < 1000);
    assert.ok(Math.abs(((now + delay) % 1000) - beat) < 0.001, `at ${now}`);
  }
});
