import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import type { TrackFileConfig } from "../../main/config/model-vrrp.js";
import { DeadlineClock } from "../../main/deadline-clock.js";
import { FileMonitor, type TrackFileHost } from "../../main/vrrp/file-monitor.js";
import { fileEffect, trackNumber } from "../../main/vrrp/track-file.js";
import { DiskTrackFiles } from "../../main/vrrp/track-file-host.js";
import { until } from "../harness/until.js";
import { SimClock } from "../simulation/sim-clock.js";

for (const [text, number] of [
  [undefined, 0],
  ["", 0],
  ["7\n", 7],
  [" \t-12 and more", -12],
  ["+3", 3],
  ["0x10", 16],
  ["010", 8],
  ["-0x1f", -31],
  ["ten", 0],
  ["-0", 0],
  ["99999", 99999],
] as const) {
  test(`the number of ${JSON.stringify(text)} is ${number}`, () => assert.equal(trackNumber(text), number));
}

for (const [value, weight, reverse, fault, delta] of [
  [0, 0, false, false, 0],
  [5, 0, false, true, 0],
  [0, 0, true, true, 0],
  [5, 0, true, false, 0],
  [10, 1, false, false, 10],
  [10, -2, false, false, -20],
  [10, 2, true, false, -20],
  [300, 1, false, false, 253],
  [-253, 1, false, false, -253],
  [-254, 1, false, true, 0],
  [127, -2, false, true, 0],
  [127, -2, true, false, 253],
] as const) {
  test(`${value} with weight ${weight}${reverse ? " reverse" : ""}: ${fault ? "fault" : delta}`, () => {
    assert.deepEqual(fileEffect(value, weight, reverse), { fault, delta });
  });
}

const config = (name: string, changes: Partial<TrackFileConfig> = {}): TrackFileConfig => ({
  name,
  path: `/run/${name}`,
  weight: 1,
  reverse: false,
  init: undefined,
  ...changes,
});

function monitor() {
  const clock = new SimClock();
  const edges: string[] = [];
  const logs: string[] = [];
  const watches: { path: string; init: unknown; onText: (text: string | undefined) => void; ended: boolean }[] = [];
  const files: TrackFileHost = {
    watch: (file, init, onText) => {
      const entry = { path: file, init, onText, ended: false };
      watches.push(entry);
      return { [Symbol.dispose]: () => void (entry.ended = true) };
    },
  };
  const log = Object.assign((_level: string, _event: string, sentence: string) => void logs.push(sentence), {
    detail: false,
  });
  const made = new FileMonitor({ clock, log, files, onEdge: (name) => edges.push(name) });
  return { clock, edges, logs, watches, made };
}

test("a file is unknown until it is read, then told of when its number changes", () => {
  const { edges, logs, watches, made } = monitor();
  made.update([config("f")], true);
  assert.equal(made.value("f"), undefined);
  watches[0]?.onText("0");
  watches[0]?.onText("0\n");
  watches[0]?.onText("-20");
  watches[0]?.onText(undefined);
  assert.deepEqual(edges, ["f", "f", "f"]);
  assert.deepEqual(logs, ["Track file f now -20", "Track file f now 0"]);
});

test("a disk that hangs: 0 after a second, with a line in the log", () => {
  const { clock, edges, logs, made } = monitor();
  made.update([config("f")], true);
  clock.advance(999);
  assert.deepEqual(edges, []);
  clock.advance(1);
  assert.equal(made.value("f"), 0);
  assert.deepEqual(edges, ["f"]);
  assert.match(logs[0] ?? "", /Track file f: \/run\/f has not been read within 1 s/);
});

test("init_file counts at a start, not at a reload; a reload keeps what it knows", () => {
  const { watches, made } = monitor();
  const init = { value: 3, overwrite: true };
  made.update([config("f", { init })], true);
  watches[0]?.onText("3");
  made.update([config("f", { init, weight: 2 }), config("g", { init })], false);
  assert.deepEqual(
    watches.map((w) => w.init),
    [{ text: "3\n", overwrite: true }, undefined],
  );
  assert.equal(made.value("f"), 3);
  made.update([config("f", { path: "/run/other" })], false);
  assert.deepEqual(
    watches.map((w) => w.ended),
    [true, true, false],
  );
  assert.equal(made.value("f"), 3, "until the other file is read");
  watches[2]?.onText("4");
  assert.equal(made.value("f"), 4);
});

test("on a real disk: first text, changes, a rename over it, removal, a directory that is replaced", async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-track-"));
  const clock = new DeadlineClock();
  t.after(() => {
    clock[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });
  const file = path.join(dir, "f");
  const seen: (string | undefined)[] = [];
  const init = { text: "5\n", overwrite: false };
  using _watch = new DiskTrackFiles(clock).watch(file, init, (text) => seen.push(text));
  const last = (): string | undefined => seen.at(-1);
  await until("the initial value", 5000, () => last() === "5\n");
  writeFileSync(file, "7\n");
  await until("a change", 5000, () => last() === "7\n");
  writeFileSync(path.join(dir, "new"), "8");
  renameSync(path.join(dir, "new"), file);
  await until("a rename", 5000, () => last() === "8");
  writeFileSync(file, "");
  await until("an empty file, once it stays so", 5000, () => last() === "");
  assert.equal(seen.filter((text) => text === "").length, 1);
  rmSync(file);
  await until("removal", 5000, () => seen.length > 0 && last() === undefined);
  writeFileSync(file, "9");
  await until("it is back", 5000, () => last() === "9");
  using _second = new DiskTrackFiles(clock).watch(file, init, (text) => seen.push(`second ${text}`));
  await until("init_file leaves what is there", 5000, () => seen.includes("second 9"));
});

test("init_file follows no link: what it leads to is not overwritten", async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), "holdfast-track-"));
  const clock = new DeadlineClock();
  t.after(() => {
    clock[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });
  const [file, precious] = [path.join(dir, "f"), path.join(dir, "precious")];
  writeFileSync(precious, "1 line");
  symlinkSync(precious, file);
  const seen: (string | undefined)[] = [];
  const init = { text: "5\n", overwrite: true };
  using _watch = new DiskTrackFiles(clock).watch(file, init, (text) => seen.push(text));
  await until("it is read all the same", 5000, () => seen.at(-1) === "1 line");
  assert.equal(readFileSync(precious, "utf8"), "1 line");
});
