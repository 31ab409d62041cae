import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineClock } from "../../main/deadline-clock.js";
import { ms } from "../../main/units.js";

interface Ran {
  readonly delay: number;
  /** Between these two its deadline is: the machine may be elsewhere while it is set up. */
  readonly earliest: number;
  readonly latest: number;
}

/** Sets up what notes itself in `ran`. */
function noting(clock: DeadlineClock, delay: number, ran: Ran[]): Disposable {
  const earliest = clock.now() + delay;
  const entry = clock.after(ms(delay), () => {
    assert.ok(clock.now() >= earliest, `ran ${delay} ms too early, ${earliest - clock.now()} ms before its time`);
    ran.push({ delay, earliest, latest });
  });
  const latest = clock.now() + delay;
  return entry;
}

/** Resolves when what was set up before, for less than `delay`, has run. */
const over = (clock: DeadlineClock, delay: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms(delay), resolve));

const delaysOf = (ran: readonly Ran[]): readonly number[] => ran.map(({ delay }) => delay).sort((a, b) => a - b);

function assertInOrder(ran: readonly Ran[]): void {
  for (const [i, { latest, delay }] of ran.entries())
    for (const before of ran.slice(0, i))
      assert.ok(before.earliest <= latest, `${before.delay} ms ran before ${delay} ms`);
}

test("runs everything once, in order of its deadline, never early", async () => {
  using clock = new DeadlineClock();
  const delays = [7, 3.5, 20, 0, 12, 3.25, 1, 15, 9, 2];
  const ran: Ran[] = [];
  for (const delay of delays) noting(clock, delay, ran);
  await over(clock, 21);
  assert.deepEqual(
    delaysOf(ran),
    [...delays].sort((a, b) => a - b),
  );
  assertInOrder(ran);
});

test("a cancelled entry does not run, whatever its place, and cancelling twice is harmless", async () => {
  using clock = new DeadlineClock();
  const ran: Ran[] = [];
  const entries = Array.from({ length: 40 }, (_, i) => noting(clock, (i * 7) % 40, ran));
  entries.forEach((entry, i) => {
    if (i % 3 === 0) entry[Symbol.dispose]();
    if (i % 6 === 0) entry[Symbol.dispose]();
  });
  await over(clock, 45);
  const kept = Array.from({ length: 40 }, (_, i) => i)
    .filter((i) => i % 3 !== 0)
    .map((i) => (i * 7) % 40)
    .sort((a, b) => a - b);
  assert.deepEqual(delaysOf(ran), kept);
  assertInOrder(ran);
  entries[1]?.[Symbol.dispose](); // has run already
});

test("an entry may set up and cancel others while it runs", async () => {
  using clock = new DeadlineClock();
  const ran: string[] = [];
  await new Promise<void>((resolve) => {
    clock.after(ms(1), () => {
      doomed[Symbol.dispose]();
      clock.after(ms(0), () => ran.push("at once"));
      clock.after(ms(3), () => resolve());
    });
    const doomed = clock.after(ms(2), () => ran.push("doomed"));
  });
  assert.deepEqual(ran, ["at once"]);
});

test("more due entries than one wake-up takes all run, and the lateness of each is told", async () => {
  const late: number[] = [];
  using clock = new DeadlineClock((overdue) => late.push(overdue));
  let ran = 0;
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 1000; i++) clock.after(ms(0), () => ++ran === 1000 && resolve());
  });
  assert.equal(late.length, 1000);
  assert.ok(late.every((overdue) => overdue >= 0));
});
