import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ControlPacket, decode, encode, PACKET_BYTES, states } from "../../main/bfd/packet.js";
import { detectionTime, newSession, packetOf, type Settings, step, txInterval } from "../../main/bfd/session.js";
import { ms } from "../../main/units.js";
import { BfdWire, bfdConfig } from "../harness/bfd-wire.js";
import { HandClock } from "../unit/health-hand-clock.js";

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const packet: fc.Arbitrary<ControlPacket> = fc
  .record({
    diag: fc.integer({ min: 0, max: 31 }),
    state: fc.constantFrom(...states),
    flag: fc.constantFrom("poll", "final", "none"),
    demand: fc.boolean(),
    multiplier: fc.integer({ min: 1, max: 255 }),
    myDiscriminator: fc.integer({ min: 1, max: 0xffff_ffff }),
    yourDiscriminator: fc.integer({ min: 1, max: 0xffff_ffff }),
    desiredMinTx: word,
    requiredMinRx: word,
  })
  .map(({ flag, ...rest }) => ({ ...rest, poll: flag === "poll", final: flag === "final" }));

test("decode is the inverse of encode, and a packet cut short is refused", () => {
  fc.assert(
    fc.property(packet, fc.integer({ min: 0, max: PACKET_BYTES - 1 }), (one, cut) => {
      const bytes = Buffer.alloc(PACKET_BYTES);
      encode(one, bytes);
      assert.deepEqual(decode(bytes), one);
      assert.equal(decode(bytes.subarray(0, cut)), "length");
      assert.equal(decode(bytes, cut), "length");
    }),
  );
});

test("no octets make it throw, and what it takes has the lengths that it says", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (bytes, likely) => {
      if (likely && bytes.length >= 4) {
        bytes[0] = 0x20 | ((bytes[0] ?? 0) & 0x1f);
        bytes[3] = 24;
      }
      const taken = decode(bytes);
      if (typeof taken === "string") return;
      assert.ok(bytes.length >= (bytes[3] ?? 0) && (bytes[3] ?? 0) >= PACKET_BYTES);
      assert.ok(taken.multiplier > 0 && taken.myDiscriminator > 0);
    }),
    { numRuns: 2000 },
  );
});

const settings: Settings = { minTx: 50_000, minRx: 60_000, idleTx: 1_000_000, multiplier: 3, passive: false };
const event = fc.oneof(
  { weight: 8, arbitrary: packet.map((one) => ({ on: "packet", packet: one }) as const) },
  fc.constantFrom(
    { on: "silence" } as const,
    { on: "settings" } as const,
    { on: "enable" } as const,
    { on: "disable" } as const,
  ),
);

test("whatever comes: never faster than a second unless up, followers hear alternately, and both ends of a poll hold", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      let session = newSession(7, settings);
      let told = "down";
      for (const one of events) {
        const next = step(settings, session, one);
        for (const effect of next.effects) {
          if (effect.do !== "tell") continue;
          if (effect.state === "down") assert.equal(told, "up");
          told = effect.state;
        }
        session = next.session;
        const interval = txInterval(settings, session);
        if (session.state !== "Up") assert.ok(interval === undefined || interval >= 1_000_000);
        if (session.state === "Up") assert.ok(session.remote !== undefined && told === "up");
        if (session.remote === undefined) assert.equal(detectionTime(session), undefined);
        const sent = packetOf(settings, session, true);
        assert.ok(!(sent.poll && sent.final));
        if (session.state === "Up" || session.state === "Init") assert.notEqual(sent.yourDiscriminator, 0);
      }
    }),
  );
});

test("two ends, any loss, any cut: silence is found in time, and without loss both are up again within 4 s", () => {
  const plan = fc.array(
    fc.record({
      lasts: fc.integer({ min: 10, max: 3000 }),
      loss: fc.constantFrom(0, 0.3, 0.9, 1),
      oneWay: fc.boolean(),
    }),
    { maxLength: 6 },
  );
  const multiplier = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(
      plan,
      multiplier,
      multiplier,
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (phases, m, n, dice) => {
        const random = (): number => dice.next().value ?? 0.5;
        const clock = new HandClock();
        const wire = new BfdWire(clock);
        const [a, b] = [wire.host("192.0.2.1", { random }), wire.host("192.0.2.2", { random })];
        a.sessions.update([
          bfdConfig("S", "192.0.2.1", "192.0.2.2", { multiplier: m, minTx: ms(100), minRx: ms(100) }),
        ]);
        b.sessions.update([bfdConfig("S", "192.0.2.2", "192.0.2.1", { multiplier: n, minTx: ms(80), minRx: ms(100) })]);
        for (const { lasts, loss, oneWay } of phases) {
          wire.loses = (from) => (!oneWay || from === "192.0.2.1") && random() < loss;
          clock.advance(lasts);
          if (loss < 1 || lasts < 1000) continue;
          // The side that hears nothing is down after its detection time, at most 5 x 100 ms, unless it was just coming up.
          const detected = [...b.sessions.snapshots()][0];
          if (detected?.session.state === "Up") assert.ok(clock.now() - detected.since < 6000);
        }
        wire.loses = () => false;
        clock.advance(4000);
        assert.deepEqual([a.sessions.state("S"), b.sessions.state("S")], ["up", "up"]);
      },
    ),
    { numRuns: 60 },
  );
});
