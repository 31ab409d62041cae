import assert from "node:assert/strict";
import { test } from "node:test";
import { StateSlab } from "../../main/control/state-slab.js";

test("what one daemon wrote the next one reads", () => {
  const memory = Buffer.alloc(64 * 16);
  const first = new StateSlab(memory);
  first.set("health", "a", 1);
  first.set("health", "b", 1);
  first.set("health", "b", 0);
  first.set("vrrp", "VI_1", 2, 12345.5);
  first.set("owned", "x", 0);
  first.delete("owned", "x");

  const next = new StateSlab(memory);
  assert.deepEqual(
    [...next.records("health")].map((r) => [r.key, r.state]),
    [
      ["b", 0],
      ["a", 1],
    ],
  );
  assert.deepEqual(next.get("vrrp", "VI_1"), { kind: "vrrp", key: "VI_1", state: 2, number: 12345.5 });
  assert.equal(next.get("owned", "x"), undefined);
});

test("a freed record is used again, also by the next daemon", () => {
  const memory = Buffer.alloc(64 * 3); // header and two records
  const first = new StateSlab(memory);
  first.set("health", "a", 1);
  first.delete("health", "a");
  const next = new StateSlab(memory);
  next.set("health", "b", 1);
  assert.equal(next.set("health", "c", 1), true);
  assert.equal(next.set("health", "d", 1), false, "a full slab loses the record, never the daemon");
});

test("a record that was half written is free", () => {
  const memory = Buffer.alloc(64 * 4);
  new StateSlab(memory).set("health", "a", 1);
  memory.writeUInt8(0, 64); // the kind is stored last: here the process died before it
  const next = new StateSlab(memory);
  assert.deepEqual([...next.records("health")], []);
  next.set("health", "b", 0);
  assert.equal([...new StateSlab(memory).records("health")].length, 1);
});

for (const { name, memory } of [
  { name: "garbage", memory: Buffer.alloc(64 * 4, 0xa5) },
  {
    name: "another version",
    memory: Buffer.concat([Buffer.from("HOLDFAST\x09\0\0\0\xff\xff\xff\xff", "latin1"), Buffer.alloc(200, 1)]),
  },
]) {
  test(`${name} in the memory: starts empty`, () => {
    const slab = new StateSlab(memory);
    for (const kind of ["health", "vrrp", "owned"] as const) assert.deepEqual([...slab.records(kind)], []);
  });
}

test("a key that does not fit is a mistake of the caller", () => {
  assert.throws(() => new StateSlab(Buffer.alloc(256)).set("health", "k".repeat(49), 1), RangeError);
});
