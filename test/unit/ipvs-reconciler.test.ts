import assert from "node:assert/strict";
import { test } from "node:test";
import type { Operation } from "../../main/ipvs/operation.js";
import { Reconciler } from "../../main/ipvs/reconciler.js";
import { entryOf, type ServiceEntry, serviceKey } from "../../main/ipvs/table.js";
import { sampleDestination, sampleEntry, sampleService } from "../harness/ipvs-samples.js";
import { Stand, type StandOptions } from "../harness/ipvs-stand.js";

const web = sampleService("192.0.2.1");
const ab = sampleEntry("10.0.0.1", "10.0.0.2");
/** Ten services of ten: the table of 100 destinations that is to be repaired within 2 s. */
const hundred = Array.from({ length: 10 }, (_, n) =>
  entryOf(
    sampleService(`192.0.2.${n + 1}`),
    Array.from({ length: 10 }, (_unused, i) => sampleDestination(`10.0.${n}.${i + 1}`)),
  ),
);
const REPAIR_WITHIN_MS = 1_200;

const drop = (address: string): Operation => ({
  do: "del-dest",
  service: web,
  destination: sampleDestination(address),
});
const weigh = (address: string, weight: number): Operation => ({
  do: "set-dest",
  service: web,
  destination: sampleDestination(address, { weight }),
});

interface Watched extends AsyncDisposable {
  readonly stand: Stand;
  readonly reconciler: Reconciler;
}

async function watched(entries: readonly ServiceEntry[], options: StandOptions = {}): Promise<Watched> {
  const stand = new Stand(options);
  await stand.start(...entries);
  const { backend, writer, clock, log } = stand;
  const reconciler = new Reconciler({ backend, writer, clock, log, policy: () => stand.policy });
  reconciler.start();
  await stand.clock.pass(5_000);
  assert.deepEqual(stand.sent, []);
  return { stand, reconciler, [Symbol.asyncDispose]: () => reconciler.stop() };
}

const vandals: readonly { readonly name: string; readonly does: readonly Operation[] }[] = [
  { name: "ipvsadm -C", does: hundred.map(({ service }) => ({ do: "del-service", service })) },
  { name: "ipvsadm -D of one service", does: [{ do: "del-service", service: web }] },
  {
    name: "ipvsadm -d of one server",
    does: [{ do: "del-dest", service: web, destination: sampleDestination("10.0.0.3") }],
  },
  {
    name: "a service deleted and made again empty",
    does: [
      { do: "del-service", service: web },
      { do: "new-service", service: web },
    ],
  },
];

for (const { name, does } of vandals)
  test(`${name} is repaired within ${REPAIR_WITHIN_MS} ms in a table of 100`, async () => {
    await using watch = await watched(hundred);
    const before = await watch.stand.kernel();
    await watch.stand.others(...does);
    await watch.stand.clock.pass(REPAIR_WITHIN_MS);
    assert.deepEqual(await watch.stand.kernel(), before);
    assert.ok(watch.stand.events("ipvs.repaired").length > 0);
    assert.ok(watch.reconciler.pollPeriod <= 1_000, `period ${watch.reconciler.pollPeriod}`);
  });

test("a flushed table is made again from its end, where the kernel's search for former destinations begins", async () => {
  await using watch = await watched(hundred);
  const listed = hundred.map(({ service }) => service);
  await watch.stand.others(...listed.map((service): Operation => ({ do: "del-service", service })));
  await watch.stand.clock.pass(REPAIR_WITHIN_MS);
  const made = watch.stand.sent.filter((line) => line.startsWith("new-service"));
  assert.deepEqual(made, listed.map((service) => `new-service ${serviceKey(service)}`).reverse());
});

test("the line of a repair names what was missing", async () => {
  await using watch = await watched([ab]);
  await watch.stand.others(drop("10.0.0.2"));
  await watch.stand.clock.pass(2_000);
  assert.deepEqual(watch.stand.events("ipvs.repaired"), [
    "IPVS [192.0.2.1]:tcp:80: [10.0.0.2]:80 was missing, added again",
  ]);
  assert.equal(watch.stand.writer.snapshot().repairs, 1);
});

