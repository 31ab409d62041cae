import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isAfter, nextSequence, sequenceOf } from "../../main/vrrp/hmac-trailer.js";
import { type SequenceKind, type SequenceStore, WireState } from "../../main/vrrp/wire-state.js";

/** A daemon that crashes at any moment must not sign with a number that a peer has seen. */

class Memory implements SequenceStore {
  readonly numbers: Record<SequenceKind, number> = { ah: 0, hmac: 0 };
  stores = 0;

  floor(what: SequenceKind): number {
    return this.numbers[what];
  }

  reserve(what: SequenceKind, upTo: number): void {
    this.numbers[what] = upTo;
    this.stores++;
  }
}

const lives = fc.array(
  fc.array(
    fc.oneof(
      fc.constant("send" as const),
      fc.nat(2000).map((by) => ({ heard: by })),
    ),
    { maxLength: 60 },
  ),
  { minLength: 1, maxLength: 8 },
);

test("AH: numbers grow through any crashes, and are written down once in a thousand", () => {
  fc.assert(
    fc.property(lives, (all) => {
      const memory = new Memory();
      let last = 0;
      for (const life of all) {
        const wire = new WireState(memory);
        for (const event of life) {
          if (event === "send") {
            const next = wire.nextAh();
            assert.ok(next > last, `${next} after ${last}`);
            last = next;
          } else if (wire.ah === 0 || wire.ah >= last) {
            last = Math.max(last, wire.ah) + event.heard; // what another router has sent, above what it heard of us
            wire.heardAh(last);
          }
        }
      }
    }),
  );
  const memory = new Memory();
  const wire = new WireState(memory);
  for (let i = 0; i < 10_000; i++) wire.nextAh();
  assert.equal(memory.stores, 10);
});

test("AH: what is heard after a crash is judged as without one", () => {
  const memory = new Memory();
  new WireState(memory).nextAh();
  assert.equal(new WireState(memory).ah, 0);
});

test("AH: numbers start again before they go round", () => {
  const memory = new Memory();
  memory.numbers.ah = 0xfffffffc;
  const wire = new WireState(memory);
  assert.deepEqual([wire.nextAh(), wire.nextAh(), wire.nextAh()], [0xfffffffd, 1, 2]);
  assert.ok(new WireState(memory).nextAh() > 2);
});

test("auth_hmac: a clock that was set back before a crash does not bring back old numbers; else nothing is written", () => {
  const memory = new Memory();
  const send = (wire: WireState, unixSeconds: number) => {
    const clock = sequenceOf(unixSeconds * 1000);
    const next = nextSequence(wire.hmac, clock, undefined);
    wire.sentHmac(next, clock);
    return next;
  };
  const first = new WireState(memory);
  send(first, 10_000);
  assert.equal(memory.stores, 0);
  const last = send(first, 5000);
  assert.ok(isAfter(send(new WireState(memory), 5001), last));
  assert.equal(memory.stores, 2);
  assert.equal(send(new WireState(memory), 99_000), sequenceOf(99_000_000));
});
