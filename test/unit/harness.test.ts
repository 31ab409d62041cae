import assert from "node:assert/strict";
import { test } from "node:test";
import { ms } from "../../main/units.js";
import { decodeFrame } from "../harness/frames.js";
import { parseAddresses } from "../harness/host.js";
import { destinations } from "../harness/ipvs.js";
import { readPcap } from "../harness/pcap.js";
import { parseStat } from "../harness/process-tree.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

/** Written by tcpdump: magic, 2.4, zone 0, sigfigs 0, snaplen 262144, Ethernet. */
const header = {
  nanoseconds: "4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000",
  microseconds: "d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000",
  bigEndian: "a1b2c3d4 0002 0004 00000000 00000000 00040000 00000001",
};

for (const { name, file, at } of [
  { name: "nanoseconds", file: `${header.nanoseconds} 02000000 e8030000 02000000 02000000 abcd`, at: 2000.001 },
  { name: "microseconds", file: `${header.microseconds} 02000000 e8030000 02000000 02000000 abcd`, at: 2001 },
  { name: "big-endian", file: `${header.bigEndian} 00000002 000003e8 00000002 00000002 abcd`, at: 2001 },
]) {
  test(`pcap: ${name}`, () => {
    assert.deepEqual(readPcap(hex(file)), [{ at, bytes: hex("abcd") }]);
  });
}

test("pcap: a record that is still being written is left out", () => {
  const whole = `${header.microseconds} 02000000 00000000 01000000 01000000 aa`;
  assert.equal(readPcap(hex(`${whole} 02000000 00000000 02000000 02000000 bb`)).length, 1);
  assert.equal(readPcap(hex(`${whole} 0200`)).length, 1);
  assert.deepEqual(readPcap(hex(header.microseconds).subarray(0, 20)), []);
});

test("pcap: other files are refused", () => {
  assert.throws(() => readPcap(new Uint8Array(24)), RangeError);
  assert.throws(() => readPcap(hex(header.microseconds.replace(/01000000$/, "71000000"))), RangeError);
});

const at = ms(5);
const ethernet = "01005e000012 0a0000000001";
const ip = "45c0 0028 0001 0000 ff70 0000 c0000201 e0000012";

test("frames: a version 2 advert", () => {
  const vrrp = "2133c80101013dca c0000264 3131313100000000";
  assert.deepEqual(decodeFrame({ at, bytes: hex(`${ethernet} 0800 ${ip} ${vrrp}`) }), {
    kind: "advert",
    at,
    source: "192.0.2.1",
    destination: "224.0.0.18",
    version: 2,
    vrid: 51,
    priority: 200,
    intervalMs: 1000,
    bytes: hex(vrrp),
  });
});

test("frames: a version 3 advert, its interval in centiseconds", () => {
  const frame = decodeFrame({
    at,
    bytes: hex(`${ethernet} 0800 ${ip.replace("0028", "0020")} 3133640100 0a05cb c0000264`),
  });
  assert.deepEqual(frame.kind === "advert" && [frame.version, frame.priority, frame.intervalMs], [3, 100, 100]);
});

test("frames: gratuitous and other ARPs", () => {
  const arp = (operation: string, target: string): string =>
    `${ethernet} 0806 0001 0800 06 04 ${operation} 0a0000000001 c0000264 ffffffffffff ${target}`;
  const gratuitous = decodeFrame({ at, bytes: hex(arp("0001", "c0000264")) });
  const want = { kind: "arp", at, operation: "request", sender: "192.0.2.100", target: "192.0.2.100" };
  assert.deepEqual(gratuitous, { ...want, senderMac: "0a:00:00:00:00:01", gratuitous: true });
  const other = decodeFrame({ at, bytes: hex(arp("0002", "c0000201")) });
  assert.deepEqual(other.kind === "arp" && [other.operation, other.gratuitous], ["reply", false]);
});

test("frames: every prefix of an advert is decoded without an exception", () => {
  const whole = hex(`${ethernet} 0800 ${ip} 2133c80101013dca c0000264 3131313100000000`);
  for (let length = 0; length < whole.length; length++) {
    assert.equal(decodeFrame({ at, bytes: whole.subarray(0, length) }).kind, "other", `${length} octets`);
  }
});

test("processes: a name may hold anything", () => {
  assert.deepEqual(parseStat("12 (a) b (c)) S 7 12 12 0"), { pid: 12, parent: 7, zombie: false });
  assert.deepEqual(parseStat("13 (node) Z 12 13 12 0"), { pid: 13, parent: 12, zombie: true });
  assert.equal(parseStat(""), undefined);
});

test("addresses: as ip -j prints them", () => {
  const listing = [
    {
      ifname: "eth0",
      addr_info: [
        { local: "192.0.2.1", prefixlen: 24 },
        { local: "fe80::1", prefixlen: 64 },
      ],
    },
    {},
  ];
  assert.deepEqual(parseAddresses(listing), ["192.0.2.1/24", "fe80::1/64"]);
  assert.deepEqual(parseAddresses({}), []);
});

test("destinations: as ipvsadm -Sn prints them", () => {
  const table = [
    "-A -t 192.0.2.9:80 -s rr",
    "-a -t 192.0.2.9:80 -r 192.0.2.2:80 -g -w 1",
    "-a -t [2001:db8::9]:80 -r [2001:db8::2]:80 -m -w 0",
  ];
  assert.deepEqual(destinations(table), [
    { name: "192.0.2.2:80", weight: 1 },
    { name: "[2001:db8::2]:80", weight: 0 },
  ]);
});
