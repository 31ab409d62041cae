import assert from "node:assert/strict";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { afterEach, beforeEach, test } from "node:test";
import { readConfigAside, readConfigAtStart } from "../../main/control/reload.js";

/** As Node 20 says it where a thread more is refused (EAGAIN: ulimit -u, or pids.max of the control group). */
const refusal = "Worker initialization failure: EAGAIN";
const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: unknown };
const { Worker } = threads;

function setWorker(to: unknown): void {
  threads.Worker = to;
  syncBuiltinESMExports();
}

beforeEach(() =>
  setWorker(
    class {
      constructor() {
        throw new Error(refusal);
      }
    },
  ),
);
afterEach(() => setWorker(Worker));

test("a host without a thread to give: a reload fails, and what runs stays", async () => {
  const file = "/etc/keepalived/keepalived.conf";
  const failed = { kind: "failed", why: refusal };
  assert.deepEqual(await readConfigAside({ kind: "load", purpose: "reload", file }, undefined), failed);
  assert.deepEqual(await readConfigAtStart({ kind: "load", purpose: "start", file, configId: "x" }), failed);
});
