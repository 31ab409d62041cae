import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plainUnicast, plainWire } from "../../main/config/model-vrrp.js";
import { bytesOfIp } from "../../main/ip-bytes.js";
import { ms, priority, vrid } from "../../main/units.js";
import { advertShape } from "../../main/vrrp/advert-shape.js";
import { expectation } from "../../main/vrrp/expectation.js";
import { floodFilter } from "../../main/vrrp/flood-filter.js";
import { signTrailer } from "../../main/vrrp/hmac-trailer.js";
import { type AdvertSpec, decodeAdvert, encodeAdvert, layoutOf } from "../../main/vrrp/packet.js";
import { packetFilter } from "../../main/vrrp/packet-filter.js";
import { validate } from "../../main/vrrp/validate.js";
import { WireState } from "../../main/vrrp/wire-state.js";
import { runBpf } from "../harness/bpf.js";
import { instanceConfig, virtualAddress } from "../harness/config-fixtures.js";

/**
 * Under a flood the kernel must keep away what is no good, and nothing else: the filter against the judgement of an instance, over
 * adverts of others, some of them changed in a few places.
 */

const NEVER_SAMPLED = 1;
const GROUP = "224.0.0.18";
const OWN = "192.0.2.9";
const PEERS = ["192.0.2.1", "192.0.2.2"];
const KEY = { id: 1, bytes: new Uint8Array(32).fill(7) };
const addressesOf = (count: number) => Array.from({ length: count }, (_, i) => `10.${i >> 8}.${i & 255}.1`);

const cases = fc.record({
  version: fc.constantFrom(2 as const, 3 as const),
  unicast: fc.boolean(),
  checkSource: fc.boolean(),
  count: fc.oneof(fc.integer({ min: 1, max: 34 }), fc.constantFrom(64, 254)),
  auth: fc.constantFrom(undefined, "secret", "longer-than-it-may-be"),
  ah: fc.boolean(),
  hmac: fc.boolean(),
  form: fc.constantFrom("standard" as const, "as-v2" as const, "old" as const),
});

