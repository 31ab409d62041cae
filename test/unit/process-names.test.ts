import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { ChildConfig, ProcessesConfig } from "../../main/config/model-global.js";
import { namesInProc, processNames, ThreadNames } from "../../main/control/process-names.js";

const child = (name?: string): ChildConfig => ({ name }) as ChildConfig;
const processes = (name?: string, vrrp?: string, checker?: string): ProcessesConfig =>
  ({ name, vrrp: child(vrrp), checker: child(checker) }) as ProcessesConfig;

test("keepalived's processes are launcher, main thread and checker threads here", () => {
  const given = processes("parent", "v", "c");
  assert.deepEqual(processNames(given, true), { launcher: "parent", main: "v", checker: "c" });
  assert.deepEqual(
    processNames(given, false),
    { launcher: "parent", main: "c", checker: "c" },
    "a daemon of checks alone",
  );
});

function setUp() {
  const names = new Map([
    [1, "node"],
    [7, "node"],
    [8, "node"],
  ]);
  const launcher: (string | undefined)[] = [];
  const host = {
    nameOf: (thread: number) => names.get(thread),
    setName: (thread: number, name: string) => void names.set(thread, name),
    nameLauncher: (name: string | undefined) => void launcher.push(name),
  };
  return { names, launcher, threads: new ThreadNames(host, 1) };
}

test("a name that leaves the configuration is taken back", () => {
  const { names, launcher, threads } = setUp();
  threads.configure(processNames(processes("p", "v", "c"), true));
  threads.checkerStarted(0, 7);
  assert.deepEqual([...names.values()], ["v", "c", "node"]);
  threads.configure(processNames(processes(), true));
  assert.deepEqual([...names.values()], ["node", "node", "node"]);
  assert.deepEqual(launcher, ["p", undefined]);
});

test("without the keywords nothing is renamed; the successor of a checker thread is named too", () => {
  const { names, launcher, threads } = setUp();
  threads.configure(processNames(processes(), true));
  threads.checkerStarted(0, 7);
  assert.deepEqual([...names.values()], ["node", "node", "node"]);
  assert.deepEqual(launcher, []);
  threads.configure(processNames(processes(undefined, undefined, "c"), true));
  threads.checkerStarted(0, 8);
  assert.equal(names.get(8), "c");
});

test("the kernel's name of this thread", () => {
  const before = namesInProc.nameOf(process.pid);
  assert.ok(before !== undefined && before !== "");
  namesInProc.setName(process.pid, "renamed");
  assert.equal(readFileSync("/proc/self/comm", "utf8"), "renamed\n");
  namesInProc.setName(process.pid, before);
  assert.equal(namesInProc.nameOf(process.pid), before);
  assert.equal(namesInProc.nameOf(2 ** 22 + 1), undefined, "no such thread");
});
