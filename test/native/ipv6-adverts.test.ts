import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { addon, call, until } from "./addon-under-test.js";

/** Raw IPv6 sockets of protocol 112, over loopback. */

const timeout = 20_000;
const skip = process.geteuid?.() === 0 ? false : "needs root";
const { errno } = constants;
const localhost = new Uint8Array(16).fill(1, 15);
const fail = (code: number): void => assert.fail(`errno ${code}`);

/** A packet from ::1 to ::1 with a message of zeros but for its first two octets. */
function packet(vrid: number, hopLimit = 255, checksum = true): Buffer {
  const bytes = Buffer.alloc(40 + 24);
  bytes.writeUInt32BE(0x6c000000);
  bytes.writeUInt16BE(24, 4);
  bytes[6] = 112;
  bytes[7] = hopLimit;
  bytes[23] = 1;
  bytes[39] = 1;
  bytes[40] = 0x31;
  bytes[41] = vrid;
  // Pseudo header: two addresses ::1, length and protocol. Checksum of that and 31 VRID.
  const sum = 1 + 1 + 24 + 112 + 0x3100 + vrid;
  if (checksum) bytes.writeUInt16BE(~sum & 0xffff, 46);
  return bytes;
}

test("what is sent is heard, header and all; what has a wrong checksum is not", { timeout, skip }, async () => {
  const heard: Buffer[] = [];
  using reader = new addon.Ipv6AdvertReader("lo", 1, localhost, 1 << 16, (bytes: Buffer) => heard.push(bytes), fail);
  using sender = new addon.Ipv6AdvertSender("lo", 1);
  assert.equal(call(sender, "send", packet(1, 255, false)), 0);
  assert.equal(call(sender, "send", packet(2)), 0);
  assert.equal(call(sender, "send", packet(3, 64)), 0);
  await until("two packets", () => heard.length === 2);
  assert.deepEqual(heard, [packet(2), packet(3, 64)]);
  assert.equal(call(sender, "send", new Uint8Array(39)), errno.EINVAL);
  reader.close();
});

test("a filter keeps packets in the kernel", { timeout, skip }, async () => {
  const heard: number[] = [];
  const onPacket = (bytes: Buffer): void => void heard.push(bytes[41] ?? 0);
  using reader = new addon.Ipv6AdvertReader("lo", 1, localhost, 1 << 16, onPacket, fail);
  using sender = new addon.Ipv6AdvertSender("lo", 1);
  // ldb [1]; jeq #7, accept, drop
  const program = Buffer.from("300000000100000015000001070000000600000000000400" + "0600000000000000", "hex");
  assert.equal(call(reader, "filter", program), 0);
  assert.equal(call(reader, "filter", program.subarray(1)), errno.EINVAL, "no whole instruction");
  assert.equal(call(reader, "filter", Buffer.alloc(8)), errno.EINVAL, "no program");
  for (const vrid of [6, 7, 8, 7]) assert.equal(call(sender, "send", packet(vrid)), 0);
  await until("two packets", () => heard.length === 2);
  assert.deepEqual(heard, [7, 7]);
});

test("an address that is not there can be listened on; a device that is not there cannot", { timeout, skip }, () => {
  const strange = Buffer.from("20010db8000000000000000000000099", "hex");
  new addon.Ipv6AdvertReader("", 0, strange, 0, fail, fail).close();
  assert.throws(() => new addon.Ipv6AdvertReader("nosuch0", 99, localhost, 0, fail, fail), { code: "ENODEV" });
  assert.throws(() => new addon.Ipv6AdvertSender("nosuch0", 99), { code: "ENODEV" });
});