/** What a sender may do otherwise than we expect. */
const strangeness = fc.record({
  version: fc.constantFrom(undefined, undefined, 2 as const, 3 as const),
  vrid: fc.constantFrom(51, 51, 51, 52),
  ttl: fc.constantFrom(255, 255, 255, 64),
  seconds: fc.constantFrom(1, 1, 1, 2),
  count: fc.constantFrom(undefined, undefined, 1, 5, 32),
  auth: fc.constantFrom(true, true, false),
  source: fc.constantFrom("192.0.2.1", "192.0.2.2", "192.0.2.3"),
  signed: fc.boolean(),
  octets: fc.array(fc.tuple(fc.nat(1099), fc.integer({ min: 1, max: 255 })), { maxLength: 2 }),
  untouched: fc.boolean(),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;
type Strangeness = typeof strangeness extends fc.Arbitrary<infer T> ? T : never;

function configOf(c: Case) {
  const ah = c.version === 2 && c.ah && c.auth !== undefined;
  const hmac = {
    ...{ keys: [KEY], activeKey: 1, windowSeconds: 30 },
    ...({ antiReplay: "monotonic", mode: "permissive" } as const),
  };
  return instanceConfig({
    version: c.version,
    vrid: vrid(51),
    advertInterval: ms(1000),
    authPass: c.version === 2 ? c.auth : undefined,
    virtualAddresses: addressesOf(c.count).map((address) => virtualAddress(address)),
    unicastPeers: c.unicast ? PEERS : [],
    unicast: { ...plainUnicast, checkSource: c.checkSource, oldChecksum: c.form === "old" ? "always" : "never" },
    wire: {
      ...plainWire,
      ah,
      hmac: c.hmac && !ah ? hmac : undefined,
      checksumAsV2: c.version === 3 && c.form === "as-v2",
    },
  });
}

function packetOf(config: ReturnType<typeof configOf>, c: Case, s: Strangeness): Uint8Array<ArrayBuffer> {
  const { ah } = config.wire;
  const version = ah ? 2 : (s.version ?? c.version);
  const spec: AdvertSpec = {
    version,
    vrid: vrid(s.vrid),
    interval: ms(s.seconds * 1000),
    addresses: addressesOf(s.count ?? c.count),
    authPass: ah || (s.auth && version === 2) ? config.authPass : undefined,
    source: s.source,
    destination: c.unicast ? OWN : GROUP,
    ah,
    ttl: s.ttl,
    checksum: c.form === "old" ? (c.unicast ? bytesOfIp(GROUP) : "standard") : c.form,
    hmac: s.signed && config.wire.hmac !== undefined,
  };
  const bytes = encodeAdvert(spec, priority(100), 1, 1);
  const layout = layoutOf({ ...spec, family: "inet", count: spec.addresses.length });
  if (spec.hmac === true) signTrailer(bytes, layout, KEY, 5n);
  const from = layout.message;
  if (!s.untouched)
    for (const [at, by] of s.octets) {
      const place = from + (at % (bytes.length - from));
      bytes[place] = (bytes[place] ?? 0) ^ by;
    }
  return bytes;
}

/** Of what only a signature or the own history tells, a filter knows nothing. */
const beyondFilters = new Set([
  "ah",
  "hmac-replay",
  "hmac",
  "hmac-key",
  "hmac-malformed",
  "hmac-missing",
  "hmac-stale",
]);

test("under a flood the filter takes what an instance takes, and keeps what it would drop", () => {
  let taken = 0;
  fc.assert(
    fc.property(cases, strangeness, (c, s) => {
      const config = configOf(c);
      const bytes = packetOf(config, c, s);
      const program = packetFilter({
        ...{ family: "inet", ah: config.wire.ah, multicast: !c.unicast, flooded: true },
        destination: bytesOfIp(c.unicast ? OWN : GROUP),
        routers: [{ vrid: 51, version: c.version, shape: () => advertShape(config, GROUP) }],
      });
      const decoded = decodeAdvert(bytes);
      assert.ok(decoded.ok);
      const tracking = { effective: config.basePriority, faults: [], waiting: [], contributions: [] };
      const wire = new WireState();
      const state = { at: "fault" } as const;
      const receiver = { config, state, tracking, source: OWN, group: GROUP, wire, wallClock: () => 0 };
      const verdict = validate(decoded.advert, expectation(receiver));
      const passes = runBpf(program, bytes, 0, NEVER_SAMPLED) > 0;
      if (decoded.advert.vrid !== 51) assert.ok(!passes);
      else if (verdict.is === "accepted") assert.ok(passes, "a good advert stays in the kernel");
      else if (!beyondFilters.has(verdict.finding.rule)) assert.ok(!passes, verdict.finding.sentence);
      if (passes) taken++;
    }),
    { numRuns: 4000 },
  );
  assert.ok(taken > 400, `${taken} of 4000 adverts were good: the test must try both`);
});

test("several routers with different shapes share a filter; it fits into what the kernel allows by default", () => {
  const configs = Array.from({ length: 250 }, (_, i) =>
    instanceConfig({
      vrid: vrid(i + 1),
      version: i % 2 === 0 ? 2 : 3,
      authPass: i % 2 === 0 ? `pass${i % 8}` : undefined,
      virtualAddresses: addressesOf(i).map((address) => virtualAddress(address)),
    }),
  );
  const routers = configs.map((config) => ({
    ...{ vrid: config.vrid, version: config.version },
    shape: () => advertShape(config, GROUP),
  }));
  const spec = { family: "inet" as const, ah: false, destination: bytesOfIp(GROUP), multicast: true, routers };
  const program = floodFilter({ ...spec, flooded: true });
  assert.ok(program !== undefined && program.length <= 4096 * 8);
  for (const config of configs.filter((_, i) => i % 10 < 2)) {
    const { version, authPass, vrid: id, virtualAddresses } = config;
    const addresses = virtualAddresses.map(({ address }) => address);
    const common = { version, vrid: id, interval: config.advertInterval, addresses, source: "192.0.2.1" };
    const bytes = encodeAdvert({ ...common, authPass, destination: GROUP }, priority(1), 1);
    assert.ok(runBpf(program, bytes, 0, NEVER_SAMPLED) > 0, `router ${id}`);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    assert.equal(runBpf(program, bytes, 0, NEVER_SAMPLED), 0, `router ${id} with a wrong checksum`);
  }
});

test("where even what looks right comes by the thousand, known senders pass and strangers now and then", () => {
  for (const family of ["inet", "inet6"] as const) {
    const [known, stranger, destination] =
      family === "inet" ? ["192.0.2.1", "192.0.2.7", GROUP] : ["fe80::1", "fe80::1:0:0:1", "ff02::12"];
    const config = instanceConfig({ family, vrid: vrid(51), virtualAddresses: [] });
    const program = packetFilter({
      ...{ family, ah: false, destination: bytesOfIp(destination), multicast: true, flooded: true },
      routers: [{ vrid: 51, version: config.version, shape: () => advertShape(config, GROUP) }],
      senders: [bytesOfIp("192.0.2.200"), bytesOfIp(known)].filter(({ length }) => length === bytesOfIp(known).length),
    });
    const from = (source: string): Uint8Array =>
      encodeAdvert(
        {
          ...{ version: config.version, vrid: vrid(51), interval: config.advertInterval, addresses: [] },
          ...{ authPass: config.authPass, source, destination },
        },
        priority(1),
        1,
      );
    const passes = (source: string, random: number): boolean =>
      runBpf(program, from(source), family === "inet" ? 0 : 40, random) > 0;
    assert.ok(passes(known, NEVER_SAMPLED));
    assert.ok(!passes(stranger, NEVER_SAMPLED));
    assert.ok(passes(stranger, 16));
  }
});
