import assert from "node:assert/strict";
import { test } from "node:test";
import { type CheckId, ms } from "../../main/units.js";
import type { FailedAttempt } from "../../workers/protocol.js";
import { Shortages } from "../../workers/shortages.js";
import { HandClock } from "./health-hand-clock.js";

function setUp() {
  const clock = new HandClock();
  const told: string[] = [];
  const shortages = new Shortages(clock, ({ id, detail, others }) => told.push(`${id} ${detail} +${others ?? 0}`));
  const add = (id: number, detail: string): void =>
    shortages.add({ id: id as CheckId, outcome: "no-resources", detail } satisfies FailedAttempt);
  return { clock, told, shortages, add };
}

test("shortages: the first is told at once, the others of its second in one", () => {
  const { clock, told, add } = setUp();
  for (let id = 1; id <= 500; id++) add(id, "EMFILE");
  add(501, "ENOBUFS");
  assert.deepEqual(told, ["1 EMFILE +0", "501 ENOBUFS +0"]);
  clock.advance(ms(1000));
  assert.deepEqual(told.slice(2), ["500 EMFILE +498"]);
});

test("shortages: a storm is a line a second, and what comes after it is told at once again", () => {
  const { clock, told, add } = setUp();
  for (let second = 0; second < 5; second++) {
    for (let id = 1; id <= 10; id++) add(id, "EMFILE");
    clock.advance(ms(1000));
  }
  assert.equal(told.length, 1 + 5);
  clock.advance(ms(1000));
  add(7, "EMFILE");
  assert.equal(told.at(-1), "7 EMFILE +0");
  assert.equal(told.length, 7);
});

test("shortages: a thousand different reasons are no thousand lines", () => {
  const { clock, told, add } = setUp();
  for (let id = 1; id <= 1000; id++) add(id, `file ${id}`);
  assert.equal(told.length, 65);
  clock.advance(ms(1000));
  assert.deepEqual(told.slice(65), ["1000 file 1000 +934"]);
});

test("shortages: nothing is told after the end", () => {
  const { clock, told, add, shortages } = setUp();
  add(1, "EMFILE");
  add(2, "EMFILE");
  shortages[Symbol.dispose]();
  clock.advance(ms(5000));
  assert.deepEqual(told, ["1 EMFILE +0"]);
});
