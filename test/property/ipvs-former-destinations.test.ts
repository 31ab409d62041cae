import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { IpAddress } from "../../main/address.js";
import type { Forwarding } from "../../main/config/model.js";
import type { DestinationIpvsConfig, TunnelConfig } from "../../main/config/model-lvs.js";
import { entryFromConfig, entryInSteps, type PoolMember } from "../../main/ipvs/from-config.js";
import type { Destination, ServiceEntry } from "../../main/ipvs/table.js";
import { port } from "../../main/units.js";
import { virtualServer } from "../unit/health-fixtures.js";

const member = fc
  .record({
    n: fc.integer({ min: 1, max: 12 }),
    own: fc.constantFrom(80, 81),
    weight: fc.integer({ min: 0, max: 2 }),
    method: fc.constantFrom("service" as const, "DR" as const, "TUN" as const),
    gue: fc.constantFrom(0, 6080, 6081),
    threshold: fc.integer({ min: 0, max: 1 }),
  })
  .map(({ n, own, weight, method, gue, threshold }): PoolMember => {
    const common = { address: `10.0.0.${n}` as IpAddress, port: port(own), weight };
    return method === "service" ? common : { ...common, ipvs: ipvs(method, gue, threshold) };
  });

function ipvs(method: Forwarding, gue: number, threshold: number): DestinationIpvsConfig {
  const tunnel: TunnelConfig = { type: gue === 0 ? "ipip" : "gue", port: port(gue), checksum: "nocsum" };
  return { forwarding: { method, tunnel }, upperThreshold: threshold, lowerThreshold: 0 };
}

/** What asks for just this destination. */
const memberFor = ({
  address,
  port: own,
  weight,
  forwarding: method,
  upperThreshold,
  tunnel,
}: Destination): PoolMember => ({
  address,
  port: own,
  weight,
  ipvs: ipvs(method as Forwarding, tunnel?.port ?? 0, upperThreshold),
});
const pool = fc.array(member, { maxLength: 20 });
const forwarding = fc.constantFrom("NAT" as const, "DR" as const);

const after = (steps: Iterator<void, ServiceEntry>): ServiceEntry => {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
};

test("an entry is the same with an older one at hand, and shares with it what is equal in the same order", () => {
  fc.assert(
    fc.property(pool, pool, forwarding, forwarding, (first, second, was, is) => {
      const before = entryFromConfig(virtualServer({ forwarding: was }), first);
      const config = virtualServer({ forwarding: is });
      const entry = after(entryInSteps(config, second, before));
      const anew = entryFromConfig(config, second);
      assert.deepEqual([...entry.destinations], [...anew.destinations]);
      const again = after(entryInSteps(config, [...anew.destinations.values()].map(memberFor), anew));
      for (const [key, destination] of again.destinations) assert.equal(destination, anew.destinations.get(key));
    }),
    { numRuns: 500 },
  );
});
