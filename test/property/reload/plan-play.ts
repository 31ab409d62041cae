import { strict as assert } from "node:assert";
import { type OwnedService, planService, type View } from "../../../main/ipvs/diff.js";
import { destinationPrint, servicePrint } from "../../../main/ipvs/fingerprint.js";
import { type Operation, operationTarget } from "../../../main/ipvs/operation.js";
import { type ServiceEntry, sameDestination, sameService, serviceKey } from "../../../main/ipvs/table.js";
import { Random } from "../../simulation/cluster/random.js";
import { foreignOperation, randomEntry, serviceKeys } from "./table-farm.js";
import { Mirror } from "./watched-kernel.js";

/** What is done to a plan to see that the rules bite. */
export type PlanFault = (operations: readonly Operation[], view: View) => readonly Operation[];

/** One comparison of any table with any wish, of which any part is ours. @throws AssertionError naming the rule that does not hold */
export function playPlan(seed: number, fault: PlanFault = (operations) => operations): void {
  const random = new Random(seed);
  const at = random.below(serviceKeys.length);
  const key = serviceKeys[at] ?? "";
  const kernel = new Mirror();
  if (random.chance(0.9)) write(kernel, randomEntry(random, at));
  for (let left = random.below(6); left > 0; left--) {
    const operation = foreignOperation(random, kernel.table);
    if (operation !== undefined && serviceKey(operation.service) === key) kernel.apply(operation);
  }
  const actual = snapshot(kernel, key);
  const desired = random.chance(0.85) ? randomEntry(random, at) : undefined;
  const owned = randomOwned(random, actual);
  const view: View = { desired, actual, owned, drift: "reset", held: new Set() };
  const { adds, deletes } = planService(view);
  const operations = fault([...adds, ...deletes.map(({ operation }) => operation)], view);
  const isServed = (entry: ServiceEntry | undefined): boolean =>
    [...(entry?.destinations.values() ?? [])].some(({ weight }) => weight > 0);
  const mayBeEmpty = !isServed(desired) || !isServed(actual);
  for (const operation of operations) {
    assert.ok(isAccepted(kernel, operation), `the kernel accepts ${operation.do} ${operationTarget(operation)}`);
    kernel.apply(operation);
    // Batches are pieces of this list in this order: wherever one ends, somebody serves.
    if (!mayBeEmpty) assert.ok(kernel.serving(key) > 0, `no gap after ${operation.do} ${operationTarget(operation)}`);
  }
  const after = snapshot(kernel, key);
  isAsWished(after, view);
  leavesAlone(operations, view);
  if (desired === undefined) return;
  const again = planService({ ...view, actual: after });
  assert.deepEqual([...again.adds, ...again.deletes], [], "a second look has nothing to do");
}

function write(kernel: Mirror, { service, destinations }: ServiceEntry): void {
  kernel.apply({ do: "new-service", service });
  for (const destination of destinations.values()) kernel.apply({ do: "new-dest", service, destination });
}

function snapshot(kernel: Mirror, key: string): ServiceEntry | undefined {
  const entry = kernel.table.get(key);
  return entry && { service: entry.service, destinations: new Map(entry.destinations) };
}

/** Any part of what is there, as it is or as it was, and something that is there no more. */
function randomOwned(random: Random, actual: ServiceEntry | undefined): OwnedService {
  const destinations = new Map<string, number>();
  for (const [key, destination] of actual?.destinations ?? [])
    if (random.chance(0.7)) destinations.set(key, random.chance(0.7) ? destinationPrint(destination) : 1);
  if (random.chance(0.2)) destinations.set("[10.0.0.9]:80", 1);
  const print = actual && servicePrint(random.chance(0.7) ? actual.service : { ...actual.service, scheduler: "sh" });
  return { print: random.chance(0.7) ? print : undefined, destinations };
}

function isAccepted({ table }: Mirror, operation: Operation): boolean {
  const entry = table.get(serviceKey(operation.service));
  if (operation.do === "new-service") return entry === undefined;
  if (entry === undefined) return false;
  if (!("destination" in operation)) return true;
  const { address, port } = operation.destination;
  return entry.destinations.has(`[${address}]:${port}`) === (operation.do !== "new-dest");
}

function isAsWished(after: ServiceEntry | undefined, { desired, actual, owned }: View): void {
  for (const [key, destination] of desired?.destinations ?? []) {
    const found = after?.destinations.get(key);
    assert.ok(found !== undefined && sameDestination(found, destination), `${key} is as wanted`);
  }
  if (desired !== undefined)
    assert.ok(after !== undefined && sameService(after.service, desired.service), "the service is as wanted");
  const isWanted = (key: string): boolean => desired?.destinations.has(key) === true;
  for (const [key, destination] of actual?.destinations ?? []) {
    if (owned.destinations.has(key))
      assert.ok(isWanted(key) || after?.destinations.has(key) !== true, `${key} is gone`);
    else if (!isWanted(key)) assert.equal(after?.destinations.get(key), destination, `${key} of somebody else stays`);
  }
  if (desired !== undefined || owned.print === undefined) return;
  const others = [...(actual?.destinations.keys() ?? [])].filter((key) => !owned.destinations.has(key));
  assert.equal(after === undefined, actual === undefined || others.length === 0, "a service of ours alone goes");
}

/** Connections are lost with a destination that is deleted and made again, and a write that changes nothing is one too many. */
function leavesAlone(operations: readonly Operation[], { desired, actual }: View): void {
  const targets = operations.map(operationTarget);
  assert.equal(new Set(targets).size, targets.length, "nothing is written twice");
  for (const [key, destination] of desired?.destinations ?? []) {
    const before = actual?.destinations.get(key);
    const isSame = before !== undefined && sameDestination(before, destination);
    if (isSame) assert.ok(!targets.some((target) => target.endsWith(`-> ${key}`)), `${key} is left alone`);
  }
}
