import assert from "node:assert/strict";
import { test } from "node:test";
import { type ControlPacket, decode, diagnosticText, encode, PACKET_BYTES } from "../../main/bfd/packet.js";

const packet: ControlPacket = {
  diag: 1,
  state: "Up",
  poll: true,
  final: false,
  demand: false,
  multiplier: 3,
  myDiscriminator: 0x01020304,
  yourDiscriminator: 0xa1a2a3a4,
  desiredMinTx: 50_000,
  requiredMinRx: 60_000,
};
/** RFC 5880 §4.1, octet by octet. */
const golden = "21 e0 03 18  01 02 03 04  a1 a2 a3 a4  00 00 c3 50  00 00 ea 60  00 00 00 00";
const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

function changed(at: number, value: number): Buffer {
  const bytes = bytesOf(golden);
  bytes[at] = value;
  return bytes;
}

test("a packet has the octets of RFC 5880 §4.1", () => {
  const out = Buffer.alloc(PACKET_BYTES, 0xff);
  encode(packet, out);
  assert.deepEqual(out, bytesOf(golden));
  assert.deepEqual(decode(out), packet);
});

const noYours = bytesOf(golden);
noYours.fill(0, 8, 12);
const noMine = bytesOf(golden);
noMine.fill(0, 4, 8);

const refused: readonly (readonly [string, Buffer, ReturnType<typeof decode>])[] = [
  ["version 0", changed(0, 0x01), "version"],
  ["version 2", changed(0, 0x41), "version"],
  ["length below 24", changed(3, 23), "length"],
  ["length beyond the datagram", changed(3, 25), "length"],
  ["length below 26 with authentication", changed(1, 0xc4), "length"],
  ["a datagram that ends too early", bytesOf(golden).subarray(0, 23), "length"],
  ["no octets", Buffer.alloc(0), "length"],
  ["multiplier 0", changed(2, 0), "multiplier"],
  ["multipoint", changed(1, 0xc1), "multipoint"],
  ["my discriminator 0", noMine, "my-discriminator"],
  ["your discriminator 0 while Up", noYours, "your-discriminator"],
  ["poll and final", changed(1, 0xf0), "poll-and-final"],
];
for (const [name, bytes, want] of refused) {
  test(`refused: ${name}`, () => assert.equal(decode(bytes), want));
}

test("an authentication section is refused: there is no key for it", () => {
  const bytes = Buffer.concat([changed(1, 0xc4), Buffer.from([1, 5, 0, 0, 0])]);
  bytes[3] = bytes.length;
  assert.equal(decode(bytes), "authentication");
});

test("your discriminator 0 begins a session", () => {
  const down = Buffer.from(noYours);
  down[1] = 0x40;
  assert.deepEqual(decode(down), { ...packet, state: "Down", poll: false, yourDiscriminator: 0 });
});

test("octets behind the packet are left alone", () => {
  assert.deepEqual(decode(Buffer.concat([bytesOf(golden), Buffer.alloc(40)])), packet);
});

test("a diagnostic that no RFC has named is shown by its number", () => {
  const later = decode(changed(0, 0x2d));
  assert.ok(typeof later !== "string");
  assert.equal(diagnosticText(later.diag), "Unknown (13)");
});
