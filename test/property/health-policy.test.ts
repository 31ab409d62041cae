import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { ms } from "../../main/units.js";
import { initialState, type RetryRules, step, type Verdict } from "../../workers/policy.js";

const rules: fc.Arbitrary<RetryRules> = fc
  .record({ urls: fc.integer({ min: 1, max: 4 }), retry: fc.nat({ max: 5 }), fastRecovery: fc.boolean() })
  .map((some) => ({ ...some, delayLoop: ms(60), delayBeforeRetry: ms(3), downDelay: ms(60) }));
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

test("retry policy: a server that always fails is DOWN after retry + 1 attempts, one that passes every URL twice is UP", () => {
  fc.assert(
    fc.property(rules, known, verdicts, (given, before, all) => {
      const play = (state: ReturnType<typeof initialState>, more: readonly Verdict[]) =>
        more.reduce((at, verdict) => step(given, at, verdict).state, state);
      const anywhere = play(initialState(before), all);
      const times = (n: number, verdict: Verdict): Verdict[] => new Array<Verdict>(n).fill(verdict);
      assert.equal(play(anywhere, times(given.retry + 1, "fail")).at, "down");
      assert.equal(play(anywhere, times(2 * given.urls, "pass")).at, "up");
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
