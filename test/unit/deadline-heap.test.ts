import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DeadlineHeap } from "../../main/deadline-heap.js";

const nothing = (): void => undefined;

/** Takes all out, in the order of the heap. */
function emptied(heap: DeadlineHeap): readonly number[] {
  const taken: number[] = [];
  for (let { first } = heap; first !== undefined; { first } = heap) {
    taken.push(first.deadline);
    heap.remove(first);
  }
  return taken;
}

test("whatever is added and taken back, the rest comes in order", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean())), (all) => {
      const heap = new DeadlineHeap();
      const entries = all.map(([deadline]) => heap.add(deadline, nothing, undefined));
      for (const [i, entry] of entries.entries()) if (all[i]?.[1]) entry[Symbol.dispose]();
      const kept = all.filter(([, gone]) => !gone).map(([deadline]) => deadline);
      assert.deepEqual(
        emptied(heap),
        kept.sort((a, b) => a - b),
      );
    }),
  );
});

test("a spent entry is used again for the same function; one that waits still, or is for another one, is not", () => {
  const heap = new DeadlineHeap();
  const entry = heap.add(5, nothing, undefined);
  assert.notEqual(heap.add(7, nothing, entry), entry, "it waits");
  heap.remove(entry);
  assert.notEqual(
    heap.add(3, () => undefined, entry),
    entry,
    "another function",
  );
  assert.equal(heap.add(9, nothing, entry), entry);
  assert.deepEqual(emptied(heap), [3, 7, 9]);
  entry[Symbol.dispose](); // has run already
  assert.deepEqual(emptied(heap), []);
});
