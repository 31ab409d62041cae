// How soon a table that somebody emptied is noticed: the rest of a repair is in ipvs-reconciler.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpvsBackend } from "../../main/ipvs/backend.js";
import { Reconciler } from "../../main/ipvs/reconciler.js";
import { entryOf, type ServiceEntry } from "../../main/ipvs/table.js";
import { ms } from "../../main/units.js";
import { sampleDestination, sampleService } from "../harness/ipvs-samples.js";
import { rest, Stand } from "../harness/ipvs-stand.js";

const BEGINS_MS = 100;

const table: readonly ServiceEntry[] = Array.from({ length: 20 }, (_, n) =>
  entryOf(
    sampleService(`192.0.2.${n + 1}`),
    Array.from({ length: 5 }, (_unused, i) => sampleDestination(`10.0.${n}.${i + 1}`)),
  ),
);
const clear = table.map(({ service }) => ({ do: "del-service", service }) as const);

/** What can be read of a kernel: readings of one kind wait at a gate, and readings of all services are counted. */
class SlowReadings {
  readonly backend: IpvsBackend;
  servicesRead = 0;
  /** Each reading of all services takes so long. */
  takes = ms(0);
  #shut: "services" | "destinations" | undefined;
  #waiting: (() => void)[] = [];

  constructor({ backend: of, clock }: Pick<Stand, "backend" | "clock">) {
    this.backend = {
      name: of.name,
      standing: () => Promise.resolve("good"),
      open: () => of.open(),
      dumpServices: async () => {
        this.servicesRead += 1;
        if (this.takes > 0) await new Promise<void>((resolve) => clock.after(this.takes, resolve));
        return this.#atGate("services", await of.dumpServices());
      },
      dumpDestinations: async (service) => this.#atGate("destinations", await of.dumpDestinations(service)),
      dumpServiceCounters: () => of.dumpServiceCounters(),
      dumpDestinationCounters: (service) => of.dumpDestinationCounters(service),
      apply: (operations) => of.apply(operations),
      flush: () => of.flush(),
      serviceCountHint: () => of.serviceCountHint(),
      close: () => of.close(),
    };
  }

  shut(kind: "services" | "destinations"): void {
    this.#shut = kind;
  }

  async open(): Promise<void> {
    this.#shut = undefined;
    for (const goOn of this.#waiting.splice(0)) goOn();
    await rest();
  }

  async #atGate<T>(kind: "services" | "destinations", answer: T): Promise<T> {
    if (this.#shut === kind) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return answer;
  }
}

interface Watched extends AsyncDisposable {
  readonly stand: Stand;
  readonly readings: SlowReadings;
}

async function watched(): Promise<Watched> {
  const stand = new Stand();
  await stand.start(...table);
  const { writer, clock, log } = stand;
  const readings = new SlowReadings(stand);
  const { backend } = readings;
  const reconciler = new Reconciler({ backend, writer, clock, log, policy: () => stand.policy });
  reconciler.start();
  await clock.pass(5_000);
  return { stand, readings, [Symbol.asyncDispose]: () => reconciler.stop() };
}

for (const moment of [0, 10, 90, 130, 240, 410, 990])
  test(`a table that is emptied ${moment} ms into a second is being repaired ${BEGINS_MS} ms later`, async () => {
    await using watch = await watched();
    const { stand } = watch;
    await stand.clock.pass(moment);
    await stand.others(...clear);
    await stand.clock.pass(BEGINS_MS);
    assert.ok(stand.sent.length > 0);
  });

test("what was deleted elsewhere just before delays nothing: the number is that of all network namespaces", async () => {
  await using watch = await watched();
  const { stand } = watch;
  for (const { service } of table.slice(1, 5)) {
    await stand.others({ do: "del-service", service });
    await stand.clock.pass(BEGINS_MS);
  }
  stand.sent = [];
  await stand.others(...clear);
  await stand.clock.pass(BEGINS_MS);
  assert.ok(stand.sent.length > 0);
});

test("a reading of destinations that takes long holds up no repair", async () => {
  await using watch = await watched();
  const { stand, readings } = watch;
  readings.shut("destinations");
  await stand.clock.pass(1_000);
  await stand.others(...clear);
  await stand.clock.pass(BEGINS_MS);
  assert.ok(stand.sent.length > 0);
  await readings.open();
});

test("while services are deleted one after the other, and reading all takes 80 ms, that is not done for each", async () => {
  await using watch = await watched();
  const { stand, readings } = watch;
  readings.takes = ms(80);
  readings.servicesRead = 0;
  const keys = [...stand.writer.watched()].map(({ key }) => key);
  for (const key of keys) {
    stand.writer.setService(key, undefined);
    await stand.clock.pass(100);
  }
  const { servicesRead } = readings;
  readings.takes = ms(0);
  await stand.clock.pass(1_000);
  assert.ok(servicesRead <= 15, `${servicesRead} times in two seconds`);
});

test("what is deleted while all services are being read is found by the reading after it, at once", async () => {
  await using watch = await watched();
  const { stand, readings } = watch;
  readings.shut("services");
  await stand.clock.pass(1_000);
  const before = readings.servicesRead;
  await stand.others(...clear);
  await stand.clock.pass(3 * BEGINS_MS);
  assert.equal(readings.servicesRead, before, "one at a time");
  await readings.open();
  assert.ok(stand.sent.length > 0);
});
