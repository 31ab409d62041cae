import assert from "node:assert/strict";
import { test } from "node:test";
import { ShardQuestion } from "../../main/health/shard-question.js";
import type { ShardSlot } from "../../main/health/shard-slot.js";
import { HandClock } from "./health-hand-clock.js";

const question = { kind: "report-next", ids: [] } as const;

function stand() {
  const clock = new HandClock();
  const asked: number[] = [];
  const slots = [0, 1].map((index) => ({ index, post: () => void asked.push(index) }) as unknown as ShardSlot);
  const shards = new ShardQuestion<string>(clock);
  return { clock, asked, shards, ask: () => shards.ask(slots, question) };
}

test("an answer that comes too late is not taken for the one to the next question", async () => {
  const { clock, shards, ask } = stand();
  const first = ask();
  shards.heard(1, "first of 1");
  clock.advance(1000);
  assert.deepEqual(await first, ["first of 1"]);
  const second = ask();
  shards.heard(0, "first of 0");
  shards.heard(0, "second of 0");
  shards.heard(1, "second of 1");
  assert.deepEqual(await second, ["second of 0", "second of 1"]);
  assert.equal(clock.timers, 0);
});

test("a thread that takes the place of another one owes nothing; at the end nobody is waited for", async () => {
  const { clock, shards, ask } = stand();
  const first = ask();
  shards.heard(1, "of 1");
  shards.restarted(0);
  assert.deepEqual(await first, ["of 1"]);
  const second = ask();
  shards.heard(0, "of the next 0");
  shards.end();
  assert.deepEqual(await second, ["of the next 0"]);
  assert.equal(clock.timers, 0);
});
