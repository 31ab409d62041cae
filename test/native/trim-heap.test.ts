import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { trimHeap } from "../../native-bindings/process.js";
import { needs } from "../harness/needs.js";

/** Resident memory of the C library's main heap, kB. */
function heapKb(): number {
  const [, heap = ""] = readFileSync("/proc/self/smaps", "utf8").split("[heap]");
  return Number(/^Rss:\s+(\d+)/m.exec(heap)?.[1]);
}

test("free pages between what stays go back to the system", { skip: needs("native") }, async () => {
  // Pieces that are no mappings of their own; one in eight stays, so that none of the rest is at the end of the heap.
  let all = Array.from({ length: 1600 }, () => Buffer.alloc(20_000, 1));
  const kept = all.filter((_, i) => i % 8 === 0);
  all = [];
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  await new Promise((resolve) => setImmediate(resolve));
  const before = heapKb();
  assert.equal(trimHeap(), true);
  const given = before - heapKb();
  assert.ok(given > 10_000, `${given} of ${before} kB`);
  assert.ok(kept.every((one) => one[19_999] === 1));
});
