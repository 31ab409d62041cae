import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { VirtualServerConfig } from "../../main/config/model.js";
import type { GroupEntry } from "../../main/config/model-lvs.js";
import { WantedServices } from "../../main/control/wanted-services.js";
import type { PoolEntry } from "../../main/health/virtual-server.js";
import { entryInSteps } from "../../main/ipvs/from-config.js";
import { servicesOf } from "../../main/ipvs/group-services.js";
import { ServiceMap } from "../../main/ipvs/service-map.js";
import {
  type Destination,
  type DestinationKey,
  type ServiceEntry,
  type ServiceKey,
  serviceKey,
} from "../../main/ipvs/table.js";
import { port } from "../../main/units.js";
import { emptyConfig } from "../harness/config-fixtures.js";
import { destinationIpvs, virtualServer } from "../unit/health-fixtures.js";

/**
 * Groups that overlap: after any reloads, with servers that come and go between them, the table that was kept up to date is the one
 * that a daemon would build which begins with the last configuration. What is expected is put together anew, a service at a time.
 */

const noMarks = (): undefined => undefined;

/** What a virtual server asks for: of so few services that they often meet. */
interface Wish {
  readonly entries: readonly GroupEntry[];
  readonly isGroup: boolean;
  readonly nat: boolean;
  readonly scheduler: string;
}

const address = (n: number): string => `192.0.2.${n}`;
const ports = fc.constantFrom(80, 443);
const range: fc.Arbitrary<GroupEntry> = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 }), ports)
  .map(([first, more, at]) => ({
    kind: "addresses",
    first: address(first),
    last: address(Math.min(4, first + more)),
    port: port(at),
  }));
const mark: fc.Arbitrary<GroupEntry> = fc
  .constantFrom(1, 2)
  .map((fwmark) => ({ kind: "fwmark", fwmark, family: undefined }));
const wish: fc.Arbitrary<Wish> = fc.record({
  entries: fc.array(fc.oneof({ weight: 3, arbitrary: range }, mark), { minLength: 1, maxLength: 3 }),
  isGroup: fc.boolean(),
  nat: fc.boolean(),
  scheduler: fc.constantFrom("rr", "wlc"),
});

function configOf({ entries, isGroup, nat, scheduler }: Wish, id: number): VirtualServerConfig {
  const common = { scheduler, forwarding: nat ? ("NAT" as const) : ("DR" as const) };
  const [first] = entries;
  if (!isGroup && first?.kind === "addresses")
    return virtualServer({
      ...common,
      service: { kind: "address", address: first.first, port: first.port, protocol: "TCP" },
    });
  const service = { kind: "group", group: `G${id}`, ordinal: 0, protocol: "TCP", family: undefined } as const;
  return virtualServer({ ...common, service, groupEntries: entries });
}

/** Which of the hosts 1 to 3 are in a pool; 2: with weight 0. */
const pool = fc.array(fc.constantFrom(0, 1, 2), { minLength: 3, maxLength: 3 });
const entriesOf = (states: readonly number[], { forwarding }: VirtualServerConfig): readonly PoolEntry[] =>
  states.flatMap((state, i) => {
    const ipvs = { ...destinationIpvs, forwarding: { ...destinationIpvs.forwarding, method: forwarding } };
    const plain = { address: `10.0.0.${i + 1}`, port: port(8000 + i), isSorry: false, ipvs };
    return state === 0 ? [] : [{ ...plain, weight: state === 2 ? 0 : 1 }];
  });

type Step =
  | { readonly do: "reload"; readonly edits: readonly Edit[] }
  | { readonly do: "pool"; readonly at: number; readonly pool: readonly number[] };
type Edit =
  | { readonly do: "add"; readonly at: number; readonly wish: Wish }
  | { readonly do: "replace"; readonly at: number; readonly wish: Wish }
  | { readonly do: "remove"; readonly at: number }
  | { readonly do: "swap"; readonly at: number; readonly with: number };

