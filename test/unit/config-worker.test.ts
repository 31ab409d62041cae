import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { FromConfigWorker, ToConfigWorker } from "../../main/config/config-protocol.js";
import { createHost } from "../../main/config/host.js";
import { readConfigAside } from "../../main/control/reload.js";

test("the config worker reads a file and answers with configuration, report and verdict", {
  timeout: 20_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-config-"));
  const worker = new Worker(new URL("../../main/config/config-worker.js", import.meta.url));
  try {
    const file = join(folder, "a.conf");
    writeFileSync(file, `global_defs {\n router_id ${"$"}{_INSTANCE}\n nonsense\n}\n`);
    const ask: ToConfigWorker = { kind: "load", request: 7, file, configId: "left" };
    worker.postMessage(ask);
    const [answer]: FromConfigWorker[] = await once(worker, "message");
    assert.ok(answer);
    assert.deepEqual(
      [answer.request, answer.errors, answer.exitCode, answer.config?.global.routerId, answer.files],
      [7, true, 5, "left", [file]],
    );
    assert.match(answer.report, /^\(.*a\.conf: Line 3\) Unknown keyword 'nonsense'\n {5}nonsense\n {5}\^\n/);
  } finally {
    await worker.terminate();
    rmSync(folder, { recursive: true });
  }
});

test("a configuration that is being read does not hold up a stop", { timeout: 20_000 }, async () => {
  const leaving = new AbortController();
  const answer = readConfigAside({ kind: "load", request: 1, file: "/none.conf", configId: "x" }, leaving.signal);
  leaving.abort();
  assert.deepEqual(await answer, { kind: "failed", why: "it was given up" });
});

test("a file of the kernel that has nothing to say yet is not waited for", {
  skip: process.getuid?.() === 0 && existsSync("/proc/kmsg") ? false : "needs root and /proc/kmsg",
  timeout: 5000,
}, () => {
  createHost().readFile("/proc/kmsg");
});

test("the real host knows users, groups, files and interfaces", () => {
  const host = createHost({ configId: "x" });
  assert.deepEqual([host.configId, host.user("root")?.uid, host.userName(0), host.group("root")], ["x", 0, "root", 0]);
  assert.deepEqual(
    [host.interfaceExists("lo"), host.interfaceExists("no-such-if"), host.interfaceExists("../lo")],
    [true, false, false],
  );
  assert.deepEqual(host.stat("/"), { ...host.stat("/"), kind: "directory", uid: 0 });
  assert.deepEqual(host.readFile("/no/such/file"), { kind: "unreadable", why: "ENOENT" });
  assert.deepEqual(host.readFile("/"), { kind: "unreadable", why: "EISDIR" });
  assert.deepEqual(host.readFile("/dev/zero"), { kind: "unreadable", why: "not a regular file" });
});
