import assert from "node:assert/strict";
import { test } from "node:test";
import { inSlices } from "../../main/health/slices.js";
import { hurry, nextTurn } from "../../main/turn.js";

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

/** How many turns of the loop `steps` pieces of `stepMs` each are spread over. */
async function turnsOf(steps: number, stepMs: number): Promise<number> {
  let turns = 0;
  const over = new AbortController();
  const count = (): void => {
    turns++;
    if (!over.signal.aborted) setImmediate(count);
  };
  setImmediate(count);
  await inSlices(
    (function* () {
      for (let step = 0; step < steps; step++) {
        for (const until = performance.now() + stepMs; performance.now() < until; );
        yield;
      }
    })(),
  );
  over.abort();
  return turns;
}

test("only a start that nobody waits beside takes large pieces", async () => {
  const haste = hurry();
  const hurried = await turnsOf(64, 0.1);
  haste[Symbol.dispose]();
  const usual = await turnsOf(64, 0.1);
  assert.ok(hurried <= 2, `hurried: ${hurried} turns of the loop for 6.4 ms`);
  assert.ok(usual >= 8, `usual: ${usual} turns of the loop for 6.4 ms`);
});
