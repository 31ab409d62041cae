import assert from "node:assert/strict";
import test from "node:test";
import type { VirtualAddress } from "../../main/config/model.js";
import { plainAddress } from "../../main/config/model-vrrp.js";
import { messages } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import {
  addAddressRequest,
  decodeRouteMessage,
  deleteAddressRequest,
  encodeAddressDump,
  encodeLinkDump,
  type RouteMessage,
  RTM_GETADDR,
  RTM_GETLINK,
} from "../../main/network/rtnetlink.js";
import { ms } from "../../main/units.js";

const vip = (address: string, prefix: number, more: Partial<VirtualAddress> = {}): VirtualAddress => ({
  address,
  prefix,
  dev: undefined,
  label: undefined,
  broadcast: undefined,
  scope: 0,
  more: plainAddress,
  ...more,
});

/** IFA_PROTO 18, which keepalived sends since 2.4. */
const proto = "05000b00 12000000";

/**
 * Attributes as keepalived 2.2.7 sent them for the same configuration (recorded with strace), interface index 3, sequence
 * number 1, and IFA_PROTO after them.
 */
const requests: readonly (readonly [what: string, "add" | "delete", VirtualAddress, hex: string])[] = [
  ["an address of a host", "add", vip("10.0.0.101", 32), `02200000 03000000 08000200 0a000065 ${proto}`],
  [
    "broadcast and label",
    "add",
    vip("10.0.0.100", 24, { broadcast: "10.0.0.255", label: "v0:1" }),
    `02180000 03000000 08000200 0a000064 08000400 0a0000ff 09000300 76303a31 00000000 ${proto}`,
  ],
  [
    "scope link",
    "add",
    vip("10.0.0.102", 24, { broadcast: "10.0.0.255", scope: 253 }),
    `021800fd 03000000 08000200 0a000066 08000400 0a0000ff ${proto}`,
  ],
  [
    "IPv6 without duplicate address detection",
    "add",
    vip("2001:db8::1", 64, { label: "ignored" }),
    `0a400000 03000000 14000200 20010db8 00000000 00000000 00000001 08000800 02000000 ${proto}`,
  ],
  [
    "IPv6 /128 is deprecated from the start",
    "add",
    vip("2001:db8::2", 128, { more: { ...plainAddress, preferredLifetime: ms(0) } }),
    `0a800000 03000000 14000600 00000000 ffffffff 00000000 00000000
     14000200 20010db8 00000000 00000000 00000002 08000800 02000000 ${proto}`,
  ],
  [
    "peer, no route for the prefix",
    "add",
    vip("10.0.0.103", 24, { more: { ...plainAddress, peer: "10.0.0.200", noPrefixRoute: true, autojoin: true } }),
    `02180000 03000000 08000200 0a000067 08000100 0a0000c8 08000800 00060000 ${proto}`,
  ],
  [
    "IPv6 home address with temporary ones",
    "add",
    vip("2001:db8::1", 64, { more: { ...plainAddress, home: true, managesTemporary: true } }),
    `0a400000 03000000 14000200 20010db8 00000000 00000000 00000001 08000800 12010000 ${proto}`,
  ],
  [
    "IPv6 with duplicate address detection",
    "add",
    vip("2001:db8::2", 64, { more: { ...plainAddress, detectDuplicates: true, preferredLifetime: ms(50_000) } }),
    `0a400000 03000000 14000600 32000000 ffffffff 00000000 00000000
     14000200 20010db8 00000000 00000000 00000002 ${proto}`,
  ],
  [
    "peer away",
    "delete",
    vip("10.0.0.103", 24, { more: { ...plainAddress, peer: "10.0.0.200" } }),
    "02180000 03000000 08000200 0a000067 08000100 0a0000c8",
  ],
  ["IPv4 away", "delete", vip("10.0.0.100", 24), "02180000 03000000 08000200 0a000064 08000100 0a000064"],
  ["IPv6 away", "delete", vip("2001:db8::1", 64), "0a400000 03000000 14000200 20010db8 00000000 00000000 00000001"],
];

for (const [what, action, address, hex] of requests) {
  test(`${action}: ${what}`, () => {
    const request = (action === "add" ? addAddressRequest : deleteAddressRequest)(3, address);
    const body = Buffer.from(hex.replace(/\s/g, ""), "hex");
    const header = Buffer.alloc(16);
    header.writeUInt32LE(16 + body.length, 0);
    header.writeUInt16LE(action === "add" ? 20 : 21, 4);
    header.writeUInt16LE(0x0005, 6); // NLM_F_REQUEST | NLM_F_ACK, and nothing else
    header.writeUInt32LE(1, 8);
    const writer = new MessageWriter();
    writer.begin(request.type, 0x0005 | (request.flags ?? 0), 1);
    request.encode(writer);
    writer.end();
    assert.equal(writer.bytes().toString("hex"), Buffer.concat([header, body]).toString("hex"));
  });
}

