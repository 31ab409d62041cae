// What a start and a reload do once for every destination or virtual server is done in small steps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { inSlices } from "../../main/health/slices.js";
import { type OwnershipRecord, ownershipKey } from "../../main/ipvs/ownership.js";
import { threadCpuTime } from "../../native-bindings/process.js";
import { sampleService } from "../harness/ipvs-samples.js";
import { Stand } from "../harness/ipvs-stand.js";
import { needs } from "../harness/needs.js";

const SERVICES = 200;
const DESTINATIONS = 20_000;
/** Of processor time; a piece is 0.4 ms, and a collection of garbage may come into one. */
const TURN_MS = 20;

function records(): OwnershipRecord[] {
  const services = Array.from({ length: SERVICES }, (_, n) => sampleService(`192.0.2.${n + 1}`));
  const all: OwnershipRecord[] = services.map((service, n) => ({ key: ownershipKey(service), print: n }));
  for (let n = 0; n < DESTINATIONS; n++) {
    const service = services[n % SERVICES] ?? assert.fail();
    const address = `10.1.${n >> 8}.${n & 255}`;
    const destination = { family: "inet", address, port: 80 } as Parameters<typeof ownershipKey>[1];
    all.push({ key: ownershipKey(service, destination), print: n });
  }
  return all;
}

test("the entries of an earlier daemon are taken over in turns of the loop", { skip: needs("native") }, async () => {
  const lasting = new LastingState(new StateSlab(Buffer.alloc(8 * 1024 * 1024)));
  lasting.ownershipChanged(records(), []);
  const { writer } = new Stand();
  let [turns, longest, last] = [0, 0, threadCpuTime()];
  const over = new AbortController();
  const watch = (): void => {
    const now = threadCpuTime();
    [turns, longest, last] = [turns + 1, Math.max(longest, now - last), now];
    if (!over.signal.aborted) setImmediate(watch);
  };
  setImmediate(watch);
  await inSlices(writer.adopt(lasting.owned()));
  over.abort();
  assert.deepEqual([...writer.ownership()].length, SERVICES + DESTINATIONS);
  assert.ok(turns > 10, `${turns} turns`);
  assert.ok(longest < TURN_MS, `${longest} ms in one turn`);
});
