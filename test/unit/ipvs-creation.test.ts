// A service that the kernel does not have is made on a straight path: settled as a whole, recorded afterwards.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CopyOnWriteMap } from "../../main/ipvs/copy-on-write-map.js";
import { ownershipKey } from "../../main/ipvs/ownership.js";
import { OwnershipJournal } from "../../main/ipvs/ownership-journal.js";
import { sampleDestination, sampleEntry, sampleService } from "../harness/ipvs-samples.js";
import { rest, Stand } from "../harness/ipvs-stand.js";

const COUNT = 700;
const servers = Array.from({ length: COUNT }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
const web = sampleService("192.0.2.1");
const weights = (stand: Stand) => stand.kernel().then((table) => Object.keys(table["192.0.2.1"] ?? {}).length);

test("all that was made is recorded once, also what took several portions", async () => {
  const stand = new Stand();
  await stand.start(sampleEntry(...servers));
  await rest();
  assert.equal(await weights(stand), COUNT);
  const wanted = servers.map((server) => ownershipKey(web, sampleDestination(server)));
  assert.deepEqual(new Set(stand.owned.keys()), new Set([ownershipKey(web), ...wanted]));
  assert.equal(stand.writer.snapshot().destinations, COUNT);
  assert.deepEqual(new Map([...stand.writer.ownership()].map(({ key, print }) => [key, print])), new Map(stand.owned));
});

test("a refusal in the middle costs only the refused one", async () => {
  const refusedServer = servers[400] ?? "";
  const stand = new Stand({
    refuse: (operation) =>
      operation.do === "new-dest" && operation.destination.address === refusedServer ? 12 : undefined,
  });
  await stand.start(sampleEntry(...servers));
  await rest();
  assert.equal(await weights(stand), COUNT - 1);
  assert.equal(stand.owned.has(ownershipKey(web, sampleDestination(refusedServer))), false);
  assert.equal(stand.owned.size, 1 + COUNT - 1);
  assert.equal(stand.writer.snapshot().failing.length, 1);
});

test("what others remove of it is repaired; the wish that it was made from is not changed", async () => {
  const stand = new Stand();
  const entry = sampleEntry("10.0.0.1", "10.0.0.2");
  await stand.start(entry);
  await stand.writer.observeDestinations("[192.0.2.1]:tcp:80", [sampleDestination("10.0.0.1")], stand.writer.stamp);
  assert.equal(entry.destinations.size, 2);
  await rest();
  assert.deepEqual(stand.sent, ["new-dest [192.0.2.1]:tcp:80 -> [10.0.0.2]:80"]);
});

test("the journal tells new pools before later changes of the same entries", () => {
  const told: string[] = [];
  const journal = new OwnershipJournal((added, removed) =>
    told.push(...removed.map((key) => `-${key}`), ...added.map(({ key }) => `+${key}`)),
  );
  const pool = [sampleDestination("10.0.0.1")];
  const [service, destination] = [ownershipKey(web), ownershipKey(web, pool[0])];
  journal.created({ key: service, print: 1 }, pool);
  journal.removed(destination);
  while (journal.tellSome());
  assert.deepEqual(told, [`+${destination}`, `+${service}`, `-${destination}`]);
  assert.equal(journal.tellSome(), false);
});

test("a shared map is copied at the first change", () => {
  const shared = new Map([["a", 1]]);
  const copy = new CopyOnWriteMap(shared);
  assert.equal(copy.delete("b"), false);
  assert.equal(copy.content, shared);
  copy.set("b", 2);
  assert.equal(copy.delete("a"), true);
  assert.deepEqual([...copy.content], [["b", 2]]);
  assert.deepEqual([...shared], [["a", 1]]);
});

test("a large shared map is not copied, and reads as if it had been", () => {
  const shared: ReadonlyMap<number, number> = new Map(Array.from({ length: 20_000 }, (_, n) => [n, 0]));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("set", "delete"), fc.integer({ min: 19_990, max: 20_010 }))),
      (steps) => {
        const copy = new CopyOnWriteMap(shared);
        const plain = new Map(shared);
        for (const [at, [what, key]] of steps.entries()) {
          if (what === "delete") assert.equal(copy.delete(key), plain.delete(key));
          else {
            copy.set(key, at + 1);
            plain.set(key, at + 1);
          }
          assert.equal(copy.content.size, plain.size);
        }
        for (let key = 19_985; key < 20_015; key++) {
          assert.equal(copy.content.get(key), plain.get(key));
          assert.equal(copy.content.has(key), plain.has(key));
        }
        const tail = (map: ReadonlyMap<number, number>): [number, number][] =>
          [...map].filter(([key]) => key >= 19_985).sort(([a], [b]) => a - b);
        assert.deepEqual(tail(copy.content), tail(plain));
        assert.deepEqual([...copy.content.keys()].length, plain.size);
        assert.equal(shared.size, 20_000);
      },
    ),
    { numRuns: 30 },
  );
});
