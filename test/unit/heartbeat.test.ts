import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ms } from "../../main/units.js";
import { HeartbeatLink } from "../../main/vrrp/heartbeat-link.js";
import {
  channelOf,
  decodeHeartbeat,
  encodeHeartbeat,
  HEARTBEAT_LENGTH,
  type Heartbeat,
} from "../../main/vrrp/heartbeat-message.js";
import { addressProbe, claimant } from "../../main/vrrp/probe-frames.js";
import { heartbeat } from "../simulation/sim-guard.js";

const route = { from: "10.0.0.1", to: "10.0.0.2" };
const back = { from: "10.0.0.2", to: "10.0.0.1" };
const key = "a key of more than sixteen characters";
const wide = fc.integer({ min: 0, max: 2 ** 47 });
const anyBeat: fc.Arbitrary<Heartbeat> = fc.record({
  family: fc.constantFrom("inet", "inet6"),
  vrid: fc.integer({ min: 1, max: 255 }),
  state: fc.constantFrom("INIT", "BACKUP", "CANDIDATE", "MASTER", "FAULT", "STOP"),
  priority: fc.integer({ min: 0, max: 255 }),
  asks: fc.boolean(),
  preempts: fc.boolean(),
  session: wide,
  number: wide,
  heardSession: wide,
  heardNumber: wide,
});

test("what is written is read again, with and without a key", () => {
  fc.assert(
    fc.property(anyBeat, fc.constantFrom(key, undefined), (beat, secret) => {
      assert.deepEqual(decodeHeartbeat(encodeHeartbeat(beat, route, secret), route, secret), { ...beat });
    }),
  );
});

test("one flipped bit, another length, another key, another way: not believed, and never a crash", () => {
  fc.assert(
    fc.property(anyBeat, fc.integer({ min: 0, max: HEARTBEAT_LENGTH * 8 - 1 }), (beat, bit) => {
      const bytes = encodeHeartbeat(beat, route, key);
      assert.equal(decodeHeartbeat(bytes, back, key), "signature");
      assert.equal(decodeHeartbeat(bytes, route, "another key"), "signature");
      assert.equal(decodeHeartbeat(bytes.subarray(0, bit >> 3), route, key), "length");
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(typeof decodeHeartbeat(bytes, route, key), "string");
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      channelOf(bytes);
      assert.equal(typeof decodeHeartbeat(Buffer.from(bytes), route, key), "string");
    }),
  );
});

/** Two links that hear each other when the test says so. */
function pair() {
  let now = 0;
  const wires: { readonly a: Buffer[]; readonly b: Buffer[] } = { a: [], b: [] };
  const deps = (to: "a" | "b") => ({ now: () => ms(now), send: (bytes: Buffer) => void wires[to].push(bytes) });
  const make = (own: "a" | "b", session: number) =>
    own === "a"
      ? new HeartbeatLink(heartbeat("10.0.0.1", "10.0.0.2", { key }), { family: "inet", vrid: 51 }, session, deps("b"))
      : new HeartbeatLink(heartbeat("10.0.0.2", "10.0.0.1", { key }), { family: "inet", vrid: 51 }, session, deps("a"));
  const links = { a: make("a", 1), b: make("b", 2) };
  const deliver = (): void => {
    for (let rounds = 0; rounds < 20 && wires.a.length + wires.b.length > 0; rounds++) {
      for (const bytes of wires.a.splice(0)) links.a.receive(bytes);
      for (const bytes of wires.b.splice(0)) links.b.receive(bytes);
    }
    assert.equal(wires.a.length + wires.b.length, 0, "they come to rest");
  };
  return { links, wires, make, deliver, pass: (time: number) => (now += time) };
}

const told = (state: "BACKUP" | "MASTER" | "CANDIDATE") => ({ state, priority: 100, preempts: false });

test("two links find each other, say what is new at once, and are silent after three intervals", () => {
  const { links, deliver, pass } = pair();
  links.a.tell(told("BACKUP"));
  links.b.tell(told("MASTER"));
  deliver();
  assert.equal(links.a.view().state, "MASTER");
  assert.equal(links.b.view().state, "BACKUP");
  links.a.tell(told("CANDIDATE"));
  assert.equal(links.a.view().acknowledged, false);
  deliver();
  assert.equal(links.a.view().acknowledged, true);
  pass(299);
  assert.equal(links.a.view().standing, "heard");
  pass(1);
  assert.equal(links.a.view().standing, "silent");
});

test("a peer that was started again is believed at once; its earlier life is not, any more", () => {
  const { links, wires, make, deliver } = pair();
  links.a.tell(told("BACKUP"));
  links.b.tell(told("MASTER"));
  deliver();
  links.b.beat();
  const old = wires.a.at(-1) ?? assert.fail();
  deliver();
  links.b = make("b", 3);
  links.b.tell(told("BACKUP"));
  deliver();
  assert.equal(links.a.view().state, "BACKUP");
  assert.equal(links.a.receive(old), false);
  assert.equal(links.a.view().state, "BACKUP");
  assert.ok(links.a.rejected > 0);
});

test("a flood of greetings gets no flood of answers", () => {
  const { links, wires } = pair();
  const greeting = {
    ...told("MASTER"),
    family: "inet",
    vrid: 51,
    asks: true,
    session: 9,
    number: 1,
    heardSession: 0,
    heardNumber: 0,
  } as const;
  for (let i = 0; i < 1000; i++) links.a.receive(encodeHeartbeat({ ...greeting, number: i }, back, key));
  assert.ok(wires.b.length <= 8, `${wires.b.length} answers`);
  assert.equal(links.a.view().standing, "unheard");
});

const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);

test("an ARP probe has no sender address (RFC 5227 §2.1.1), a solicitation no source (RFC 4862 §5.4.2)", () => {
  assert.equal(
    Buffer.from(addressProbe(mac, "192.0.2.100")).toString("hex"),
    "ffffffffffff020000000001" + "0806" + "0001080006040001" + "02000000000100000000" + "000000000000c0000264",
  );
  assert.equal(
    Buffer.from(addressProbe(mac, "2001:db8::1234:5678")).toString("hex"),
    "3333ff345678020000000001" +
      "86dd" +
      "6000000000183aff" +
      "00000000000000000000000000000000" +
      "ff0200000000000000000001ff345678" +
      "87008d9600000000" +
      "20010db8000000000000000012345678",
  );
});

test("only somebody else who has exactly this address is a claimant", () => {
  const reply = Buffer.from(
    "020000000001" + "020000000009" + "0806" + "0001080006040002" + "020000000009c0000264" + "02000000000100000000",
    "hex",
  );
  assert.equal(claimant(reply, "192.0.2.100", mac), "02:00:00:00:00:09");
  assert.equal(claimant(reply, "192.0.2.101", mac), undefined);
  assert.equal(claimant(reply, "192.0.2.100", Uint8Array.of(2, 0, 0, 0, 0, 9)), undefined);
  assert.equal(claimant(addressProbe(mac, "192.0.2.100"), "192.0.2.100", new Uint8Array(6)), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), (frame) => claimant(frame, "2001:db8::1", mac) === undefined),
  );
});
