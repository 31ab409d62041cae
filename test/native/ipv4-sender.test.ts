import assert from "node:assert/strict";
import { test } from "node:test";
import { openIpv4AdvertSender } from "../../native-bindings/ipv4-sender.js";
import { needs } from "../harness/needs.js";

const options = { skip: needs("root", "native") };

/** A header without payload. */
function packetTo(...destination: readonly number[]): Uint8Array {
  const packet = new Uint8Array(20);
  packet.set([0x45, 0, 0, 20, 0, 0, 0, 0, 255, 112]);
  packet.set(destination, 16);
  return packet;
}

test("what cannot be sent is a number, and nothing is sent after the end", options, () => {
  const sender = openIpv4AdvertSender();
  assert.equal(sender.send(packetTo(127, 0, 0, 1), 1), 0);
  assert.equal(sender.send(packetTo(127, 0, 0, 1), 0), 0);
  assert.equal(sender.send(new Uint8Array(19), 1), 22, "EINVAL: no header");
  assert.equal(sender.send(packetTo(127, 0, 0, 1), 2 ** 31 - 1), 19, "ENODEV: no such interface");
  for (const index of [-1, 1.5, Number.NaN, 2 ** 31]) assert.throws(() => sender.send(packetTo(0), index), TypeError);
  sender.close();
  sender.close();
  assert.equal(sender.send(packetTo(127, 0, 0, 1), 1), 9, "EBADF");
});
