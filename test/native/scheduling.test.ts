import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { availableParallelism, constants } from "node:os";
import { test } from "node:test";
import * as scheduling from "../../native-bindings/scheduling.js";
import { needs } from "../harness/needs.js";
import { compiled } from "../harness/project.js";

/** The functions against the kernel; in a process of their own where they change it. */

const { reading, readingWords } = scheduling;

test("a reading tells what the thread worked, and costs no garbage of its own", () => {
  const [before, after] = [new Float64Array(readingWords), new Float64Array(readingWords)];
  scheduling.readThread(before);
  const end = performance.now() + 20;
  while (performance.now() < end);
  scheduling.readThread(after);
  const grown = (word: number): number => (after[word] ?? 0) - (before[word] ?? 0);
  assert.ok(grown(reading.monotonic) >= 19 && Math.abs(grown(reading.monotonic) - grown(reading.bootTime)) < 1);
  assert.ok(grown(reading.worked) > 0 && grown(reading.worked) <= grown(reading.monotonic) + 1);
  assert.ok(Number.isNaN(grown(reading.waited)) || grown(reading.waited) < 1000);
  const heap = process.memoryUsage().heapUsed;
  for (let i = 0; i < 10_000; i++) scheduling.readThread(after);
  assert.ok(process.memoryUsage().heapUsed - heap < 2_000_000, "less than 200 bytes each");
});

test("nonsense is a TypeError, what the kernel refuses is a number", () => {
  const wrong = [null, undefined, Number.NaN, 0.5, "1", {}, [], -(2 ** 40)];
  const calls = scheduling as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const value of wrong)
    for (const name of [
      "setThreadClass",
      "setNiceOfThread",
      "setThreadCpus",
      "setRealTimeLimit",
      "readThread",
      "lockMemory",
    ])
      assert.throws(() => calls[name]?.(value, value), TypeError, `${name} ${String(value)}`);
  assert.throws(() => scheduling.readThread(new Float64Array(5)), TypeError);
  assert.throws(() => scheduling.setThreadCpus(0, [0, -1]), TypeError);
  assert.equal(scheduling.setThreadCpus(0, [20_000]), constants.errno.EINVAL);
  assert.equal(scheduling.setThreadClass(2 ** 22 + 1, 0), constants.errno.ESRCH);
  assert.equal(scheduling.setThreadClass(0, 100), constants.errno.EINVAL);
  assert.ok(scheduling.threadCpus().length >= availableParallelism());
});

test("the ceiling lasts as long as the call, and only while the main thread is in a real-time class", {
  skip: needs("root"),
}, () => {
  const program = `
    import { readFileSync } from "node:fs";
    import { Worker, isMainThread, parentPort } from "node:worker_threads";
    import * as s from ${JSON.stringify(new URL(compiled("native-bindings/scheduling.ts"), "file://").href)};
    const own = () => readFileSync("/proc/thread-self/stat", "latin1").split(") ").at(-1).split(" ").slice(37, 39).reverse().join(":");
    if (isMainThread) {
      s.setThreadClass(0, Number(process.argv[2]));
      const worker = new Worker(new URL(import.meta.url));
      worker.on("message", (seen) => console.log([own(), ...seen].join(" ")));
    } else {
      const seen = [own()];
      s.withCeiling(() => seen.push(own()));
      seen.push(own());
      try { s.withCeiling(() => { throw new Error("x"); }); } catch { seen.push(own()); }
      s.endSoon();
      parentPort.postMessage([...seen, own()]);
    }`;
  const file = `${process.env["TMPDIR"] ?? "/tmp"}/ceiling-${process.pid}.mjs`;
  const seen = (priority: number): string => {
    writeFileSync(file, program);
    try {
      return spawnSync(process.execPath, [file, String(priority)], { encoding: "utf8" }).stdout.trim();
    } finally {
      rmSync(file);
    }
  };
  assert.equal(seen(7), "2:7 0:0 2:7 0:0 0:0 2:1");
  assert.equal(seen(0), "0:0 0:0 0:0 0:0 0:0 0:0");
});
