import assert from "node:assert/strict";
import { test } from "node:test";
import { type OwnedService, planInSteps, planService, type View } from "../../main/ipvs/diff.js";
import { servicePrint } from "../../main/ipvs/fingerprint.js";
import { OwnershipJournal } from "../../main/ipvs/ownership-journal.js";
import { Planner } from "../../main/ipvs/planner.js";
import type { Reporter } from "../../main/ipvs/reporter.js";
import { Slot } from "../../main/ipvs/slot.js";
import { entryOf, type ServiceEntry } from "../../main/ipvs/table.js";
import { sampleDestination, sampleService } from "../harness/ipvs-samples.js";
import { Stand } from "../harness/ipvs-stand.js";

/** A service of 20,000 servers is compared in so many steps, at least. */
const SERVERS = 20_000;
const STEPS = 70;

const service = sampleService("192.0.2.1");

function farm(weightOfFirst: number): ServiceEntry {
  const addresses = Array.from({ length: SERVERS }, (_, n) => `10.1.${n >> 8}.${n & 255}`);
  const destinations = addresses.map((address, n) =>
    sampleDestination(address, { weight: n === 0 ? weightOfFirst : 1 }),
  );
  return entryOf(service, destinations);
}

const wrote = (entry: ServiceEntry): OwnedService => ({
  print: servicePrint(entry.service),
  destinations: entry.destinations,
});

function drain<T>(steps: Generator<void, T>): { readonly count: number; readonly value: T } {
  for (let count = 0; ; count++) {
    const step = steps.next();
    if (step.done === true) return { count, value: step.value };
  }
}

/** A slot whose kernel side is as `entry`, which is ours. */
function slotOf(entry: ServiceEntry): Slot {
  const slot = new Slot(service, new OwnershipJournal(undefined));
  slot.desired = entry;
  slot.created(entry);
  return slot;
}

test("a service with many servers is planned in steps, with the same result", () => {
  const [before, after] = [farm(1), farm(2)];
  const view: View = { desired: after, actual: before, owned: wrote(before), drift: "keep", held: new Set() };
  const { count, value } = drain(planInSteps(view));
  assert.ok(count >= STEPS, `${count} steps`);
  assert.deepEqual(value, planService(view));
  assert.deepEqual(
    value.adds.map((add) => add.do),
    ["set-dest"],
  );
});

test("a wish that changes while it is planned is planned anew", () => {
  const slot = slotOf(farm(1));
  const reporter: Pick<Reporter, "contested"> = { contested: () => assert.fail("nothing is contested") };
  const { clock } = new Stand();
  const policy = (): "full" => "full";
  const options = { clock, policy, reporter: reporter as Reporter, onRelease: () => {} };
  const planning = new Planner(options).plan(slot);
  slot.desired = farm(2);
  planning.next();
  slot.desired = farm(3);
  const { value } = drain(planning);
  const weights = value?.adds.map((add) => add.do === "set-dest" && add.destination.weight);
  assert.deepEqual(weights, [3]);
});

test("what is to be read anew while it is planned has no plan", () => {
  const slot = slotOf(farm(1));
  const reporter: Pick<Reporter, "contested"> = { contested: () => assert.fail("nothing is contested") };
  const options = { clock: new Stand().clock, policy: () => "full" as const, reporter: reporter as Reporter };
  const planning = new Planner({ ...options, onRelease: () => {} }).plan(slot);
  slot.desired = farm(2);
  planning.next();
  slot.desired = undefined;
  slot.doubt();
  assert.equal(drain(planning).value, undefined);
});

test("a reading of many servers is compared in steps, and dropped when the service was read anew meanwhile", () => {
  const slot = slotOf(farm(1));
  const same = drain(slot.observeDestinations([...farm(1).destinations.values()]));
  assert.ok(same.count >= STEPS, `${same.count} steps`);
  assert.equal(same.value, false);
  assert.equal(drain(slot.observeDestinations([...farm(2).destinations.values()])).value, true);

  const older = slot.observeDestinations([...farm(2).destinations.values()]);
  older.next();
  slot.read(service, []);
  assert.equal(drain(older).value, false);
  assert.equal(slot.present?.destinations.size, 0);
});
