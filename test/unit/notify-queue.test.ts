import assert from "node:assert/strict";
import test from "node:test";
import { OrderedQueue, type QueueLimits } from "../../main/notify/ordered-queue.js";
import { ms } from "../../main/units.js";
import { ManualClock } from "./notify-support.js";

const defaults: QueueLimits = { waitingPerSubject: 3, patience: ms(1000), concurrency: 100, startsTogether: 100 };

function setUp(limits: Partial<QueueLimits> = {}) {
  const clock = new ManualClock();
  const told: string[] = [];
  const ends = new Map<string, () => void>();
  const queue = new OrderedQueue<string>(
    { ...defaults, ...limits },
    {
      start: (job, done) => {
        told.push(`start ${job}`);
        ends.set(job, done);
      },
      onDropped: (subject, job) => told.push(`drop ${job} of ${subject}`),
      onOverdue: (subject, job) => told.push(`overdue ${job} of ${subject}`),
    },
    clock,
  );
  const end = (job: string): void => ends.get(job)?.();
  /** What happened since the last call. */
  const news = (): string[] => told.splice(0);
  return { clock, queue, end, news };
}

test("one subject: one at a time, in order", () => {
  const { queue, end, news } = setUp();
  for (const job of ["a1", "a2", "a3"]) queue.push("a", job);
  assert.deepEqual(news(), ["start a1"]);
  end("a1");
  assert.deepEqual(news(), ["start a2"]);
  end("a2");
  end("a2");
  assert.deepEqual(news(), ["start a3"]);
});

test("subjects do not wait for each other", () => {
  const { queue, news } = setUp();
  queue.push("a", "a1");
  queue.push("b", "b1");
  assert.deepEqual(news(), ["start a1", "start b1"]);
});

test("too many waiting: the oldest is dropped, the newest always runs", () => {
  const { queue, end, news } = setUp();
  for (let i = 1; i <= 6; i += 1) queue.push("a", `a${i}`);
  assert.deepEqual(news(), ["start a1", "drop a2 of a", "drop a3 of a"]);
  for (const job of ["a1", "a4", "a5", "a6"]) end(job);
  assert.deepEqual(news(), ["start a4", "start a5", "start a6"]);
});

test("a job that takes too long no longer holds up the next", () => {
  const { queue, end, news, clock } = setUp({ concurrency: 1 });
  queue.push("a", "a1");
  queue.push("a", "a2");
  queue.push("b", "b1");
  clock.advance(999);
  assert.deepEqual(news(), ["start a1"]);
  clock.advance(1);
  assert.deepEqual(news(), ["overdue a1 of a", "start b1"]);
  end("a1"); // ends at last: nothing follows from it
  end("b1");
  assert.deepEqual(news(), ["start a2"]);
});

test("concurrency: subjects take turns", () => {
  const { queue, end, news } = setUp({ concurrency: 2 });
  for (const job of ["a1", "a2", "b1", "c1"]) queue.push(job.slice(0, 1), job);
  assert.deepEqual(news(), ["start a1", "start b1"]);
  end("a1");
  assert.deepEqual(news(), ["start c1"]);
  end("b1");
  assert.deepEqual(news(), ["start a2"]);
});

test("starts are spread over time", () => {
  const { queue, news, clock } = setUp({ startsTogether: 2 });
  for (let i = 0; i < 5; i += 1) queue.push(`s${i}`, `j${i}`);
  assert.deepEqual(news(), ["start j0", "start j1"]);
  clock.advance(5);
  assert.deepEqual(news(), ["start j2", "start j3"]);
  clock.advance(5);
  assert.deepEqual(news(), ["start j4"]);
});

test("jobs that end within their start are no problem", () => {
  const clock = new ManualClock();
  const started: number[] = [];
  const events = {
    start: (job: number, done: () => void) => {
      started.push(job);
      done();
    },
    onDropped: () => undefined,
    onOverdue: () => undefined,
  };
  const queue = new OrderedQueue<number>({ ...defaults, startsTogether: 10 }, events, clock);
  for (let i = 0; i < 25; i += 1) queue.push(String(i), i);
  clock.advance(10);
  assert.deepEqual(
    started,
    Array.from({ length: 25 }, (_, i) => i),
  );
});

test("settle resolves when all is done, or when its time is over", async () => {
  const { queue, end, clock } = setUp();
  await queue.settle(ms(10));
  queue.push("a", "a1");
  queue.push("a", "a2");
  const settled = queue.settle(ms(500));
  end("a1");
  end("a2");
  await settled;
  queue.push("a", "a3");
  const late = queue.settle(ms(500));
  clock.advance(500);
  await late;
});
