import assert from "node:assert/strict";
import test from "node:test";
import { decodeEdges, encodeEdges } from "../../workers/edges.js";

test("an edge takes four words: id, packed, retries, latency in µs", () => {
  const edge = { id: 7, up: false, outcome: "bad-status", retries: 3, latency: 1.5, status: 503 } as Parameters<
    typeof encodeEdges
  >[0][number];
  assert.deepEqual([...encodeEdges([edge])], [7, (503 << 16) | (5 << 8), 3, 1500]);
});

const rows: readonly (readonly [why: string, words: readonly number[], message: RegExp])[] = [
  ["torn", [1, 1, 0], /torn batch of 7 words/],
  ["an outcome that does not exist", [1, 0xff00, 0, 0], /unknown outcome 255 for check 1/],
  ["a flag that does not exist", [1, 0x103 & 0xff, 0, 0], /unknown flags/],
  ["UP by a failure", [1, 0x101, 0, 0], /check 1 is up by refused/],
  ["DOWN by a success", [1, 0x000, 0, 0], /check 1 is down by up/],
];
for (const [why, words, message] of rows) {
  test(`a batch is refused as a whole: ${why}`, () => {
    const good = [9, 1, 0, 0];
    assert.throws(() => decodeEdges(new Uint32Array([...good, ...words])), { name: "RangeError", message });
  });
}
