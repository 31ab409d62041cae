import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { IpAddress } from "../../main/address.js";
import { entryFromConfig, entryInSteps, type PoolMember } from "../../main/ipvs/from-config.js";
import type { ServiceEntry } from "../../main/ipvs/table.js";
import { port } from "../../main/units.js";
import { virtualServer } from "../unit/health-fixtures.js";

const member = fc
  .record({ n: fc.integer({ min: 1, max: 12 }), own: fc.constantFrom(80, 81), weight: fc.integer({ min: 0, max: 2 }) })
  .map(({ n, own, weight }): PoolMember => ({ address: `10.0.0.${n}` as IpAddress, port: port(own), weight }));
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
      const again = after(entryInSteps(config, anew.destinations.values(), anew));
      for (const [key, destination] of again.destinations) assert.equal(destination, anew.destinations.get(key));
    }),
    { numRuns: 500 },
  );
});
