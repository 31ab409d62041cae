import assert from "node:assert/strict";
import { test } from "node:test";
import { OrderRun } from "../../main/vrrp/order-run.js";

/** @param cost of each member, ms @returns how many were told in each turn */
function turnsOf(members: number, cost: number): readonly number[] {
  const turns: number[] = [0];
  const later: (() => void)[] = [];
  let time = 0;
  const run = new OrderRun(
    Array.from({ length: members }, (_, i) => i),
    {
      tell: () => {
        turns[turns.length - 1] = (turns.at(-1) ?? 0) + 1;
        time += cost;
      },
      done: () => undefined,
      later: (fn) => later.push(fn),
      elapsed: () => time,
    },
  );
  run.run();
  for (let next = later.shift(); next !== undefined; next = later.shift()) {
    turns.push(0);
    next();
  }
  return turns;
}

test("an order goes to 16 members in a turn, and to fewer where they take longer than 2 ms", () => {
  assert.deepEqual(turnsOf(40, 0), [16, 16, 8]);
  assert.deepEqual(turnsOf(8, 0.7), [3, 3, 2]);
  assert.deepEqual(turnsOf(3, 20), [1, 1, 1]);
  assert.deepEqual(turnsOf(0, 0), [0]);
});
