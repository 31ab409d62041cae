import assert from "node:assert/strict";
import { test } from "node:test";
import { claimAll } from "../../main/ipvs/claim.js";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import type { Operation } from "../../main/ipvs/operation.js";
import { entryOf, type ServiceEntry, serviceKey, tableOf } from "../../main/ipvs/table.js";
import { IpvsWriter } from "../../main/ipvs/writer.js";
import { ms } from "../../main/units.js";
import { sampleDestination, sampleEntry, sampleService } from "../harness/ipvs-samples.js";
import { rest, Stand } from "../harness/ipvs-stand.js";

const web = sampleService("192.0.2.1");
const key = serviceKey(web);
const ab = sampleEntry("10.0.0.1", "10.0.0.2");
const other = entryOf(sampleService("192.0.2.2"), [sampleDestination("10.0.0.1")]);
const weight = (address: string, value: number) => sampleDestination(address, { weight: value });
const setByHand = (address: string, value: number): Operation => ({
  do: "set-dest",
  service: web,
  destination: weight(address, value),
});

const isAddOf = (operation: Operation, address: string): boolean =>
  operation.do === "new-dest" && operation.destination.address === address;

test("an empty kernel is filled, and a second look sends nothing", async () => {
  const stand = new Stand();
  await stand.start(ab, other);
  assert.deepEqual(await stand.kernel(), {
    "192.0.2.1": { "[10.0.0.1]:80": 1, "[10.0.0.2]:80": 1 },
    "192.0.2.2": { "[10.0.0.1]:80": 1 },
  });
  assert.equal(stand.owned.size, 5);
  await stand.reload(ab, other);
  assert.deepEqual(stand.sent, []);
});

test("changes of one turn become one batch; adds before deletes", async () => {
  const stand = new Stand();
  await stand.start(ab, other);
  stand.writer.setService(key, sampleEntry("10.0.0.1"));
  stand.writer.setService(key, sampleEntry("10.0.0.1", "10.0.0.3"));
  stand.writer.setService(serviceKey(other.service), entryOf(other.service, [weight("10.0.0.1", 4)]));
  await rest();
  const S = "[192.0.2.1]:tcp:80 ->";
  assert.deepEqual(stand.sent, [
    `new-dest ${S} [10.0.0.3]:80`,
    "set-dest [192.0.2.2]:tcp:80 -> [10.0.0.1]:80",
    `del-dest ${S} [10.0.0.2]:80`,
  ]);
  assert.equal(stand.batches, 2);
});

test("a swap whose add is refused keeps the old pool, says so once, and tries again", async () => {
  const refused = new Set<string>();
  const stand = new Stand({ refuse: (op) => ([...refused].some((address) => isAddOf(op, address)) ? 12 : undefined) });
  await stand.start(ab);
  refused.add("10.0.0.9");
  stand.writer.setService(key, sampleEntry("10.0.0.9"));
  await rest();
  assert.deepEqual(await stand.kernel(), { "192.0.2.1": { "[10.0.0.1]:80": 1, "[10.0.0.2]:80": 1 } });
  await stand.clock.pass(1_000);
  await stand.clock.pass(2_000);
  const sentence =
    "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: Cannot allocate memory(12) (192.0.2.1:tcp:80 -> 10.0.0.9:80)";
  assert.deepEqual(stand.events("ipvs.error"), [sentence]);
  assert.deepEqual(stand.writer.snapshot().failing, [sentence]);
  assert.equal(stand.sent.length, 3); // at once, after 1 s, after 2 s more
  refused.clear();
  await stand.clock.pass(4_000);
  assert.deepEqual(await stand.kernel(), { "192.0.2.1": { "[10.0.0.9]:80": 1 } });
  assert.equal(stand.events("ipvs.recovered").length, 1);
  assert.deepEqual(stand.writer.snapshot().failing, []);
  assert.equal(stand.clock.pending, 0);
});

test("a refused service is one line, not one per server", async () => {
  const stand = new Stand();
  await stand.start(entryOf({ ...web, scheduler: "nosuch" }, ab.destinations.values()), other);
  assert.deepEqual(
    stand.logs.map((line) => line.sentence),
    [
      "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (192.0.2.1:tcp:80) - this kernel has no lb_algo nosuch (module ip_vs_nosuch): install the module, or configure another",
    ],
  );
  assert.deepEqual(await stand.kernel(), { "192.0.2.2": { "[10.0.0.1]:80": 1 } });
});

