import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { ms } from "../../main/units.js";
import {
  caughtUp,
  initialState,
  type PolicyState,
  quietIn,
  type RetryRules,
  step,
  type Verdict,
} from "../../workers/policy.js";

const rules: fc.Arbitrary<RetryRules> = fc
  .record({
    urls: fc.integer({ min: 1, max: 4 }),
    retry: fc.nat({ max: 5 }),
    rise: fc.integer({ min: 1, max: 3 }),
    fastRecovery: fc.boolean(),
  })
  .map((some) => ({
    ...some,
    delayLoop: ms(60),
    delayBeforeRetry: ms(3),
    downDelay: ms(50),
    risingDelay: ms(7),
    jitter: ms(0),
  }));
const verdicts = fc.array(fc.constantFrom<Verdict>("pass", "fail", "none"), { maxLength: 100 });
const known = fc.constantFrom(undefined, "up" as const, "down" as const);

test("retry policy: edges alternate, and a known state is never told again", () => {
  fc.assert(
    fc.property(rules, known, verdicts, (given, before, all) => {
      let state = initialState(before);
      let last = before === undefined ? undefined : before === "up";
      for (const verdict of all) {
        const next = step(given, state, verdict);
        state = next.state;
        assert.ok(state.url >= 0 && state.url < given.urls);
        if (next.edge === undefined) continue;
        assert.notEqual(next.edge.up, last);
        last = next.edge.up;
      }
    }),
  );
});

test("retry policy: a server that always fails is DOWN after retry + 1 attempts, one that passes every URL rise + 1 times is UP", () => {
  fc.assert(
    fc.property(rules, known, verdicts, (given, before, all) => {
      const play = (state: ReturnType<typeof initialState>, more: readonly Verdict[]) =>
        more.reduce((at, verdict) => step(given, at, verdict).state, state);
      const anywhere = play(initialState(before), all);
      const times = (n: number, verdict: Verdict): Verdict[] => new Array<Verdict>(n).fill(verdict);
      assert.equal(play(anywhere, times(given.retry + 1, "fail")).at, "down");
      assert.equal(play(anywhere, times((given.rise + 1) * given.urls, "pass")).at, "up");
    }),
  );
});

test("retry policy: without delay only while out of service, and never more than once per URL", () => {
  fc.assert(
    fc.property(rules, known, verdicts, (given, before, all) => {
      let state = initialState(before);
      let hurried = 0;
      for (const verdict of all) {
        const next = step(given, state, verdict);
        hurried = next.nextDelay === 0 ? hurried + 1 : 0;
        assert.ok(hurried <= given.urls, `${hurried} attempts without delay`);
        state = next.state;
      }
    }),
  );
});

interface Attempt {
  readonly url: number;
  readonly delay: number;
  readonly edge: boolean | undefined;
}

test("retry policy: an engine that keeps quiet probes the same URLs at the same times, with the same edges", () => {
  fc.assert(
    fc.property(rules, known, verdicts, (given, before, all) => {
      assert.deepEqual(quietly(given, initialState(before), all), openly(given, initialState(before), all));
    }),
    { numRuns: 500 },
  );
});

/** Every attempt is put before the policy. */
function openly(given: RetryRules, from: PolicyState, all: readonly Verdict[]): Attempt[] {
  let state = from;
  return all.map((verdict) => {
    const { url } = state;
    const next = step(given, state, verdict);
    state = next.state;
    return { url, delay: next.nextDelay, edge: next.edge?.up };
  });
}

/** What native-bindings/probe/engine.h promises: a quiet pass goes on to the next URL, a quiet failure stays where it is. */
function quietly(given: RetryRules, from: PolicyState, all: readonly Verdict[]): Attempt[] {
  let state = from;
  let at = state.url;
  return all.map((verdict) => {
    const url = at;
    const quiet = quietIn(state);
    if (quiet === verdict) {
      at = quiet === "pass" ? (url + 1) % given.urls : url;
      return { url, delay: quiet === "pass" ? given.delayLoop : given.downDelay, edge: undefined };
    }
    const next = step(given, caughtUp(state, url), verdict);
    state = next.state;
    at = state.url;
    return { url, delay: next.nextDelay, edge: next.edge?.up };
  });
}
