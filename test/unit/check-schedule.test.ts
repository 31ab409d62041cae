import assert from "node:assert/strict";
import test from "node:test";
import type { CheckId } from "../../main/units.js";
import { ms } from "../../main/units.js";
import { DueHeap } from "../../workers/due-heap.js";
import { Schedule } from "../../workers/schedule.js";
import { HandClock } from "./health-hand-clock.js";

const id = (n: number): CheckId => n as CheckId;

test("heap: entries come out by due time, cancelled ones do not come out", () => {
  const heap = new DueHeap<number>();
  const due = Array.from({ length: 500 }, (_, i) => (i * 7919) % 503);
  const entries = due.map((at, i) => heap.push(i, at));
  for (const [i, entry] of entries.entries()) entry.cancelled = i % 5 === 0;
  const out: number[] = [];
  for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) out.push(entry.due);
  const want = due.filter((_, i) => i % 5 !== 0).sort((a, b) => a - b);
  assert.deepEqual(out, want);
});

test("schedule: each is started once, when it is due", () => {
  const clock = new HandClock();
  const started: string[] = [];
  const schedule = new Schedule(clock, 10, (check) => started.push(`${clock.now()} ${check}`));
  schedule.in(ms(300), id(3));
  schedule.in(ms(100), id(1));
  schedule.in(ms(200), id(2));
  clock.advance(1000);
  assert.deepEqual(started, ["100 1", "200 2", "300 3"]);
  assert.equal(clock.timers, 0, "one timer, and none without need");
});

test("schedule: an appointment can be replaced and cancelled", () => {
  const clock = new HandClock();
  const started: number[] = [];
  const schedule = new Schedule(clock, 10, (check) => started.push(check));
  schedule.in(ms(100), id(1));
  schedule.in(ms(500), id(1));
  schedule.in(ms(100), id(2));
  schedule.cancel(id(2));
  clock.advance(400);
  assert.deepEqual(started, []);
  clock.advance(200);
  assert.deepEqual(started, [1]);
});

test("schedule: what is due beyond the cap waits in order", () => {
  const clock = new HandClock();
  const started: number[] = [];
  const schedule = new Schedule(clock, 2, (check) => started.push(check));
  for (const n of [1, 2, 3, 4]) schedule.in(ms(n), id(n));
  clock.advance(100);
  assert.deepEqual([started, schedule.inFlight], [[1, 2], 2]);
  schedule.finished();
  clock.advance(1);
  assert.deepEqual([started, schedule.inFlight], [[1, 2, 3], 2]);
  schedule.finished();
  schedule.finished();
  clock.advance(1);
  assert.deepEqual([started, schedule.inFlight], [[1, 2, 3, 4], 1]);
});

test("schedule: many that are due at once are started over several turns", () => {
  const clock = new HandClock();
  let started = 0;
  const schedule = new Schedule(clock, 10_000, () => started++);
  for (let n = 0; n < 1000; n++) schedule.in(ms(5), id(n));
  const turns = clock.advance(10);
  assert.equal(started, 1000);
  assert.equal(turns, Math.ceil(1000 / 128));
});

test("schedule: nothing is started after the end", () => {
  const clock = new HandClock();
  const schedule = new Schedule(clock, 10, () => assert.fail("started"));
  schedule.in(ms(5), id(1));
  schedule[Symbol.dispose]();
  clock.advance(100);
  assert.equal(clock.timers, 0);
});