const at = fc.nat({ max: 5 });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ do: fc.constant("add" as const), at, wish }),
  fc.record({ do: fc.constant("replace" as const), at, wish }),
  fc.record({ do: fc.constant("remove" as const), at }),
  fc.record({ do: fc.constant("swap" as const), at, with: at }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("reload" as const), edits: fc.array(edit, { maxLength: 3 }) }),
  fc.record({ do: fc.constant("pool" as const), at, pool }),
);
const history = fc.tuple(fc.array(wish, { maxLength: 4 }), fc.array(step, { maxLength: 8 }));

/** What the daemon could do wrong: each has to be found. */
type Fault = "none" | "forgets who shared" | "leaves what nobody wants" | "writes its own pool only";

/** Keeps a table up to date as main/control/lvs-side.ts does. */
class Keeper {
  readonly table = new Map<ServiceKey, ServiceEntry>();
  readonly #pools = new Map<VirtualServerConfig, readonly number[]>();
  configs: readonly VirtualServerConfig[] = [];
  #next = 0;
  readonly #fault: Fault;
  readonly #wanted: WantedServices;

  constructor(fault: Fault) {
    this.#fault = fault;
    const pool = (place: number, of: VirtualServerConfig) => (this.configs[place] === of ? this.poolOf(of) : undefined);
    const log = Object.assign(() => undefined, { detail: false });
    this.#wanted = new WantedServices({ log, pool, written: (key) => this.table.get(key), markOf: noMarks });
  }

