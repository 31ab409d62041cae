import assert from "node:assert/strict";
import { test } from "node:test";
import { nextTurn } from "../../main/turn.js";

const loopTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a turn of the loop has one piece of long work, in the order of asking", async () => {
  const log: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let piece = 1; piece <= 3; piece++) {
      await nextTurn();
      log.push(`${name}${piece}`);
    }
  };
  const all = Promise.all([work("a"), work("b")]);
  const perTurn: number[] = [];
  for (let done = false; !done; ) {
    const before = log.length;
    await loopTurn();
    perTurn.push(log.length - before);
    done = log.length === 6;
  }
  await all;
  assert.deepEqual(log, ["a1", "b1", "a2", "b2", "a3", "b3"]);
  assert.ok(Math.max(...perTurn) === 1, `pieces per turn: ${perTurn.join(" ")}`);
});
