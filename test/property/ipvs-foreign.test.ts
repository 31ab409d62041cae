import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import { type Operation, operationTarget } from "../../main/ipvs/operation.js";
import { Reconciler } from "../../main/ipvs/reconciler.js";
import {
  destinationKey,
  entryOf,
  type ServiceEntry,
  type ServiceKey,
  serviceKey,
  tableOf,
} from "../../main/ipvs/table.js";
import { IpvsWriter } from "../../main/ipvs/writer.js";
import { sampleDestination, sampleService } from "../harness/ipvs-samples.js";
import { HandClock, rest } from "../harness/ipvs-stand.js";
import { recordingLog } from "../unit/notify-support.js";

/**
 * Whatever reloads, heals, restarts, crashes and others do: what others have in the table nobody but they changes or deletes, services
 * of their own and their destinations in services of ours.
 */

const ours = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => sampleService(address));
const theirs = ["198.51.100.1", "198.51.100.2"].map((address) => sampleService(address));
const ourDestinations = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
const theirDestinations = ["10.9.0.1", "10.9.0.2"];
const isTheirs = (address: string): boolean => theirDestinations.includes(address);

type Wish = readonly (readonly number[] | undefined)[];

type Event =
  | { readonly on: "reload" | "restart" | "crash"; readonly wish: Wish }
  | { readonly on: "others"; readonly does: Operation }
  | { readonly on: "flush" | "start-over" }
  | { readonly on: "time"; readonly ms: number };

const wish: fc.Arbitrary<Wish> = fc.tuple(
  ...ours.map(() => fc.option(fc.uniqueArray(fc.nat(2), { maxLength: 3 }), { nil: undefined })),
);
const service = fc.constantFrom(...ours, ...theirs);
const destination = fc
  .tuple(
    fc.constantFrom(...ourDestinations, ...theirDestinations, ...theirDestinations),
    fc.integer({ min: 1, max: 5 }),
  )
  .map(([address, weight]) => sampleDestination(address, { weight }));

const operation: fc.Arbitrary<Operation> = fc.oneof(
  service.chain((s) =>
    fc.constantFrom("new-service" as const, "del-service" as const).map((what) => ({ do: what, service: s })),
  ),
  ...(["new-dest", "new-dest", "set-dest", "del-dest"] as const).map((what) =>
    fc.tuple(service, destination).map(([s, d]) => ({ do: what, service: s, destination: d })),
  ),
);

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ on: fc.constantFrom("reload" as const, "reload" as const, "restart" as const, "crash" as const), wish }),
  { arbitrary: fc.record({ on: fc.constant("others" as const), does: operation }), weight: 3 },
  fc.record({ on: fc.constantFrom("flush" as const, "start-over" as const) }),
  fc.record({ on: fc.constant("time" as const), ms: fc.constantFrom(50, 1500, 5000) }),
);

