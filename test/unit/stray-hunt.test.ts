import assert from "node:assert/strict";
import { test } from "node:test";
import type { MarkedProcess } from "../../workers/process-family.js";
import { StrayHunt } from "../../workers/stray-hunt.js";

/** A host whose turns a test takes one by one. */
function stand(processes: () => readonly (string | undefined)[]) {
  const turns: (() => void)[] = [];
  let searches = 0;
  const hunt = new StrayHunt({
    nextTurn: (fn) => void turns.push(fn),
    markedProcesses: function* () {
      searches++;
      for (const [pid, mark] of processes().entries())
        yield mark === undefined ? undefined : ({ pid, mark, started: "1", group: pid } satisfies MarkedProcess);
    },
  });
  const found: string[] = [];
  const want = (mark: string): void => hunt.want(mark, ({ pid }) => void found.push(`${mark} ${pid}`));
  const run = (most = 1000): number => {
    let taken = 0;
    for (let turn = turns.shift(); turn !== undefined && taken < most; turn = turns.shift(), taken++) turn();
    return taken;
  };
  return { hunt, want, run, found, searches: () => searches };
}

test("one search is for all that want one, a few processes at a time", () => {
  const table = [...Array.from({ length: 100 }, () => undefined), "a", "b", "other", "a"];
  const { want, run, found, searches } = stand(() => (searches() === 1 ? table : []));
  want("a");
  want("b");
  want("c");
  assert.deepEqual(found, []);
  assert.ok(run() > 5, "104 processes are more than a turn's work");
  assert.deepEqual(found, ["a 100", "b 101", "a 103"]);
  assert.equal(searches(), 2, "once more: what was found may have started something");
});

test("who is found again and again is not hunted for ever", () => {
  const { want, run, found, searches } = stand(() => ["a"]);
  want("a");
  run();
  assert.deepEqual([found.length, searches()], [3, 3]);
  want("a");
  run();
  assert.equal(found.length, 6);
});

test("after the end nobody is looked at any more", () => {
  const { hunt, want, run, found } = stand(() => ["a"]);
  want("a");
  hunt[Symbol.dispose]();
  run();
  assert.deepEqual(found, []);
});
