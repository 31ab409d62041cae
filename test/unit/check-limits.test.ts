import assert from "node:assert/strict";
import test from "node:test";
import { checkLimits, openFileLimit, waitingSentence, worstInFlight } from "../../main/control/check-limits.js";
import { ms } from "../../main/units.js";
import { tcpCheck } from "./health-fixtures.js";

const automatic = {
  checkerThreads: undefined,
  checkerMaxInFlight: undefined,
  checkerMaxInFlightPerHost: undefined,
} as const;

const rows: readonly (readonly [
  what: string,
  over: Partial<Record<keyof typeof automatic, number>>,
  openFiles: number,
  want: { readonly threads: number; readonly maxInFlight: number; readonly maxInFlightPerHost: number },
])[] = [
  ["what the limit leaves", { checkerThreads: 2 }, 20_000, { threads: 2, maxInFlight: 9744, maxInFlightPerHost: 0 }],
  ["a small limit", { checkerThreads: 2 }, 1024, { threads: 2, maxInFlight: 256, maxInFlightPerHost: 0 }],
  ["a tiny one", { checkerThreads: 4 }, 6, { threads: 4, maxInFlight: 1, maxInFlightPerHost: 0 }],
  ["no limit", { checkerThreads: 2 }, Infinity, { threads: 2, maxInFlight: 16_384, maxInFlightPerHost: 0 }],
  [
    "as configured",
    { checkerThreads: 3, checkerMaxInFlight: 100, checkerMaxInFlightPerHost: 5 },
    20_000,
    { threads: 3, maxInFlight: 100, maxInFlightPerHost: 5 },
  ],
  [
    "more than there are files",
    { checkerThreads: 2, checkerMaxInFlight: 50_000 },
    20_000,
    { threads: 2, maxInFlight: 9744, maxInFlightPerHost: 0 },
  ],
];
for (const [what, over, openFiles, want] of rows) {
  test(`checks under way: ${what}`, () => {
    assert.deepEqual(checkLimits({ ...automatic, ...over }, openFiles), want);
  });
}

test("checks under way: never more than files, whatever is configured", () => {
  for (const threads of [undefined, 1, 7, 256])
    for (const openFiles of [1024, 4096, 20_000]) {
      const limits = checkLimits({ ...automatic, checkerThreads: threads, checkerMaxInFlight: 1_000_000 }, openFiles);
      assert.ok(limits.threads * limits.maxInFlight <= openFiles - 512);
    }
});

test("it is said when checks may have to wait, and only then", () => {
  const limits = { threads: 2, maxInFlight: 100, maxInFlightPerHost: 0 };
  assert.equal(waitingSentence(limits, 712, 200), undefined);
  assert.match(waitingSentence(limits, 712, 201) ?? "", /201 checks .* 200 are allowed \(limit of open files 712/);
});

test("in the mean a check is under way for its time-out out of time-out and delay_loop", () => {
  const checks = new Array(10).fill({ check: tcpCheck({ connectTimeout: ms(1000), delayLoop: ms(4000) }) });
  const steps = worstInFlight(checks);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  assert.equal(step.value, 2);
});

test("the limit of open files of this process", () => {
  assert.ok(openFileLimit() >= 64);
});