/** A daemon over a kernel that others use as well, and what of them has to be there. */
class Host {
  readonly clock = new HandClock();
  readonly #log = recordingLog().log;
  readonly #records = new Map<string, number>();
  /** By service: their destinations in it, with weights; of theirs also those without any. */
  readonly #foreign = new Map<ServiceKey, Map<string, number>>();
  readonly #trespasses: string[] = [];
  #acting: "we" | "others" = "we";
  readonly backend = new MemoryBackend({ onApply: (operations) => this.#witness(operations) });
  #writer = this.#anotherWriter();
  #reconciler = this.#anotherReconciler();
  #wanted = new Map<ServiceKey, ServiceEntry>();

  async begin(table: Wish): Promise<void> {
    this.#wanted = entriesOf(table);
    this.#writer.setDesired(this.#wanted);
    this.#reconciler.start();
    await rest();
  }

  async meet(one: Event): Promise<void> {
    switch (one.on) {
      case "reload":
        await this.#reload(one.wish);
        break;
      case "restart":
      case "crash":
        await this.#restart(one.wish);
        break;
      case "others":
        await this.#others(one.does);
        break;
      case "flush":
        await this.backend.flush();
        this.#foreign.clear();
        break;
      case "start-over":
        for (const _ of this.#writer.startOver());
        await rest();
        break;
      case "time":
        await this.clock.pass(one.ms);
    }
    await this.#judge();
  }

  async end(): Promise<void> {
    await this.#reconciler.stop();
    await this.#writer.stop({ release: "ours" });
    await this.#judge();
  }

  async #reload(next: Wish): Promise<void> {
    const before = this.#wanted;
    this.#wanted = entriesOf(next);
    for (const _ of this.#writer.forgive());
    for (const key of before.keys()) if (!this.#wanted.has(key)) this.#writer.setService(key, undefined, "bulk");
    for (const [key, entry] of this.#wanted) this.#writer.setService(key, entry, "bulk");
    await rest();
  }

  async #restart(next: Wish): Promise<void> {
    const records = [...this.#records].map(([key, print]) => ({ key, print }));
    await this.#reconciler.stop();
    await this.#writer.stop({ release: "none" });
    this.#writer = this.#anotherWriter();
    this.#reconciler = this.#anotherReconciler();
    for (const _ of this.#writer.adopt(records));
    await this.begin(next);
  }

  async #others(does: Operation): Promise<void> {
    this.#acting = "others";
    const [verdict] = await this.backend.apply([does]);
    this.#acting = "we";
    if (verdict?.errno !== 0) return;
    const key = serviceKey(does.service);
    const isOfTheirs = theirs.includes(does.service as (typeof theirs)[number]);
    if (does.do === "del-service") this.#foreign.delete(key);
    else if (does.do === "new-service" && isOfTheirs) this.#foreign.set(key, new Map());
    else if ("destination" in does && (isOfTheirs || isTheirs(does.destination.address))) {
      const known = this.#foreign.get(key) ?? new Map<string, number>();
      if (does.do === "del-dest") known.delete(destinationKey(does.destination));
      else known.set(destinationKey(does.destination), does.destination.weight);
      if (known.size === 0 && !isOfTheirs) this.#foreign.delete(key);
      else this.#foreign.set(key, known);
    }
  }

  #witness(operations: readonly Operation[]): void {
    if (this.#acting === "others") return;
    for (const one of operations) {
      const isOurs = ours.some((service) => serviceKey(service) === serviceKey(one.service));
      const isDestination = "destination" in one;
      if (!isOurs || (isDestination && isTheirs(one.destination.address)))
        this.#trespasses.push(`${one.do} ${operationTarget(one)}`);
    }
  }

  async #judge(): Promise<void> {
    assert.deepEqual(this.#trespasses, []);
    const found = await this.#table();
    for (const [key, destinations] of this.#foreign) {
      const there = found.get(key);
      assert.ok(there !== undefined, `${key} is gone with what others had in it`);
      for (const [address, weight] of destinations) assert.equal(there.get(address), weight, `${key} -> ${address}`);
    }
  }

  async #table(): Promise<Map<ServiceKey, Map<string, number>>> {
    const table = new Map<ServiceKey, Map<string, number>>();
    const services = await this.backend.dumpServices();
    assert.ok(services.kind === "complete");
    for (const one of services.entries) {
      const dump = await this.backend.dumpDestinations(one);
      assert.ok(dump.kind === "complete");
      table.set(serviceKey(one), new Map(dump.entries.map((d) => [destinationKey(d), d.weight])));
    }
    return table;
  }

  #anotherWriter(): IpvsWriter {
    return new IpvsWriter({
      backend: this.backend,
      clock: this.clock,
      log: this.#log,
      policy: () => "presence",
      onOwnershipChange: (added, removed) => {
        for (const key of removed) this.#records.delete(key);
        for (const { key, print } of added) this.#records.set(key, print);
      },
    });
  }

  #anotherReconciler(): Reconciler {
    const { backend, clock } = this;
    return new Reconciler({ backend, writer: this.#writer, clock, log: this.#log, policy: () => "presence" });
  }
}

function entriesOf(table: Wish): Map<ServiceKey, ServiceEntry> {
  const entries = table.flatMap((destinations, n) => {
    const of = ours[n];
    return destinations === undefined || of === undefined
      ? []
      : [
          entryOf(
            of,
            destinations.map((d) => sampleDestination(ourDestinations[d] ?? "")),
          ),
        ];
  });
  return new Map(tableOf(entries));
}

test("what others have in the table stays as they made it, whatever happens", { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(wish, fc.array(event, { maxLength: 15 }), async (first, events) => {
      const host = new Host();
      await host.begin(first);
      for (const one of events) await host.meet(one);
      await host.end();
    }),
    { numRuns: 400 },
  );
});
