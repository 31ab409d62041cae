import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { createRing, RingReader, RingWriter } from "../../main/observe/log-ring.js";

type Step = { readonly push: Uint8Array } | { readonly take: number };

const steps = fc.array(
  fc.oneof(fc.record({ push: fc.uint8Array({ maxLength: 80 }) }), fc.record({ take: fc.integer({ min: 1, max: 5 }) })),
  { maxLength: 300 },
);

test("records come out whole, in order, and what did not fit is counted", () => {
  fc.assert(
    fc.property(fc.constantFrom(64, 128, 256), steps, (capacity, plan: readonly Step[]) => {
      const shared = createRing(capacity);
      const writer = new RingWriter(shared);
      const reader = new RingReader(shared);
      const expected: Uint8Array[] = [];
      let used = 0;
      let dropped = 0;
      for (const step of plan) {
        if ("push" in step) {
          const need = 4 + step.push.length;
          const fits = used + need <= capacity;
          assert.equal(writer.push(step.push), fits);
          if (fits) expected.push(step.push);
          used += fits ? need : 0;
          dropped += fits ? 0 : 1;
        } else {
          for (let n = 0; n < step.take; n++) {
            const want = expected.shift();
            assert.deepEqual(reader.take(), want && new Uint8Array(want));
            used -= want === undefined ? 0 : 4 + want.length;
          }
        }
        assert.equal(writer.dropped(), dropped);
      }
      for (const want of expected) assert.deepEqual(reader.take(), new Uint8Array(want));
      assert.equal(reader.take(), undefined);
    }),
  );
});

test("counters wrap at 2^32 bytes", () => {
  const shared = createRing(64);
  const header = new Int32Array(shared, 0, 8);
  header[0] = header[1] = header[2] = -8; // HEAD, TAIL, WRITTEN eight bytes before the wrap
  const writer = new RingWriter(shared);
  const reader = new RingReader(shared);
  const record = Uint8Array.from({ length: 20 }, (_, i) => i);
  assert.ok(writer.push(record));
  const position = writer.position();
  assert.ok(!writer.reached(position));
  assert.deepEqual(reader.take(), record);
  reader.markWritten();
  assert.ok(writer.reached(position));
});

test("a torn ring is refused", () => {
  const shared = createRing(64);
  const writer = new RingWriter(shared);
  writer.push(Uint8Array.of(1, 2, 3));
  new Uint8Array(shared, 32)[0] = 200; // the length word now promises more than there is
  assert.throws(() => new RingReader(shared).take(), RangeError);
});

test("capacity is a power of two", () => {
  for (const capacity of [0, 63, 65, 100, -64, Number.NaN, 2 ** 31])
    assert.throws(() => createRing(capacity), RangeError);
});