/** One as we want it, one with another weight, one that we do not know, and a service that is none of ours. */
const ofOthers: readonly Operation[] = [
  { do: "new-service", service: web },
  { do: "new-dest", service: web, destination: weight("10.0.0.1", 1) },
  { do: "new-dest", service: web, destination: weight("10.0.0.2", 9) },
  { do: "new-dest", service: web, destination: weight("10.0.0.7", 7) },
  { do: "new-service", service: sampleService("198.51.100.1") },
];

test("entries that are there already are adopted; those that differ become as configured", async () => {
  const stand = new Stand();
  await stand.others(...ofOthers);
  stand.writer.setDesired(tableOf([ab]));
  await stand.writer.ready();
  assert.deepEqual(stand.sent, ["set-dest [192.0.2.1]:tcp:80 -> [10.0.0.2]:80"]);
  await stand.writer.stop({ release: "ours" });
  assert.deepEqual(await stand.kernel(), { "192.0.2.1": { "[10.0.0.7]:80": 7 }, "198.51.100.1": {} });
  assert.equal(stand.events("ipvs.foreign").length, 1);
});

test("a verdict that surprises: counted as done, logged, and our picture is put right", async () => {
  const stand = new Stand();
  await stand.start(ab);
  await stand.others({ do: "new-dest", service: web, destination: weight("10.0.0.3", 1) });
  stand.writer.setService(key, sampleEntry("10.0.0.1", "10.0.0.2", "10.0.0.3"));
  await rest();
  await stand.others({ do: "del-dest", service: web, destination: weight("10.0.0.3", 1) });
  stand.writer.setService(key, ab);
  await rest();
  assert.deepEqual(stand.events("ipvs.surprise"), [
    "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: Destination already exists(17) (192.0.2.1:tcp:80 -> 10.0.0.3:80)",
    "IPVS cmd IP_VS_SO_SET_DELDEST(1160) error: No such destination(2) (192.0.2.1:tcp:80 -> 10.0.0.3:80)",
  ]);
  assert.equal(stand.clock.pending, 0);
});

test("SET of a destination that vanished becomes NEW", async () => {
  const stand = new Stand();
  await stand.start(ab);
  await stand.others({ do: "del-dest", service: web, destination: weight("10.0.0.1", 1) });
  stand.writer.setService(key, sampleEntry(weight("10.0.0.1", 5), "10.0.0.2"));
  await rest();
  assert.deepEqual(stand.sent, [
    "set-dest [192.0.2.1]:tcp:80 -> [10.0.0.1]:80",
    "new-dest [192.0.2.1]:tcp:80 -> [10.0.0.1]:80",
  ]);
  assert.deepEqual(await stand.kernel(), { "192.0.2.1": { "[10.0.0.1]:80": 5, "[10.0.0.2]:80": 1 } });
});

test("a change in a service that vanished makes the whole service again", async () => {
  const stand = new Stand();
  await stand.start(ab);
  await stand.others({ do: "del-service", service: web });
  stand.writer.setService(key, sampleEntry(weight("10.0.0.1", 5), "10.0.0.2"));
  await rest();
  assert.deepEqual(await stand.kernel(), { "192.0.2.1": { "[10.0.0.1]:80": 5, "[10.0.0.2]:80": 1 } });
  assert.equal(stand.events("ipvs.repaired").length, 1);
});

test("a service that appears under our hands is read before anything else is done to it", async () => {
  const stand = new Stand();
  await stand.start(other);
  stand.writer.setService(key, ab);
  await rest();
  stand.writer.setService(key, undefined);
  await rest();
  await stand.others(
    { do: "new-service", service: { ...web, scheduler: "wlc" } },
    { do: "new-dest", service: web, destination: weight("10.0.0.1", 9) },
  );
  stand.writer.setService(key, ab);
  await rest();
  assert.deepEqual((await stand.kernel())["192.0.2.1"], { "[10.0.0.1]:80": 1, "[10.0.0.2]:80": 1 });
});

