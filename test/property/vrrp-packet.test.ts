import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ipOfBytes } from "../../main/ip-bytes.js";
import { ms, priority, vrid } from "../../main/units.js";
import { AdvertBuffer } from "../../main/vrrp/advert-buffer.js";
import { sequenceOf } from "../../main/vrrp/hmac-trailer.js";
import { numberToIpv4 } from "../../main/vrrp/ipv4.js";
import { KnownAdvert } from "../../main/vrrp/known-advert.js";
import { type AdvertSpec, decodeAdvert, encodeAdvert } from "../../main/vrrp/packet.js";
import { type Expectation, validate } from "../../main/vrrp/validate.js";
import { ReplayMarks } from "../../main/vrrp/wire-state.js";

const address4 = fc.integer({ min: 0, max: 0xdfffffff }).map(numberToIpv4);
const address6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((octets) => ipOfBytes(octets.with(0, (octets[0] ?? 0) & 0x7f)));
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
const commonOf = (address: fc.Arbitrary<string>, group: string) =>
  fc.record({
    vrid: fc.integer({ min: 1, max: 255 }).map(vrid),
    addresses: fc.uniqueArray(address, { maxLength: 255 }),
    source: address,
    destination: fc.oneof(address, fc.constant(group)),
  });
const withAh = v2.chain((one) => fc.boolean().map((ah) => ({ ...one, ah: ah && one.authPass !== undefined })));
const spec4: fc.Arbitrary<AdvertSpec> = fc
  .tuple(fc.oneof(withAh, v3), commonOf(address4, "224.0.0.18"))
  .map(([a, b]) => ({ ...a, ...b }));
const spec6: fc.Arbitrary<AdvertSpec> = fc
  .tuple(fc.oneof(v2, v3), commonOf(address6, "ff02::12"))
  .map(([a, b]) => ({ ...a, ...b, authPass: undefined }));
const spec = fc.oneof(spec4, spec6);
const anyPriority = fc.integer({ min: 0, max: 255 }).map(priority);
const anyId = fc.integer({ min: 1, max: 0xffff });

const expectation = (s: AdvertSpec): Expectation => ({
  name: "V",
  version: s.version,
  authPass: s.authPass,
  interval: s.interval,
  addresses: s.addresses,
  unicast: s.destination !== "224.0.0.18" && s.destination !== "ff02::12",
  ah: s.ah === true ? { sequence: -1 } : undefined,
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
      const { authPass: _, ah: _ah, ...want } = s;
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
      const header = s.source.includes(":") ? 40 : 20;
      const offset = header + (where % (bytes.length - header));
      bytes[offset] = (bytes[offset] ?? 0) ^ flip;
      assert.notEqual(judge(bytes, s), "accepted", `octet ${offset}`);
    }),
  );
});

test("any bytes: a verdict, never an exception", () => {
  const plausible = fc
    .uint8Array({ minLength: 28, maxLength: 1100 })
    .map((bytes) => bytes.fill(0x45, 0, 1).fill((bytes[27] ?? 0) % 2 > 0 ? 112 : 51, 9, 10));
  const plausible6 = fc
    .uint8Array({ minLength: 48, maxLength: 1100 })
    .map((bytes) => bytes.fill(0x60, 0, 1).fill(112, 6, 7));
  const any = fc.oneof(fc.uint8Array({ maxLength: 1100 }), plausible, plausible6);
  fc.assert(fc.property(any, spec, (bytes, s) => void judge(bytes, s)));
});

test("signed adverts: any octet that is changed is noticed, and any octets in a trailer are judged without an exception", () => {
  const key = { id: 1, bytes: new Uint8Array(32).fill(1) };
  const config = { keys: [key], activeKey: 1, windowSeconds: 300, antiReplay: "time", mode: "enforce" } as const;
  const signed = fc.oneof(spec4, spec6).map((s): AdvertSpec => ({ ...s, authPass: undefined, ah: false, hmac: true }));
  fc.assert(
    fc.property(signed, anyPriority, fc.nat(), fc.integer({ min: 1, max: 255 }), (s, at, where, flip) => {
      const buffer = new AdvertBuffer(s, at);
      const bytes = buffer.stamp(1, at).slice();
      const copy = new AdvertBuffer(s, at);
      const packet = copy.stamp(1, at);
      copy.signHmac(key, sequenceOf(1_767_225_600_000));
      const expect = (): Expectation => ({
        ...expectation(s),
        hmac: { config, marks: new ReplayMarks(), now: 1_767_225_600, senders: undefined },
      });
      const verdict = (octets: Uint8Array) => {
        const decoded = decodeAdvert(octets);
        return decoded.ok ? validate(decoded.advert, expect()).is : decoded.problem;
      };
      assert.equal(verdict(packet), "accepted");
      const header = s.source.includes(":") ? 40 : 20;
      const changed = packet.slice();
      const offset = header + (where % (packet.length - header));
      changed[offset] = (changed[offset] ?? 0) ^ flip;
      assert.notEqual(verdict(changed), "accepted", `octet ${offset}`);
      assert.notEqual(verdict(bytes), "accepted", "not signed at all");
    }),
  );
});

test("an advert that says the same is the same object; any other octet makes it another one", () => {
  fc.assert(
    fc.property(fc.oneof(spec4, spec6), fc.nat(), fc.integer({ min: 1, max: 255 }), (spec, position, change) => {
      const first = encodeAdvert(spec, priority(100), 1);
      const known = new KnownAdvert();
      const advert = known.read(first);
      assert.ok(advert !== undefined);
      known.keep(advert);
      const isIpv4 = advert.family === "inet";
      const again = isIpv4 ? encodeAdvert(spec, priority(100), 2) : first.slice();
      if (isIpv4) again.set([0xab, 0xcd], 10); // the kernel's checksum of the header
      const signed = spec.ah === true;
      const same = known.read(again);
      assert.equal(same !== undefined && same === known.read(again), !signed);
      const at = position % again.length;
      again[at] = (again[at] ?? 0) ^ change;
      const changed = known.read(again);
      const decoded = decodeAdvert(again);
      const isNews = !isIpv4 || ![4, 5, 10, 11].includes(at);
      if (isNews || signed) assert.deepEqual(changed, decoded.ok ? decoded.advert : undefined);
      else assert.equal(changed, known.read(first));
      first.fill(0); // the memory of the packet is used again
      if (!signed && !isNews)
        assert.deepEqual(Buffer.from(changed?.bytes ?? []).subarray(0, 4), Buffer.from(again).subarray(0, 4));
    }),
  );
});
