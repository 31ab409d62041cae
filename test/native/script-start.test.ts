import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { withoutAnswer } from "../harness/silent-file-server.js";
import { addon, addonFile, call, notStarted, type RawObject, until } from "./addon-under-test.js";

const timeout = 60_000;
const { SIGTERM, SIGKILL } = constants.signals;
const ids = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];

type Exit = readonly [status: number, signal: number];

/** A start, and how it ended. */
function start(file: string): { readonly child: RawObject; readonly exits: Exit[]; readonly tookMs: number } {
  const exits: Exit[] = [];
  const onExit = (status: number, signal: number): void => void exits.push([status, signal]);
  const before = performance.now();
  const child = new addon.ScriptProcess([file], ["PATH=/bin"], ...ids, [], onExit, notStarted);
  return { child, exits, tookMs: performance.now() - before };
}

function scriptFile(t: TestContext, text = "#!/bin/sh\nexit 3\n"): string {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-start-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "script");
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

test("a script whose file server does not answer holds up nobody, and can be ended", { timeout }, async (t) => {
  const file = scriptFile(t);
  await using _ = await withoutAnswer(file);
  const silent = start(file);
  const others = Array.from({ length: 20 }, () => start("/bin/true"));
  // The kernel holds it for 45 s; what is measured is the call, on a machine that has other work.
  for (const { tookMs } of [silent, ...others]) assert.ok(tookMs < 1000, `${tookMs} ms in the caller's thread`);
  await until("the others end", () => others.every(({ exits }) => exits.length === 1));
  assert.deepEqual(
    others.flatMap(({ exits }) => exits),
    others.map(() => [0, -1]),
  );
  assert.deepEqual(silent.exits, []);
  assert.equal(call(silent.child, "killGroup", SIGTERM), 0);
  await until("it is ended", () => silent.exits.length > 0);
  assert.deepEqual(silent.exits, [[-1, SIGTERM]]);
});

test("it goes on when the file server answers again", { timeout }, async (t) => {
  const file = scriptFile(t);
  const server = await withoutAnswer(file);
  const silent = start(file);
  await until("it has a number", () => silent.child["pid"] !== undefined);
  await server[Symbol.asyncDispose]();
  await until("it ends", () => silent.exits.length > 0);
  assert.deepEqual(silent.exits, [[3, -1]]);
});

test("more of them than there are threads: who waits for its turn can be ended too", { timeout }, async (t) => {
  const file = scriptFile(t);
  await using _ = await withoutAnswer(file);
  const all = Array.from({ length: 40 }, () => start(file));
  const last = all.at(-1);
  await until(
    "32 of them wait in the kernel",
    () => all.filter(({ child }) => child["pid"] !== undefined).length === 32,
  );
  assert.equal(last?.child["pid"], undefined);
  for (const { child } of all) assert.equal(call(child, "killGroup", SIGKILL), 0);
  await until("all are ended", () => all.every(({ exits }) => exits.length > 0));
  for (const { exits } of all) assert.deepEqual(exits, [[-1, SIGKILL]]);
  const next = start("/bin/true");
  await until("the next one ends", () => next.exits.length > 0);
});

test("a signal that comes at once is not lost", { timeout }, async (t) => {
  const file = scriptFile(t, "#!/bin/sh\nsleep 50\n");
  const all = Array.from({ length: 50 }, () => {
    const started = start(file);
    assert.equal(call(started.child, "killGroup", SIGTERM), 0);
    return started;
  });
  await until("all are ended", () => all.every(({ exits }) => exits.length > 0));
  for (const { exits } of all) assert.deepEqual(exits, [[-1, SIGTERM]]);
});

test("a file without an interpreter is run by the shell, with all its words", { timeout }, async (t) => {
  const file = scriptFile(t, '[ "$0 $1 $#" = "$PWD/script b c 1" ] || exit 1\n');
  const dir = join(file, "..");
  const argv = ["/bin/sh", "-c", `cd ${dir}; exec ${file} "b c"`];
  const byShell = await new Promise((resolve) => new addon.ScriptProcess(argv, [], ...ids, [], resolve, notStarted));
  const text = '[ "$1" = "b c" ] && exit 4\n';
  writeFileSync(file, text);
  const direct = await new Promise(
    (resolve) => new addon.ScriptProcess([file, "b c"], [], ...ids, [], resolve, notStarted),
  );
  assert.deepEqual([byShell, direct], [0, 4]);
});

/** Starts a script that hangs in execve, says so, and waits for its end. */
const HANGING_WORKER = `
  const { workerData, parentPort } = require("node:worker_threads");
  const { ScriptProcess } = require(workerData.addon);
  const never = () => { throw new Error("nobody is told after the end"); };
  const child = new ScriptProcess([workerData.file], [], ...workerData.ids, [], never, never);
  const timer = setInterval(() => {
    if (child.pid === undefined) return;
    clearInterval(timer);
    parentPort.postMessage(child.pid);
    setInterval(() => undefined, 1000);
  }, 2);
`;

test("a thread that ends takes with it what it was starting", { timeout }, async (t) => {
  const file = scriptFile(t);
  await using _ = await withoutAnswer(file);
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(HANGING_WORKER, { eval: true, workerData: { addon: addonFile, file, ids } });
    const pid = await new Promise<number>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    await worker.terminate();
    await until("it is gone", () => !readdirSync("/proc").includes(String(pid)));
  }
});

test("a child that begins with our descriptors gets none of them, and closes none", { timeout }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-start-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const ours = Array.from({ length: 300 }, (_, i) => openSync(join(dir, String(i)), "w"));
  t.after(() => ours.forEach(closeSync));
  const before = readdirSync("/proc/self/fd").length;
  const lists = scriptFile(t, `#!/bin/sh\nls -l /proc/self/fd > ${dir}/list\n`);
  const runs = [start(lists), start("/bin/false"), start("/bin/true")];
  await until("all end", () => runs.every(({ exits }) => exits.length === 1));
  for (const fd of ours) assert.equal(writeSync(fd, "x"), 1);
  assert.ok(readdirSync("/proc/self/fd").length <= before + 3, "pidfds, and what Node opens");
  const listed = readFileSync(join(dir, "list"), "latin1")
    .split("\n")
    .filter((line) => line.includes("->"));
  const targets = listed.map((line) => line.replace(/.* (\d+) -> /, "$1 "));
  assert.deepEqual(targets.filter((line) => !/^\d+ \/proc\//.test(line)).sort(), [
    "0 /dev/null",
    `1 ${dir}/list`,
    "2 /dev/null",
  ]);
});
