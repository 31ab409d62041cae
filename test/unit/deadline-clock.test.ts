import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineClock } from "../../main/deadline-clock.js";
import { ms } from "../../main/units.js";

const elapsed = (clock: DeadlineClock, delays: readonly number[]): Promise<readonly number[]> =>
  new Promise((resolve) => {
    const start = clock.now();
    const ran: number[] = [];
    for (const delay of delays) {
      clock.after(ms(delay), () => {
        ran.push(delay);
        assert.ok(clock.now() - start >= delay, `ran ${delay} ms too early, after ${clock.now() - start}`);
        if (ran.length === delays.length) resolve(ran);
      });
    }
  });

test("runs everything once, in order of its deadline, never early", async () => {
  using clock = new DeadlineClock();
  const delays = [7, 3.5, 20, 0, 12, 3.25, 1, 15, 9, 2];
  const ran = await elapsed(clock, delays);
  assert.deepEqual(
    ran,
    [...delays].sort((a, b) => a - b),
  );
});

test("a cancelled entry does not run, whatever its place, and cancelling twice is harmless", async () => {
  using clock = new DeadlineClock();
  const ran: number[] = [];
  const entries = Array.from({ length: 40 }, (_, i) => clock.after(ms((i * 7) % 40), () => ran.push((i * 7) % 40)));
  entries.forEach((entry, i) => {
    if (i % 3 === 0) entry[Symbol.dispose]();
    if (i % 6 === 0) entry[Symbol.dispose]();
  });
  await elapsed(clock, [45]);
  const kept = Array.from({ length: 40 }, (_, i) => i)
    .filter((i) => i % 3 !== 0)
    .map((i) => (i * 7) % 40)
    .sort((a, b) => a - b);
  assert.deepEqual(ran, kept);
  entries[1]?.[Symbol.dispose](); // has run already
});

test("an entry may set up and cancel others while it runs", async () => {
  using clock = new DeadlineClock();
  const ran: string[] = [];
  const doomed = clock.after(ms(2), () => ran.push("doomed"));
  await new Promise<void>((resolve) => {
    clock.after(ms(1), () => {
      doomed[Symbol.dispose]();
      clock.after(ms(0), () => ran.push("at once"));
      clock.after(ms(3), () => resolve());
    });
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
