import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StateSlab } from "../../main/control/state-slab.js";

const kinds = ["health", "vrrp", "owned"] as const;

/** Few keys and little room: records are found past others, and moved when one before them goes. */
const change = fc.record({
  kind: fc.constantFrom(...kinds),
  key: fc.integer({ min: 0, max: 40 }).map((n) => `k${n}`),
  state: fc.integer({ min: 0, max: 255 }),
  gone: fc.boolean(),
});

test("a slab holds what a map would, as long as there is room; so does the next one on the same memory", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const memory = Buffer.alloc(64 * 33);
      const slab = new StateSlab(memory);
      const model = new Map<string, number>();
      for (const { kind, key, state, gone } of changes) {
        const name = `${kind} ${key}`;
        if (gone) {
          slab.delete(kind, key);
          model.delete(name);
        } else {
          slab.set(kind, key, state);
          if (model.has(name) || model.size < 32) model.set(name, state);
        }
      }
      for (const now of [slab, new StateSlab(memory)]) {
        const found = kinds.flatMap((kind) =>
          [...now.records(kind)].map((r) => [`${kind} ${r.key}`, r.state] as const),
        );
        assert.deepEqual(new Map(found), model);
        for (const [name, state] of model) {
          const [kind, key = ""] = name.split(" ");
          assert.equal(now.get(kind as (typeof kinds)[number], key)?.state, state);
        }
      }
    }),
    { numRuns: 300 },
  );
});
