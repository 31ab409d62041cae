import assert from "node:assert/strict";
import { test } from "node:test";
import { priority } from "../../main/units.js";
import { AdvertBuffer, nextId } from "../../main/vrrp/advert-buffer.js";
import { gratuitousArp } from "../../main/vrrp/announcement.js";
import { advertChecksum } from "../../main/vrrp/checksum.js";
import { compareIp } from "../../main/vrrp/ip-order.js";
import { ipv4ToNumber, numberToIpv4 } from "../../main/vrrp/ipv4.js";
import { type AdvertSpec, decodeAdvert, encodeAdvert } from "../../main/vrrp/packet.js";
import { readGolden } from "./vrrp-golden.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** The kernel fills the IP checksum of what we send. */
function withoutIpChecksum(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.fill(0, 10, 12);
  return copy;
}

for (const name of ["v2-pass-multicast", "v3-multicast-owner", "v3-unicast"]) {
  const golden = readGolden(name);
  const spec = JSON.parse(golden.field("spec")) as AdvertSpec;

  test(`encode: byte for byte as keepalived (${name})`, () => {
    const packet = encodeAdvert(spec, priority(Number(golden.field("priority"))), Number(golden.field("id")));
    assert.equal(hex(packet), hex(withoutIpChecksum(golden.bytes)));
  });

  test(`decode: what keepalived sends (${name})`, () => {
    const decoded = decodeAdvert(golden.bytes);
    assert.ok(decoded.ok);
    const { version, vrid, interval, addresses, source, destination, ttl, totalLength } = decoded.advert;
    const { authPass: _, ...rest } = spec;
    assert.deepEqual({ version, vrid, interval, addresses, source, destination }, rest);
    assert.deepEqual({ ttl, totalLength }, { ttl: 255, totalLength: golden.bytes.length });
    assert.equal(advertChecksum(spec.version, golden.bytes, 20, golden.bytes.length), 0);
  });

  test(`prebuilt advert: patching gives what encoding anew gives (${name})`, () => {
    const buffer = new AdvertBuffer(spec, priority(1));
    for (const [at, id] of [
      [100, 1],
      [100, 2],
      [0, 3],
      [254, 0xffff],
    ] as const) {
      assert.equal(hex(buffer.stamp(id, priority(at))), hex(encodeAdvert(spec, priority(at), id)));
    }
  });
}

test("prebuilt advert: the steady path reuses one buffer", () => {
  const spec = JSON.parse(readGolden("v3-unicast").field("spec")) as AdvertSpec;
  const buffer = new AdvertBuffer(spec, priority(77));
  assert.equal(buffer.stamp(1, priority(77)), buffer.stamp(2, priority(77)));
});

test("identification counts from 1 and skips 0", () => {
  assert.deepEqual([0, 1, 0xfffe, 0xffff].map(nextId), [1, 2, 0xffff, 1]);
});

test("gratuitous ARP: byte for byte as keepalived", () => {
  const golden = readGolden("gratuitous-arp");
  const mac = Uint8Array.from(golden.field("mac").split(":"), (octet) => Number.parseInt(octet, 16));
  assert.equal(hex(gratuitousArp(mac, golden.field("address"))), hex(golden.bytes));
});

test("IPv4 text and numbers", () => {
  for (const text of ["0.0.0.0", "192.0.2.1", "255.255.255.255", "128.0.0.1"]) {
    assert.equal(numberToIpv4(ipv4ToNumber(text)), text);
  }
  for (const text of ["", "1.2.3", "1.2.3.256", "1.2.3.x", "1..2.3", "::1"]) {
    assert.throws(() => ipv4ToNumber(text), RangeError, text);
  }
  assert.equal(compareIp("192.0.2.9", "192.0.2.10"), -1);
  assert.equal(compareIp("200.0.0.1", "100.0.0.1"), 1);
  assert.equal(compareIp("192.0.2.9", "192.0.2.9"), 0);
  assert.equal(compareIp("fe80::9", "fe80::10"), -1);
  assert.equal(compareIp("fe80:1::", "fe80::ffff"), 1);
});

test("decode: what is no advert is named, not thrown", () => {
  const valid = readGolden("v3-unicast").bytes;
  const changed = (at: number, value: number) => valid.with(at, value);
  assert.deepEqual(decodeAdvert(new Uint8Array()), { ok: false, problem: "too-short" });
  assert.deepEqual(decodeAdvert(valid.subarray(0, 27)), { ok: false, problem: "too-short" });
  assert.deepEqual(decodeAdvert(changed(0, 0x75)), { ok: false, problem: "not-ip" });
  assert.deepEqual(decodeAdvert(changed(0, 0x44)), { ok: false, problem: "not-ip" });
  assert.deepEqual(decodeAdvert(changed(0, 0x4f)), { ok: false, problem: "not-ip" });
  assert.deepEqual(decodeAdvert(changed(0, 0x65)), { ok: false, problem: "not-ip" }); // 40 octets of header do not fit
  assert.deepEqual(decodeAdvert(changed(9, 51)), { ok: false, problem: "too-short" });
});
