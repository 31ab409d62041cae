import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { Collector } from "../../bench/measure/collector.js";
import { configText, type Farm, farmNetwork, serverAddress } from "../../bench/measure/farm.js";
import { niceOf, processorTime, residentMiB } from "../../bench/measure/processor-time.js";
import { commandNumbers, countsBytes, readTableCounts, TableCounter } from "../../bench/measure/table-counts.js";
import { haproxyText } from "../../bench/peers/haproxy.js";
import { threadCpuTime } from "../../native-bindings/process.js";

const farm: Farm = { servers: 3, check: "http", port: 80, delayLoopSeconds: 6, timeoutSeconds: 1, perService: 2 };
const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

describe("the farm", () => {
  test("every address is in the network, once", () => {
    const some = [0, 255, 256, 65_535, 65_536, farmNetwork.holeFrom, farmNetwork.addresses - 1].map(serverAddress);
    assert.deepEqual(some, [
      "10.64.0.0",
      "10.64.0.255",
      "10.64.1.0",
      "10.64.255.255",
      "10.65.0.0",
      "10.67.0.0",
      "10.67.255.255",
    ]);
  });

  test("keepalived.conf: services hold as many as they may, braces match", () => {
    const text = configText([farm, { ...farm, servers: 1, from: farmNetwork.holeFrom, ours: ["close_with fin"] }], 2);
    assert.equal(count(text, /^virtual_server /gm), 3);
    assert.equal(count(text, /real_server /g), 4);
    assert.equal(count(text, /\{/g), count(text, /\}/g));
    assert.equal(count(text, /close_with fin/g), 1);
    assert.match(text, /checker_threads 2/);
    assert.doesNotMatch(configText([farm]), /checker_threads/);
    assert.equal(new Set(text.match(/virtual_server \S+/g)).size, 3);
  });

  test("HAProxy: a line per server, TLS without resumption", () => {
    assert.equal(count(haproxyText(farm), /^ {2}server /gm), 3);
    assert.match(haproxyText(farm), /httpchk/);
    assert.match(haproxyText({ ...farm, check: "https" }), /check-ssl verify none no-ssl-reuse/);
    assert.doesNotMatch(haproxyText({ ...farm, check: "tcp" }), /httpchk/);
  });
});

describe("table counts", () => {
  test("are read as they were counted, with the first and the last time", () => {
    const dir = mkdtempSync(path.join(tmpdir(), "holdfast-unit-"));
    try {
      const file = path.join(dir, "counts");
      assert.equal(readTableCounts(file).newDestination.count, 0, "nobody has counted yet");
      const memory = Buffer.from(new ArrayBuffer(countsBytes));
      const counter = new TableCounter(memory);
      const before = Number(process.hrtime.bigint());
      counter.add(commandNumbers.newDestination, 3, BigInt(before));
      counter.add(commandNumbers.newDestination, 4, BigInt(before + 10));
      writeFileSync(file, memory);
      const { newDestination, deleteDestination } = readTableCounts(file);
      assert.equal(newDestination.count, 7);
      assert.equal(newDestination.firstNs, before);
      assert.ok(newDestination.lastNs > before && newDestination.lastNs <= Number(process.hrtime.bigint()));
      assert.deepEqual(deleteDestination, { count: 0, firstNs: 0, lastNs: 0 });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe("processes", () => {
  test("nice is read behind whatever the thread is called", () => {
    const fields = Array.from({ length: 50 }, (_, i) => (i === 16 ? "5" : "0"));
    assert.equal(niceOf(`12 (a) b ) ${fields.join(" ")}`), 5);
    assert.equal(niceOf(readFileSync("/proc/self/stat", "utf8")), getPriority());
  });

  test("processor time grows with work; a process that is gone has none", () => {
    const before = processorTime([process.pid]);
    for (const end = threadCpuTime() + 20; threadCpuTime() < end; );
    const after = processorTime([process.pid]);
    assert.ok(after.whole - before.whole > 5000, `${after.whole - before.whole} µs of 20 ms`);
    assert.equal(after.checking, after.whole, "no checker threads here: all of it counts");
    assert.deepEqual(processorTime([0]), { whole: 0, checking: 0 });
    assert.ok(residentMiB(process.pid) > 10);
    assert.equal(residentMiB(0), 0);
  });
});

test("a collector keeps rounds together, in the order of their first appearance", () => {
  const collected = new Collector();
  collected.add("TCP", "a", "cost", "µs", 3);
  collected.add("TCP", "b", "cost", "µs", 1);
  collected.add("TCP", "a", "cost", "µs", 5);
  assert.deepEqual(
    collected.figures().map(({ subject, rounds }) => [subject, rounds]),
    [
      ["a", [3, 5]],
      ["b", [1]],
    ],
  );
  assert.deepEqual([collected.median("TCP", "a", "cost"), collected.most("TCP", "a", "cost")], [4, 5]);
  assert.equal(collected.median("TCP", "c", "cost"), undefined);
});
