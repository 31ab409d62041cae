import assert from "node:assert/strict";
import { test } from "node:test";
import { type OwnedService, type Plan, planService, type View } from "../../main/ipvs/diff.js";
import { destinationPrint, servicePrint } from "../../main/ipvs/fingerprint.js";
import { type Operation, operationTarget } from "../../main/ipvs/operation.js";
import { type Destination, entryOf, type ServiceEntry } from "../../main/ipvs/table.js";
import { sampleDestination, sampleEntry, sampleService } from "../harness/ipvs-samples.js";

const nothing: OwnedService = { print: undefined, destinations: new Map() };

/** Ours, as we wrote all of `entry`. */
const wrote = ({ service, destinations }: ServiceEntry): OwnedService => ({
  print: servicePrint(service),
  destinations: new Map([...destinations].map(([key, d]) => [key, destinationPrint(d)])),
});

const heavy = (address: string, weight: number): Destination => sampleDestination(address, { weight });
const short = (operation: Operation): string =>
  `${operation.do} ${operationTarget(operation).replace("[192.0.2.1]:tcp:80", "S").replace("S -> [10.0.0.", "").replace("]:80", "")}`;

/** What a plan does, in one string per step; `needs` are the adds of which one must succeed. */
function steps({ adds, deletes }: Plan): string[] {
  const named = adds.map(short);
  return [
    ...named,
    ...deletes.map(({ operation, partners }) =>
      partners.length === 0
        ? short(operation)
        : `${short(operation)} needs ${partners.map((i) => named[i]).join(" | ")}`,
    ),
  ];
}

const plan = (view: Partial<View>): Plan =>
  planService({ desired: undefined, actual: undefined, owned: nothing, drift: "keep", held: new Set(), ...view });

const ab = sampleEntry("10.0.0.1", "10.0.0.2");
const abc = sampleEntry("10.0.0.1", "10.0.0.2", "10.0.0.3");
const sorry = sampleEntry("10.0.0.9");
const empty = sampleEntry();
const wlc = (entry: ServiceEntry): ServiceEntry =>
  entryOf({ ...sampleService("192.0.2.1"), scheduler: "wlc" }, entry.destinations.values());

