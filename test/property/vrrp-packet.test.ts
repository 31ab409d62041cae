import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ms, priority, vrid } from "../../main/units.js";
import { numberToIpv4 } from "../../main/vrrp/ipv4.js";
import { type AdvertSpec, decodeAdvert, encodeAdvert } from "../../main/vrrp/packet.js";
import { type Expectation, validate } from "../../main/vrrp/validate.js";

const address = fc.integer({ min: 0, max: 0xdfffffff }).map(numberToIpv4);
const v2 = fc.record({
  version: fc.constant(2 as const),
  interval: fc.integer({ min: 1, max: 255 }).map((s) => ms(s * 1000)),
  authPass: fc.option(fc.string({ minLength: 1, maxLength: 12 }), { nil: undefined }),
});
const v3 = fc.record({
  version: fc.constant(3 as const),
  interval: fc.integer({ min: 1, max: 4095 }).map((cs) => ms(cs * 10)),
  authPass: fc.constant(undefined),
});
const common = fc.record({
  vrid: fc.integer({ min: 1, max: 255 }).map(vrid),
  addresses: fc.uniqueArray(address, { maxLength: 255 }),
  source: address,
  destination: fc.oneof(address, fc.constant("224.0.0.18")),
});
const spec: fc.Arbitrary<AdvertSpec> = fc.tuple(fc.oneof(v2, v3), common).map(([a, b]) => ({ ...a, ...b }));
const anyPriority = fc.integer({ min: 0, max: 255 }).map(priority);
const anyId = fc.integer({ min: 1, max: 0xffff });

const expectation = (s: AdvertSpec): Expectation => ({
  name: "V",
  version: s.version,
  authPass: s.authPass,
  interval: s.interval,
  addresses: s.addresses,
  unicast: s.destination !== "224.0.0.18",
  ignoreAdverts: false,
  knownMaster: undefined,
});

function judge(bytes: Uint8Array, s: AdvertSpec): string {
  const decoded = decodeAdvert(bytes);
  return decoded.ok ? validate(decoded.advert, expectation(s)).is : decoded.problem;
}

test("decode(encode(x)) is x, and is accepted without a word", () => {
  fc.assert(
    fc.property(spec, anyPriority, anyId, (s, at, id) => {
      const decoded = decodeAdvert(encodeAdvert(s, at, id));
      assert.ok(decoded.ok);
      const { version, vrid: router, interval, addresses, source, destination } = decoded.advert;
      const { authPass: _, ...want } = s;
      assert.deepEqual({ version, vrid: router, interval, addresses, source, destination }, want);
      assert.equal(decoded.advert.priority, at);
      assert.deepEqual(validate(decoded.advert, expectation(s)), { is: "accepted", warnings: [] });
    }),
  );
});

test("any prefix is an error", () => {
  const few = spec.filter((s) => s.addresses.length < 10);
  fc.assert(
    fc.property(few, anyPriority, anyId, (s, at, id) => {
      const bytes = encodeAdvert(s, at, id);
      for (let n = 0; n < bytes.length; n++) assert.notEqual(judge(bytes.subarray(0, n), s), "accepted", `${n} octets`);
    }),
    { numRuns: 50 },
  );
});

test("one changed octet of the VRRP message is never accepted", () => {
  fc.assert(
    fc.property(spec, anyPriority, anyId, fc.nat(), fc.integer({ min: 1, max: 255 }), (s, at, id, where, flip) => {
      const bytes = encodeAdvert(s, at, id);
      const offset = 20 + (where % (bytes.length - 20));
      bytes[offset] = (bytes[offset] ?? 0) ^ flip;
      assert.notEqual(judge(bytes, s), "accepted", `octet ${offset}`);
    }),
  );
});

test("any bytes: a verdict, never an exception", () => {
  const plausible = fc
    .uint8Array({ minLength: 28, maxLength: 1100 })
    .map((bytes) => bytes.fill(0x45, 0, 1).fill(112, 9, 10));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 1100 }), plausible), spec, (bytes, s) => void judge(bytes, s)),
  );
});