test("dump requests ask for everything, without counters", () => {
  const writer = new MessageWriter();
  encodeLinkDump(writer);
  assert.equal(writer.bytes().toString("hex"), `${"00".repeat(16)}08001d0008000000`);
  writer.reset();
  encodeAddressDump(writer);
  assert.equal(writer.bytes().toString("hex"), "00".repeat(8));
  assert.deepEqual([RTM_GETLINK, RTM_GETADDR], [18, 22]);
});

const decoded = (type: number, hex: string): RouteMessage | undefined => {
  const payload = Buffer.from(hex.replace(/\s/g, ""), "hex");
  return decodeRouteMessage({ type, flags: 0, sequence: 0, portId: 0, payload });
};

const known: readonly (readonly [what: string, type: number, hex: string, want: RouteMessage | undefined])[] = [
  [
    "a link that is up",
    16,
    `00000100 02000000 43100100 00000000
     09000300 65746830 00000000 08000400 dc050000 0a000100 02fc0000 00010000`,
    {
      kind: "link",
      link: {
        index: 2,
        flags: 0x11043,
        name: "eth0",
        mtu: 1500,
        mac: Uint8Array.of(2, 0xfc, 0, 0, 0, 1),
        details: { kind: undefined, lower: undefined, master: undefined, group: 0, mode: undefined, table: undefined },
        shape: { hardware: 1, broadcast: undefined },
      },
    },
  ],
  [
    "a link message without attributes",
    16,
    "00000100 02000000 43100100 00000000",
    {
      kind: "link",
      link: {
        index: 2,
        flags: 0x11043,
        name: undefined,
        mtu: undefined,
        mac: undefined,
        details: undefined,
        shape: { hardware: 1, broadcast: undefined },
      },
    },
  ],
  ["a link that is gone", 17, "00000100 02000000 02100000 ffffffff", { kind: "link-gone", index: 2 }],
  ["a port that left its bridge", 17, "07000100 02000000 02100000 ffffffff", undefined],
  ["a route", 24, "02180000 fe02fd01 00000000", undefined],
  ["an address of another family", 20, "1c000000 02000000", undefined],
  [
    "an IPv4 address",
    20,
    `02188000 02000000 08000100 0a000001 08000200 0a000001 08000400 0a0000ff
     09000300 65746830 00000000 08000800 80000000 05000b00 12000000`,
    {
      kind: "address",
      address: {
        interfaceIndex: 2,
        address: "10.0.0.1",
        prefix: 24,
        scope: 0,
        flags: 0x80,
        label: "eth0",
        broadcast: "10.0.0.255",
        protocol: 18,
      },
    },
  ],
  [
    "a point-to-point address: IFA_ADDRESS is the peer's",
    21,
    "022000fd 02000000 08000100 0a000002 08000200 0a000001",
    {
      kind: "address-gone",
      address: {
        interfaceIndex: 2,
        address: "10.0.0.1",
        prefix: 32,
        scope: 253,
        flags: 0,
        label: undefined,
        broadcast: undefined,
        protocol: undefined,
      },
    },
  ],
  [
    "an IPv6 address has IFA_ADDRESS only; the flags in the header are the low eight bits",
    20,
    "0a40c0fd 02000000 14000100 fe800000 00000000 00fc00ff fe000001 08000800 c0020000",
    {
      kind: "address",
      address: {
        interfaceIndex: 2,
        address: "fe80::fc:ff:fe00:1",
        prefix: 64,
        scope: 253,
        flags: 0x2c0,
        label: undefined,
        broadcast: undefined,
        protocol: undefined,
      },
    },
  ],
];

for (const [what, type, hex, want] of known) {
  test(`decode: ${what}`, () => assert.deepEqual(decoded(type, hex), want));
}

const broken: readonly (readonly [what: string, type: number, hex: string])[] = [
  ["a link without a whole header", 16, "00000100 02000000 4310"],
  ["an address without a whole header", 20, "02180000"],
  ["an address without an address", 20, "02180000 02000000"],
  ["an IPv4 address of 16 octets", 20, "02180000 02000000 14000200 20010db8 00000000 00000000 00000001"],
  ["an IPv4 prefix of 33", 20, "02210000 02000000 08000200 0a000001"],
  ["an attribute longer than the message", 20, "02180000 02000000 0c000200 0a000001"],
];

for (const [what, type, hex] of broken) {
  test(`decode refuses ${what}`, () => assert.throws(() => decoded(type, hex), RangeError));
}

test("what keepalived sends is what we would read", () => {
  const writer = new MessageWriter();
  writer.begin(20, 5, 1);
  addAddressRequest(7, vip("192.0.2.1", 25, { label: "eth0:vip" })).encode(writer);
  writer.end();
  const [message] = [...messages(Buffer.from(writer.bytes()))];
  assert.ok(message !== undefined);
  assert.equal(decodeRouteMessage(message)?.kind, "address");
});
