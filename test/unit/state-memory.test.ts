import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, ftruncateSync, openSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { StateMemory } from "../../main/control/state-memory.js";
import { PIECE_BYTES, PiecesOfState } from "../../main/control/state-pieces.js";
import { needs } from "../harness/needs.js";
import { launcherPath } from "./launcher-harness.js";

const kinds = ["health", "owned"] as const;
/** A head and two records. */
const SMALL = 3 * 64;

function growing(most: number) {
  const pieces = [Buffer.alloc(SMALL)];
  const said: string[] = [];
  const more = (): Buffer => {
    if (pieces.length === most) throw new Error("no more");
    const piece = Buffer.alloc(SMALL);
    pieces.push(piece);
    return piece;
  };
  const open = (): StateMemory => new StateMemory({ first: [...pieces], more, onFull: (why) => void said.push(why) });
  return { open, said, pieces };
}

test("a memory that is full gets another piece, and the next daemon reads all of them", () => {
  const { open, pieces, said } = growing(8);
  const first = open();
  for (let n = 0; n < 9; n++) first.set("owned", `service ${n}`, 0, n);
  first.delete("owned", "service 1");
  first.set("owned", "service 8", 0, 88);
  first.set("owned", "another", 0, 7); // where there is room again
  assert.equal(pieces.length, 5);
  const next = open();
  const found = [...next.records("owned")].map(({ key, number }) => [key, number] as const);
  assert.deepEqual(
    new Map(found),
    new Map([
      ...[0, 2, 3, 4, 5, 6, 7].map((n): [string, number] => [`service ${n}`, n]),
      ["service 8", 88],
      ["another", 7],
    ]),
  );
  assert.deepEqual(said, []);
});

test("without another piece what is there stays, is changed and found, and it is said once", () => {
  const { open, said } = growing(1);
  const memory = open();
  for (const key of ["a", "b", "c", "d", "e"]) memory.set("health", key, 1);
  memory.set("health", "a", 0);
  assert.deepEqual([memory.get("health", "a")?.state, memory.get("health", "c")], [0, undefined]);
  memory.delete("health", "b");
  memory.set("health", "f", 1);
  assert.equal(memory.get("health", "f")?.state, 1);
  assert.deepEqual(said, ["no more"]);
});

const change = fc.record({
  kind: fc.constantFrom(...kinds),
  key: fc.integer({ min: 0, max: 30 }).map((n) => `k${n}`),
  state: fc.integer({ min: 0, max: 255 }),
  gone: fc.boolean(),
});

test("a memory that grows holds what a map would, and so does the next one", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const { open } = growing(1000);
      const memory = open();
      const model = new Map<string, number>();
      for (const { kind, key, state, gone } of changes) {
        if (gone) memory.delete(kind, key);
        else memory.set(kind, key, state);
        if (gone) model.delete(`${kind} ${key}`);
        else model.set(`${kind} ${key}`, state);
      }
      for (const now of [memory, open()]) {
        const found = kinds.flatMap((kind) =>
          [...now.records(kind)].map((r) => [`${kind} ${r.key}`, r.state] as const),
        );
        assert.equal(found.length, model.size, "none is there twice");
        assert.deepEqual(new Map(found), model);
      }
    }),
    { numRuns: 200 },
  );
});

test("the launcher's memory grows piece by piece, and whoever comes next has all", { skip: needs("native") }, () => {
  const file = path.join(tmpdir(), `holdfast-state-${process.pid}`);
  const fd = openSync(file, "w+");
  try {
    unlinkSync(file);
    ftruncateSync(fd, PIECE_BYTES);
    const first = new PiecesOfState(true, fd);
    first.more().write("second", 0);
    assert.equal(fstatSync(fd).size, 2 * PIECE_BYTES);
    const next = new PiecesOfState(true, fd);
    assert.equal(next.mapped.length, 2);
    assert.equal(next.mapped[1]?.toString("latin1", 0, 6), "second");
  } finally {
    closeSync(fd);
  }
});

/** What a daemon does with descriptor 4. */
const script = `const { ftruncateSync, fstatSync } = require("node:fs");
const can = (bytes) => { try { ftruncateSync(4, bytes); return "ok"; } catch (error) { return error.code; } };
process.stderr.write([fstatSync(4).size, can(${2 * PIECE_BYTES}), can(${PIECE_BYTES}), fstatSync(4).size].join(" "));
process.exit(7);
`;

test("the launcher's memory may grow, and never shrink under a mapping", { skip: needs("native") }, () => {
  const file = path.join(tmpdir(), `holdfast-state-${process.pid}.cjs`);
  writeFileSync(file, script);
  try {
    const env = { ...process.env, HOLDFAST_DAEMON_SCRIPT: file, HOLDFAST_NODE: process.execPath };
    const { status, stderr } = spawnSync(launcherPath, ["-n"], { env, encoding: "utf8", timeout: 20_000 });
    assert.deepEqual([status, stderr], [7, `${PIECE_BYTES} ok EPERM ${2 * PIECE_BYTES}`]);
  } finally {
    rmSync(file);
  }
});