test("restart with the record of the last daemon: the unwanted goes, what was drained by hand stays", async () => {
  const stand = new Stand();
  await stand.start(ab, other);
  await stand.writer.stop({ release: "none" });
  await stand.others(setByHand("10.0.0.1", 0));
  const next = stand.anotherWriter();
  for (const _ of next.adopt([...stand.records(), { key: "no key at all", print: 1 }]));
  next.setDesired(tableOf([ab]));
  await next.ready();
  assert.deepEqual(await stand.kernel(), { "192.0.2.1": { "[10.0.0.1]:80": 0, "[10.0.0.2]:80": 1 } });
  assert.deepEqual(stand.sent, ["del-dest [192.0.2.2]:tcp:80 -> [10.0.0.1]:80", "del-service [192.0.2.2]:tcp:80"]);
  assert.deepEqual([...next.ownership()].sort(byKey), stand.records().sort(byKey));
  assert.equal(next.snapshot().drift.length, 1);
});

test("before the first table nothing is written, also when single services are announced", async () => {
  const stand = new Stand();
  stand.writer.setService(key, ab);
  await rest();
  assert.deepEqual(stand.sent, []);
  stand.writer.setDesired(tableOf([ab]));
  await stand.writer.ready();
  assert.equal(stand.sent.length, 3);
});

test("release deletes what is ours: servers, then their service, and the first service last", async () => {
  const stand = new Stand();
  await stand.start(ab, other);
  await stand.writer.stop({ release: "ours" });
  assert.deepEqual(await stand.kernel(), {});
  assert.deepEqual(
    stand.sent.map((line) => line.replace("[192.0.2.", "")),
    [
      "del-dest 2]:tcp:80 -> [10.0.0.1]:80",
      "del-service 2]:tcp:80",
      "del-dest 1]:tcp:80 -> [10.0.0.1]:80",
      "del-dest 1]:tcp:80 -> [10.0.0.2]:80",
      "del-service 1]:tcp:80",
    ],
  );
  assert.equal(stand.owned.size, 0);
  stand.writer.setService(key, ab);
  await rest();
  assert.deepEqual(await stand.kernel(), {});
});

test("stop while a batch is in flight: it is finished, then released", async () => {
  const stand = new Stand();
  stand.writer.setDesired(tableOf([ab, other]));
  await new Promise((resolve) => setImmediate(resolve));
  await stand.writer.stop({ release: "ours" });
  await stand.writer.ready();
  assert.deepEqual(await stand.kernel(), {});
});

test("a wish that changes while its deletes wait for their adds is heard", async () => {
  const stand = new Stand();
  await stand.start(ab);
  stand.writer.setService(key, sampleEntry("10.0.0.1", "10.0.0.3"));
  await new Promise((resolve) => setImmediate(resolve));
  stand.writer.setService(key, sampleEntry("10.0.0.1", "10.0.0.2", "10.0.0.3"));
  await rest();
  assert.ok(!stand.sent.some((line) => line.startsWith("del-dest")), stand.sent.join("; "));
});

const byKey = (a: { readonly key: string }, b: { readonly key: string }): number => (a.key < b.key ? -1 : 1);

test("services that are announced while others are being read are not forgotten", async () => {
  const stand = new Stand();
  await stand.start(other);
  stand.writer.setService(key, ab);
  const more = [3, 4, 5].map((n) => entryOf(sampleService(`192.0.2.${n}`), [sampleDestination("10.0.0.1")]));
  for (const entry of more) {
    await new Promise((resolve) => setImmediate(resolve));
    stand.writer.setService(serviceKey(entry.service), entry);
  }
  await rest();
  assert.deepEqual(new Set(Object.keys(await stand.kernel())), new Set([1, 2, 3, 4, 5].map((n) => `192.0.2.${n}`)));
});

test("stop before the first table: what the last daemon left is released, too", async () => {
  const stand = new Stand();
  await stand.start(ab);
  await stand.writer.stop({ release: "none" });
  const next = stand.anotherWriter();
  for (const _ of next.adopt(stand.records()));
  await next.stop({ release: "ours" });
  assert.deepEqual(await stand.kernel(), {});
  assert.equal(stand.owned.size, 0);
});

test("lvs_flush: all that is there counts as ours, what is not wanted goes, and what is wanted is not interrupted", async () => {
  const stand = new Stand();
  await stand.others(...ofOthers);
  const { records, unread } = await claimAll(stand.backend);
  assert.equal(unread, undefined);
  for (const _ of stand.writer.adopt(records));
  await stand.start(ab);
  assert.deepEqual(await stand.kernel(), { "192.0.2.1": { "[10.0.0.1]:80": 1, "[10.0.0.2]:80": 1 } });
});

