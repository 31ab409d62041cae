import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { VirtualAddress } from "../../main/config/model.js";
import { plainAddress } from "../../main/config/model-vrrp.js";
import { bytesOfIp, ipOfBytes } from "../../main/ip-bytes.js";
import { messages } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import { addAddressRequest, decodeRouteMessage, deleteAddressRequest } from "../../main/network/rtnetlink.js";

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const ipv4 = octets(4).map(ipOfBytes);
const ipv6 = octets(16).map(ipOfBytes);
/** Mostly zeros, so that every form of compression comes up. */
const sparseIpv6 = fc.array(fc.constantFrom(0, 0, 0, 1, 0xffff), { minLength: 8, maxLength: 8 }).map((groups) => {
  const bytes = Buffer.alloc(16);
  groups.forEach((group, i) => {
    bytes.writeUInt16BE(group, i * 2);
  });
  return bytes;
});
const label = fc.option(fc.stringMatching(/^[a-z0-9:._-]{1,15}$/), { nil: undefined });

const virtualAddress: fc.Arbitrary<VirtualAddress> = fc.oneof(
  fc.record({
    address: ipv4,
    prefix: fc.integer({ min: 0, max: 32 }),
    dev: fc.constant(undefined),
    label,
    broadcast: fc.option(ipv4, { nil: undefined }),
    scope: fc.integer({ min: 0, max: 255 }),
    more: fc.constant(plainAddress),
  }),
  fc.record({
    address: ipv6,
    prefix: fc.integer({ min: 0, max: 128 }),
    dev: fc.constant(undefined),
    label: fc.constant(undefined),
    broadcast: fc.constant(undefined),
    scope: fc.integer({ min: 0, max: 255 }),
    more: fc.constant(plainAddress),
  }),
);

const index = fc.integer({ min: 1, max: 0x7fffffff });

function encoded(interfaceIndex: number, vip: VirtualAddress, action: "add" | "delete"): Buffer {
  const request = (action === "add" ? addAddressRequest : deleteAddressRequest)(interfaceIndex, vip);
  const writer = new MessageWriter();
  writer.begin(request.type, 5, 1);
  request.encode(writer);
  writer.end();
  return Buffer.from(writer.bytes());
}

const decodedAll = (datagram: Buffer): unknown[] => [...messages(datagram)].map(decodeRouteMessage);

test("decode after encode gives the address back", () => {
  fc.assert(
    fc.property(index, virtualAddress, (interfaceIndex, vip) => {
      const { address, prefix, scope } = vip;
      const flags = address.includes(":") ? 2 : 0;
      const common = { interfaceIndex, address, prefix, scope };
      const added = { ...common, flags, label: vip.label, broadcast: vip.broadcast, protocol: 18 };
      assert.deepEqual(decodedAll(encoded(interfaceIndex, vip, "add")), [{ kind: "address", address: added }]);
      const gone = { ...common, flags: 0, label: undefined, broadcast: undefined, protocol: undefined };
      assert.deepEqual(decodedAll(encoded(interfaceIndex, vip, "delete")), [{ kind: "address-gone", address: gone }]);
    }),
  );
});

test("text and octets of an address are one to one", () => {
  fc.assert(
    fc.property(fc.oneof(octets(4), octets(16), sparseIpv6), (bytes) => {
      assert.deepEqual([...bytesOfIp(ipOfBytes(bytes))], [...bytes]);
    }),
  );
});

/** Anything but a value or a RangeError fails the property. */
function survives(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
  }
}

test("any payload of any type is decoded or refused", () => {
  const type = fc.oneof(fc.constantFrom(16, 17, 20, 21), fc.integer({ min: 0, max: 0xffff }));
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    // A known family in front, so that the attributes are reached.
    fc
      .tuple(fc.constantFrom(0, 2, 10), fc.uint8Array({ maxLength: 120 }))
      .map(([f, rest]) => Uint8Array.of(f, ...rest)),
  );
  fc.assert(
    fc.property(type, payload, (each, bytes) =>
      survives(() => decodeRouteMessage({ type: each, flags: 0, sequence: 0, portId: 0, payload: Buffer.from(bytes) })),
    ),
    { numRuns: 1000 },
  );
});

test("any prefix and any flipped octet of a good datagram is decoded or refused", () => {
  fc.assert(
    fc.property(index, virtualAddress, fc.nat(), fc.integer({ min: 1, max: 255 }), (interfaceIndex, vip, at, flip) => {
      const good = encoded(interfaceIndex, vip, "add");
      for (let length = 0; length < good.length; length += 1) survives(() => decodedAll(good.subarray(0, length)));
      const where = at % good.length;
      good.writeUInt8(good.readUInt8(where) ^ flip, where);
      survives(() => decodedAll(good));
    }),
  );
});