const rows: readonly { readonly name: string; readonly view: Partial<View>; readonly want: readonly string[] }[] = [
  {
    name: "an empty kernel gets everything, the service first",
    view: { desired: ab },
    want: ["new-service S", "new-dest 1", "new-dest 2"],
  },
  { name: "equal tables: nothing is sent", view: { desired: ab, actual: ab, owned: wrote(ab) }, want: [] },
  { name: "equal, but not ours: adopted without a request", view: { desired: ab, actual: ab }, want: [] },
  { name: "a server more", view: { desired: abc, actual: ab, owned: wrote(ab) }, want: ["new-dest 3"] },
  {
    name: "a server less, others stay: deleted in any case",
    view: { desired: ab, actual: abc, owned: wrote(abc) },
    want: ["del-dest 3"],
  },
  { name: "a foreign server stays", view: { desired: ab, actual: abc, owned: wrote(ab) }, want: [] },
  { name: "a foreign service stays", view: { actual: ab }, want: [] },
  {
    name: "our service that is not wanted any more goes with its servers",
    view: { actual: ab, owned: wrote(ab) },
    want: ["del-dest 1", "del-dest 2", "del-service S"],
  },
  {
    name: "... but stays when somebody else has a server in it",
    view: { actual: abc, owned: wrote(ab) },
    want: ["del-dest 1", "del-dest 2"],
  },
  {
    name: "a new weight of ours is set in place",
    view: {
      desired: sampleEntry(heavy("10.0.0.1", 5)),
      actual: sampleEntry("10.0.0.1"),
      owned: wrote(sampleEntry("10.0.0.1")),
    },
    want: ["set-dest 1"],
  },
  {
    name: "a weight set by hand stays with presence",
    view: { desired: ab, actual: sampleEntry(heavy("10.0.0.1", 0), "10.0.0.2"), owned: wrote(ab) },
    want: [],
  },
  {
    name: "a weight set by hand is put back with full, or after a reload",
    view: { desired: ab, actual: sampleEntry(heavy("10.0.0.1", 0), "10.0.0.2"), owned: wrote(ab), drift: "reset" },
    want: ["set-dest 1"],
  },
  {
    name: "a weight set by hand gives way to our own next change",
    view: {
      desired: sampleEntry(heavy("10.0.0.1", 7), "10.0.0.2"),
      actual: sampleEntry(heavy("10.0.0.1", 0), "10.0.0.2"),
      owned: wrote(ab),
    },
    want: ["set-dest 1"],
  },
  {
    name: "an entry of another maker that the configuration names becomes as configured",
    view: { desired: ab, actual: wlc(sampleEntry(heavy("10.0.0.1", 9))) },
    want: ["set-service S", "set-dest 1", "new-dest 2"],
  },
  {
    name: "a scheduler changed by hand stays with presence",
    view: { desired: ab, actual: wlc(ab), owned: wrote(ab) },
    want: [],
  },
  {
    name: "a scheduler changed by us",
    view: { desired: wlc(ab), actual: ab, owned: wrote(ab) },
    want: ["set-service S"],
  },
  {
    name: "quorum lost: the pool needs the sorry server's add",
    view: { desired: sorry, actual: ab, owned: wrote(ab) },
    want: ["new-dest 9", "del-dest 1 needs new-dest 9", "del-dest 2 needs new-dest 9"],
  },
  {
    name: "quorum gained: the sorry server needs one add of the pool",
    view: { desired: ab, actual: sorry, owned: wrote(sorry) },
    want: ["new-dest 1", "new-dest 2", "del-dest 9 needs new-dest 1 | new-dest 2"],
  },
  {
    name: "servers exchanged: paired one by one",
    view: { desired: sampleEntry("10.0.0.3", "10.0.0.4"), actual: ab, owned: wrote(ab) },
    want: ["new-dest 3", "new-dest 4", "del-dest 1 needs new-dest 3", "del-dest 2 needs new-dest 4"],
  },
  {
    name: "an inhibited server (weight 0) serves nobody: still a swap",
    view: {
      desired: sampleEntry(heavy("10.0.0.1", 0), "10.0.0.9"),
      actual: sampleEntry(heavy("10.0.0.1", 0), "10.0.0.2"),
      owned: wrote(sampleEntry(heavy("10.0.0.1", 0), "10.0.0.2")),
    },
    want: ["new-dest 9", "del-dest 2 needs new-dest 9"],
  },
  {
    name: "the last server goes, nothing comes",
    view: { desired: empty, actual: sorry, owned: wrote(sorry) },
    want: ["del-dest 9"],
  },
  {
    name: "a service that somebody deleted is made again",
    view: { desired: ab, owned: wrote(ab) },
    want: ["new-service S", "new-dest 1", "new-dest 2"],
  },
  {
    name: "... unless it is held",
    view: { desired: ab, owned: wrote(ab), held: new Set(["[192.0.2.1]:tcp:80"]) },
    want: [],
  },
  {
    name: "a server that somebody deleted is added again",
    view: { desired: ab, actual: sampleEntry("10.0.0.1"), owned: wrote(ab) },
    want: ["new-dest 2"],
  },
  {
    name: "... unless it is held",
    view: { desired: ab, actual: sampleEntry("10.0.0.1"), owned: wrote(ab), held: new Set(["[10.0.0.2]:80"]) },
    want: [],
  },
];

for (const { name, view, want } of rows) test(name, () => assert.deepEqual(steps(plan(view)), want));

test("repairs are only what was ours and is gone, not what is new", () => {
  const gone = plan({ desired: abc, actual: sampleEntry("10.0.0.1"), owned: wrote(ab) });
  assert.deepEqual(gone.repairs, [{ key: "[10.0.0.2]:80", kind: "missing" }]);
  assert.deepEqual(plan({ desired: ab }).repairs, []);
  assert.deepEqual(plan({ desired: ab, owned: wrote(ab) }).repairs, [{ key: "[192.0.2.1]:tcp:80", kind: "missing" }]);
});

test("drift names what we want and what was found", () => {
  const { drift } = plan({ desired: ab, actual: sampleEntry(heavy("10.0.0.1", 0), "10.0.0.2"), owned: wrote(ab) });
  const place = { service: "[192.0.2.1]:tcp:80", destination: "[10.0.0.1]:80" };
  assert.deepEqual(drift, [{ ...place, wanted: "weight 1 DR", found: "weight 0 DR" }]);
});

test("bookkeeping without requests: adopt, forget, foreign", () => {
  assert.deepEqual(plan({ desired: ab, actual: ab }).adopted, [undefined, "[10.0.0.1]:80", "[10.0.0.2]:80"]);
  assert.deepEqual(plan({ owned: wrote(sorry) }).forgotten, ["[10.0.0.9]:80", undefined]);
  const kept = plan({ actual: abc, owned: wrote(ab) });
  assert.deepEqual(kept.foreign, ["[10.0.0.3]:80"]);
  assert.deepEqual(kept.forgotten, [undefined]);
});