test("foreign services and servers stay, and are nobody's concern", async () => {
  await using watch = await watched([ab]);
  const theirs = sampleService("198.51.100.7");
  await watch.stand.others(
    { do: "new-service", service: theirs },
    { do: "new-dest", service: web, destination: sampleDestination("10.9.9.9") },
  );
  await watch.stand.clock.pass(10_000);
  assert.deepEqual(watch.stand.sent, []);
  assert.deepEqual(watch.stand.logs, []);
  await watch.stand.reload(ab);
  await watch.stand.clock.pass(10_000);
  assert.deepEqual(watch.stand.sent, []);
});

test("presence: a weight set by hand stays, is logged once and shown as drift; a reload puts it back", async () => {
  await using watch = await watched([ab]);
  await watch.stand.others(weigh("10.0.0.1", 0));
  await watch.stand.clock.pass(10_000);
  assert.deepEqual(watch.stand.sent, []);
  assert.equal(watch.stand.events("ipvs.drift").length, 1);
  assert.deepEqual(
    watch.stand.writer.snapshot().drift.map((d) => d.found),
    ["weight 0 DR"],
  );
  await watch.stand.reload(ab);
  assert.deepEqual(watch.stand.sent, ["set-dest [192.0.2.1]:tcp:80 -> [10.0.0.1]:80"]);
  assert.deepEqual(watch.stand.writer.snapshot().drift, []);
});

test("a weight set by hand just before a reload is put back when it is read", async () => {
  await using watch = await watched([ab]);
  await watch.stand.others(weigh("10.0.0.1", 0));
  await watch.stand.reload(ab);
  await watch.stand.clock.pass(2_000);
  assert.deepEqual((await watch.stand.kernel())["192.0.2.1"], { "[10.0.0.1]:80": 1, "[10.0.0.2]:80": 1 });
  await watch.stand.others(weigh("10.0.0.1", 0));
  await watch.stand.clock.pass(5_000);
  assert.deepEqual((await watch.stand.kernel())["192.0.2.1"], { "[10.0.0.1]:80": 0, "[10.0.0.2]:80": 1 });
});

test("full: a weight set by hand is put back", async () => {
  await using watch = await watched([ab], { policy: "full" });
  await watch.stand.others(weigh("10.0.0.1", 0));
  await watch.stand.clock.pass(2_000);
  assert.deepEqual((await watch.stand.kernel())["192.0.2.1"], { "[10.0.0.1]:80": 1, "[10.0.0.2]:80": 1 });
});

test("off: nothing is read and nothing repaired", async () => {
  await using watch = await watched([ab], { policy: "off" });
  await watch.stand.others(drop("10.0.0.2"));
  await watch.stand.clock.pass(10_000);
  assert.deepEqual(watch.stand.sent, []);
});

test("an entry that somebody deletes again and again is left alone for a minute, then tried again", async () => {
  await using watch = await watched([ab]);
  for (let i = 0; i < 4; i++) {
    await watch.stand.others(drop("10.0.0.2"));
    await watch.stand.clock.pass(3_000);
  }
  assert.deepEqual((await watch.stand.kernel())["192.0.2.1"], { "[10.0.0.1]:80": 1 });
  assert.equal(watch.stand.events("ipvs.repaired").length, 3);
  assert.deepEqual(watch.stand.events("ipvs.contested"), [
    "IPVS [192.0.2.1]:tcp:80 -> [10.0.0.2]:80: repaired more than 3 times in a minute, somebody else manages it too; left alone for 60 s",
  ]);
  assert.deepEqual(watch.stand.writer.snapshot().contested, ["[192.0.2.1]:tcp:80 -> [10.0.0.2]:80"]);
  await watch.stand.clock.pass(60_000);
  assert.deepEqual((await watch.stand.kernel())["192.0.2.1"], { "[10.0.0.1]:80": 1, "[10.0.0.2]:80": 1 });
});

test("a reload forgives: a contested entry is made again at once", async () => {
  await using watch = await watched([ab]);
  for (let i = 0; i < 4; i++) {
    await watch.stand.others(drop("10.0.0.2"));
    await watch.stand.clock.pass(3_000);
  }
  await watch.stand.reload(ab);
  assert.deepEqual((await watch.stand.kernel())["192.0.2.1"], { "[10.0.0.1]:80": 1, "[10.0.0.2]:80": 1 });
});
