import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { CheckId, Milliseconds } from "../../main/units.js";
import { decodeEdges, encodeEdges } from "../../workers/edges.js";
import { type CheckEdge, outcomes } from "../../workers/protocol.js";

const word = fc.nat({ max: 0xffff_ffff });
const edge: fc.Arbitrary<CheckEdge> = fc
  .record({
    id: word.map((n) => n as CheckId),
    outcome: fc.constantFrom(...outcomes),
    retries: word,
    latency: word.map((us) => (us / 1000) as Milliseconds),
    status: fc.nat({ max: 0xffff }),
  })
  .map((fields) => ({ ...fields, up: fields.outcome === "up" }));

test("edges: decode ∘ encode = id", () => {
  fc.assert(
    fc.property(fc.array(edge), (edges) => {
      assert.deepEqual(decodeEdges(encodeEdges(edges)), edges);
    }),
  );
});

test("edges: any words are edges or a RangeError, and what is decoded encodes to the same words", () => {
  fc.assert(
    fc.property(fc.uint32Array(), (words) => {
      const batch = new Uint32Array(words);
      try {
        assert.deepEqual(encodeEdges(decodeEdges(batch)), batch);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
  );
});