const withForeign = async (): Promise<Stand> => {
  const stand = new Stand();
  await stand.start(ab);
  await stand.others(
    { do: "new-dest", service: web, destination: weight("10.0.0.7", 7) },
    { do: "new-service", service: sampleService("198.51.100.1") },
  );
  return stand;
};

test("lvs_flush_on_stop VS: whole services of ours, by one request each, and no others", async () => {
  const stand = await withForeign();
  await stand.writer.stop({ release: "services" });
  assert.deepEqual(stand.sent, ["del-service [192.0.2.1]:tcp:80"]);
  assert.deepEqual(await stand.kernel(), { "198.51.100.1": {} });
  assert.equal(stand.owned.size, 0);
});

test("lvs_flush_on_stop: everything at once", async () => {
  const stand = await withForeign();
  await stand.writer.stop({ release: "table" });
  assert.deepEqual(stand.sent, []);
  assert.deepEqual(await stand.kernel(), {});
  assert.equal(stand.owned.size, 0);
});

test("lvs_flush_on_stop that the kernel refuses: ours go one by one", async () => {
  const stand = await withForeign();
  stand.backend.flush = () => Promise.resolve({ errno: 1, reason: "" });
  await stand.writer.stop({ release: "table" });
  assert.deepEqual(await stand.kernel(), { "192.0.2.1": { "[10.0.0.7]:80": 7 }, "198.51.100.1": {} });
  assert.equal(stand.events("ipvs.unflushed").length, 1);
});

/** Each look at the clock finds it a millisecond later: every step of a comparison ends its turn of the loop. */
function slowWriter(backend: MemoryBackend): IpvsWriter {
  let now = 0;
  const clock = { now: () => ms(now++), after: () => ({ [Symbol.dispose]: () => undefined }) };
  return new IpvsWriter({ backend, clock, log: new Stand().log, policy: () => "presence" });
}

/** Compared in steps. */
const farm = (value: number): ServiceEntry =>
  sampleEntry(...Array.from({ length: 1000 }, (_, i) => weight(`10.0.${i >> 8}.${i & 255}`, value)));

test("a service that goes, or is to be read anew, while its many servers are compared is not forgotten", async () => {
  for (let turns = 0; turns < 12; turns++)
    for (const goes of [true, false]) {
      const backend = new MemoryBackend();
      const writer = slowWriter(backend);
      writer.setDesired(tableOf([farm(1)]));
      await writer.ready();
      writer.setService(key, farm(2));
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (!goes) for (const _ of writer.startOver());
      else writer.setService(key, undefined, "bulk");
      for (let i = 0; i < 8; i++) await rest();
      const { services, destinations } = writer.snapshot();
      const there = await backend.dumpDestinations(web);
      const weights = there.kind === "complete" ? new Set(there.entries.map((entry) => entry.weight)) : undefined;
      const wanted = goes ? [0, 0, new Set()] : [1, 1000, new Set([2])];
      assert.deepEqual([services, destinations, weights], wanted, `${goes} after ${turns} turns`);
    }
});

test("a change of one server does not wait until thousands of services that go have been read once more", async () => {
  let [read, readBefore] = [0, -1];
  const backend = new (class extends MemoryBackend {
    override dumpDestinations(service: Parameters<MemoryBackend["dumpDestinations"]>[0]) {
      read += 1;
      return super.dumpDestinations(service);
    }
  })({ onApply: (operations) => void (operations[0]?.do === "set-dest" && (readBefore = read)) });
  const { clock, log } = new Stand();
  const writer = new IpvsWriter({ backend, clock, log, policy: () => "presence" });
  const many = Array.from({ length: 500 }, (_, i) =>
    entryOf(sampleService(`198.51.${i >> 8}.${i & 255}`), [sampleDestination("10.0.0.1")]),
  );
  writer.setDesired(tableOf([ab, ...many]));
  await writer.ready();
  for (const { service } of many) writer.setService(serviceKey(service), undefined, "bulk");
  await rest();
  assert.ok(read > 10 && read < 100, `${read} read so far`);
  writer.setService(key, sampleEntry("10.0.0.1", weight("10.0.0.2", 5)));
  for (let i = 0; i < 30; i++) await rest();
  assert.ok(readBefore < 100, `${readBefore} were read before`);
  assert.deepEqual([writer.snapshot().services, read], [1, 500]);
});
