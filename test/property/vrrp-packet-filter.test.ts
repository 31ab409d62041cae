import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ms, priority, vrid } from "../../main/units.js";
import { FloodWatch } from "../../main/vrrp/flood-watch.js";
import { encodeAdvert } from "../../main/vrrp/packet.js";
import { type FilterSpec, packetFilter } from "../../main/vrrp/packet-filter.js";
import { runBpf as run } from "../harness/bpf.js";

/** The filter against what it is to mean, in a machine of our own; test/netns/flood.test.ts has it in the kernel. */

const routers = fc.uniqueArray(
  fc.record({ vrid: fc.integer({ min: 1, max: 255 }), version: fc.constantFrom(2 as const, 3 as const) }),
  { maxLength: 255, selector: ({ vrid: id }) => id },
);

const spec = fc.record({
  family: fc.constantFrom("inet" as const, "inet6" as const),
  multicast: fc.boolean(),
  routers,
  flooded: fc.boolean(),
  ah: fc.boolean(),
});

const packets = fc.record({
  vrid: fc.integer({ min: 1, max: 255 }).map(vrid),
  version: fc.constantFrom(2 as const, 3 as const),
  ttl: fc.constantFrom(255, 255, 254, 1),
  elsewhere: fc.boolean(),
});

test("what is somebody's comes through, what is nobody's does not, a flood is sampled", () => {
  fc.assert(
    fc.property(spec, packets, fc.nat(), fc.nat(), (s, p, pick, random) => {
      const v6 = s.family === "inet6";
      const ah = s.ah && !v6;
      const filter: FilterSpec = { ...s, ah, destination: Uint8Array.of(224, 0, 0, 18) };
      const known = s.routers[pick % Math.max(1, s.routers.length)];
      const router = pick % 3 > 0 && known !== undefined ? vrid(known.vrid) : p.vrid;
      const bytes = encodeAdvert(
        {
          version: ah ? 2 : p.version,
          vrid: router,
          interval: ms(1000),
          addresses: [],
          authPass: ah ? "x" : undefined,
          source: v6 ? "fe80::1" : "192.0.2.1",
          destination: v6 ? "ff02::12" : p.elsewhere ? "224.0.0.19" : "224.0.0.18",
          ttl: p.ttl,
          ah,
        },
        priority(100),
        1,
      );
      const version = ah ? 2 : p.version;
      const mine = s.routers.some((one) => one.vrid === router);
      const good = s.routers.some((one) => one.vrid === router && one.version === version);
      const here = v6 || !p.elsewhere;
      const strict = here && good && (!s.multicast || p.ttl === 255);
      const want = s.flooded ? strict || random % 256 === 0 : here && mine;
      assert.equal(run(packetFilter(filter), bytes, v6 ? 40 : 0, random) > 0, want);
      assert.ok(packetFilter(filter).length <= 4096 * 8);
    }),
    { numRuns: 2000 },
  );
});

test("more routers than a jump can pass are looked for by their numbers only", () => {
  const many = [2, 3].flatMap((version) =>
    Array.from({ length: 255 }, (_, i) => ({ vrid: i + 1, version: version as 2 | 3 })),
  );
  const filter = { family: "inet6" as const, ah: false, destination: new Uint8Array(16), multicast: true };
  const bytes = packetFilter({ ...filter, routers: many, flooded: true });
  assert.deepEqual(bytes, packetFilter({ ...filter, routers: many, flooded: false }));
});

test("any octets: the filter ends", () => {
  const filter = packetFilter({
    family: "inet",
    ah: false,
    destination: Uint8Array.of(224, 0, 0, 18),
    multicast: true,
    routers: [{ vrid: 1, version: 3 }],
    flooded: true,
  });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void run(filter, bytes, 0, 1)));
});

test("a flood begins with thousands in a second, goes on while the sample shows it, and ends", () => {
  const watch = new FloodWatch();
  for (let i = 0; i < 100_000; i++) assert.ok(!watch.useless(ms(i)), "one per millisecond is none");
  const began = Array.from({ length: 3000 }, () => watch.useless(ms(200_000)));
  assert.equal(began.filter(Boolean).length, 1);
  assert.equal(watch.stage, "filtered");
  for (let second = 0; second < 60; second++) {
    for (let i = 0; i < 30; i++) assert.ok(!watch.useless(ms(200_000 + second * 1001 + i)));
    assert.ok(!watch.over(ms(200_000 + second * 1001 + 500)));
  }
  assert.ok(watch.over(ms(275_000)));
  assert.equal(watch.stage, "none");
});

test("what thousands get past the filter of a flood narrows it, once, and all ends together", () => {
  const watch = new FloodWatch();
  const changes = Array.from({ length: 10_000 }, (_, i) => watch.useless(ms(i / 10)));
  assert.deepEqual(
    changes.flatMap((changed, i) => (changed ? [i] : [])),
    [1999, 3999],
  );
  assert.equal(watch.stage, "narrowed");
  assert.ok(!watch.over(ms(10_900)));
  assert.ok(watch.over(ms(11_100)));
  assert.equal(watch.stage, "none");
});