  poolOf(config: VirtualServerConfig): readonly PoolEntry[] {
    return entriesOf(this.#pools.get(config) ?? [1, 1, 1], config);
  }

  make(of: Wish): VirtualServerConfig {
    return configOf(of, this.#next++);
  }

  play(one: Step): void {
    const config = one.do === "pool" ? this.configs[one.at] : undefined;
    if (one.do === "reload") this.reload(edited(this.configs, one.edits, (of) => this.make(of)));
    else if (config !== undefined) {
      this.#pools.set(config, one.pool);
      this.#write(config);
    }
  }

  reload(configs: readonly VirtualServerConfig[]): void {
    const before = new Set(this.configs);
    const sharedBefore = this.#fault === "forgets who shared" ? sharing(configs) : undefined;
    this.configs = configs;
    const touched = finished(this.#wanted.take(emptyConfig({ virtualServers: configs })));
    for (const place of sharedBefore ?? touched) this.#writeAt(place);
    for (const [place, config] of configs.entries())
      if (!before.has(config) && !touched.has(place)) this.#writeAt(place);
    if (this.#fault === "leaves what nobody wants") return;
    for (const key of [...this.table.keys()]) if (!this.#wanted.has(key)) this.table.delete(key);
  }

  #writeAt(place: number): void {
    const config = this.configs[place];
    if (config !== undefined) this.#write(config);
  }

  #write(config: VirtualServerConfig): void {
    const own = this.poolOf(config);
    for (const entry of this.#wanted.entriesOf(config, () => own)) {
      if (entry === undefined) continue;
      const { service } = entry;
      const alone = this.#fault === "writes its own pool only" ? entryFromOwn(config, own, entry) : entry;
      this.table.set(serviceKey(service), alone);
    }
  }
}

const entryFromOwn = (
  config: VirtualServerConfig,
  own: readonly PoolEntry[],
  { service }: ServiceEntry,
): ServiceEntry => built([config], () => own).get(serviceKey(service)) ?? { service, destinations: new Map() };

/** Places that share a service now. */
function sharing(configs: readonly VirtualServerConfig[]): ReadonlySet<number> {
  const map = finished(ServiceMap.build(configs, noMarks));
  return new Set([...map.shared()].flatMap(({ holders }) => holders));
}

function edited(
  configs: readonly VirtualServerConfig[],
  edits: readonly Edit[],
  make: (of: Wish) => VirtualServerConfig,
): readonly VirtualServerConfig[] {
  const list = [...configs];
  for (const one of edits) {
    const found = list[one.at];
    if (one.do === "add") list.splice(one.at, 0, make(one.wish));
    else if (found === undefined) continue;
    else if (one.do === "replace") list[one.at] = make(one.wish);
    else if (one.do === "remove") list.splice(one.at, 1);
    else {
      const other = list[one.with];
      if (other !== undefined) [list[one.at], list[one.with]] = [other, found];
    }
  }
  return list;
}

/** The table of a daemon that begins with this, a service at a time: the settings of the first that asks, the servers of all. */
function built(
  configs: readonly VirtualServerConfig[],
  poolOf: (config: VirtualServerConfig) => readonly PoolEntry[],
): Map<ServiceKey, ServiceEntry> {
  const table = new Map<ServiceKey, ServiceEntry>();
  for (const config of configs) {
    const own = new Map<ServiceKey, ServiceEntry>();
    for (const service of servicesOf(config, noMarks)) {
      const { destinations } = finished(entryInSteps(config, poolOf(config), undefined, service));
      own.set(serviceKey(service), { service, destinations });
    }
    for (const [key, { service, destinations }] of own) {
      const known = table.get(key) ?? { service, destinations: new Map() };
      const all = new Map<DestinationKey, Destination>(known.destinations);
      for (const [name, destination] of destinations) {
        const other = all.get(name);
        if (other === undefined || (other.weight === 0 && destination.weight > 0)) all.set(name, destination);
      }
      table.set(key, { service: known.service, destinations: all });
    }
  }
  return table;
}

function finished<T>(steps: Generator<unknown, T>): T {
  for (let next = steps.next(); ; next = steps.next()) if (next.done === true) return next.value;
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** For comparison: in the kernel nothing has an order. */
const rowsOf = (table: ReadonlyMap<ServiceKey, ServiceEntry>): readonly string[] =>
  [...table]
    .map(([key, { service, destinations }]) => {
      const there = [...destinations].map(([name, { weight, forwarding }]) => `${name} ${weight} ${forwarding}`);
      return `${key} ${service.scheduler}: ${there.sort(byText).join(", ")}`;
    })
    .sort(byText);

/** Plays a history; after each of its steps the table has to be the one that is built anew. */
function play(fault: Fault, first: readonly Wish[], steps: readonly Step[]): void {
  const keeper = new Keeper(fault);
  keeper.reload(first.map((of) => keeper.make(of)));
  for (const one of [undefined, ...steps]) {
    if (one !== undefined) keeper.play(one);
    const wanted = built(keeper.configs, (config) => keeper.poolOf(config));
    assert.deepEqual(rowsOf(keeper.table), rowsOf(wanted));
  }
}

test("overlapping groups: after any sequence of changes the table is the one that is built anew", () => {
  fc.assert(
    fc.property(history, ([first, steps]) => play("none", first, steps)),
    { numRuns: 1500 },
  );
});

for (const fault of ["forgets who shared", "leaves what nobody wants", "writes its own pool only"] as const) {
  test(`found: who ${fault}`, () => {
    const property = fc.property(history, ([first, steps]) => play(fault, first, steps));
    assert.equal(fc.check(property, { numRuns: 1500, seed: 7, endOnFailure: true }).failed, true);
  });
}

test("every service is in one list of each virtual server that asks for it, and in no other", () => {
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 5 }), (wishes) => {
      const configs = wishes.map(configOf);
      const map = finished(ServiceMap.build(configs, noMarks));
      for (const [place, config] of configs.entries()) {
        const asked = new Set(Array.from(servicesOf(config, noMarks), serviceKey));
        const pooled = map.pooled(place);
        const listed = pooled.flatMap(({ services }) => services.map(serviceKey));
        assert.deepEqual(listed.toSorted(byText), [...asked].toSorted(byText));
        for (const { holders, services } of pooled)
          for (const service of services) assert.deepEqual(map.holdersOf(serviceKey(service)), holders);
        assert.equal(map.placeOf(config), place);
      }
      for (const { service, holders } of map.shared()) {
        const key = serviceKey(service);
        const places = configs.flatMap((of, i) =>
          [...servicesOf(of, noMarks)].some((s) => serviceKey(s) === key) ? i : [],
        );
        assert.deepEqual(holders, places);
      }
    }),
    { numRuns: 500 },
  );
});
