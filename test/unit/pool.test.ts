import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, cpSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CheckPool, type PoolOptions } from "../../main/health/pool.js";
import type { ShardFault } from "../../main/health/shard-slot.js";
import { ms } from "../../main/units.js";
import { identityHash } from "../../workers/identity-hash.js";
import { loopClock } from "../../workers/loop-clock.js";
import type { CheckEdge, FailedAttempt } from "../../workers/protocol.js";
import { until } from "../harness/until.js";
import { spec, tcpCheck } from "./health-fixtures.js";

const faultyWorker = new URL("./pool-faulty-worker.js", import.meta.url);

function open(t: TestContext, over: Partial<PoolOptions> = {}) {
  const edges: CheckEdge[] = [];
  const attempts: FailedAttempt[] = [];
  const faults: ShardFault[] = [];
  const pool = new CheckPool({
    clock: loopClock,
    threads: 1,
    onEdges: (batch) => edges.push(...batch),
    onAttempts: (batch) => attempts.push(...batch),
    onFault: (fault) => faults.push(fault),
    ...over,
  });
  t.after(() => pool.stop());
  return { pool, edges, attempts, faults };
}

const ends: readonly (readonly [how: string, code: ShardFault["code"], message: RegExp])[] = [
  ["throws", "failed", /thrown on purpose/],
  ["rejects", "failed", /rejected on purpose/],
  ["exits", "failed", /exited with code: 3/],
  ["stalls", "stalled", /no heartbeat for 1\d\d\d ms/],
  ["torn batch", "bad-message", /torn batch of 3 words/],
  ["gives up", "gave-up", /ENOMEM: given up on purpose/],
];
for (const [how, code, message] of ends) {
  test(`a worker that ${how} is replaced, its checks keep their states`, { timeout: 20_000 }, async (t) => {
    const { pool, edges, attempts, faults } = open(t, { workerFile: faultyWorker });
    const checks = [spec(1, tcpCheck(), "up"), { ...spec(2, tcpCheck()), identity: how }];
    await pool.start(checks);
    const started = await until("the check is reported", 10_000, () => edges.length === 1 && attempts.length === 1);
    attempts.length = 0;
    await pool.update({ added: [{ ...spec(3, tcpCheck()), identity: "trigger" }], removed: [] });
    // A second without a heartbeat, at most 100 ms until that is seen; a new thread takes a fraction of a second, unless the first
    // one took longer on this machine.
    const took = await until("the new worker has its checks", 15_000, () => attempts.length === 3);
    assert.ok(took < 1100 + Math.max(1000, 3 * started), `took ${took} ms, the first one ${started} ms`);
    assert.deepEqual(
      attempts.map(({ id, detail }) => `${id} ${detail}`),
      ["1 known up", "2 known down", "3 known undefined"],
    );
    assert.deepEqual([faults.length, faults[0]?.code], [1, code]);
    assert.match(faults[0]?.message ?? "", message);
    assert.equal(pool.alive(), true);
    await pool.stop();
    assert.equal(pool.alive(), false);
  });
}

test("a worker that hangs outside JavaScript is replaced, and the pool says that it is stuck", {
  timeout: 20_000,
}, async (t) => {
  const pipe = blockingPipe(t);
  const endWithin = ms(500);
  const faults: [code: ShardFault["code"], at: number, stuck: boolean][] = [];
  const onFault = ({ code }: ShardFault): void => void faults.push([code, performance.now(), pool.stuck()]);
  const { pool, attempts } = open(t, { workerFile: faultyWorker, endWithin, onFault });
  const checks = [`hangs at ${pipe}`, "trigger"].map((identity, i) => ({ ...spec(i + 1, tcpCheck()), identity }));
  await pool.start(checks);
  await until("the new worker has its checks", 10_000, () => attempts.length === 2);
  const [[code, toldToEnd, stuckAtOnce] = assert.fail(), ...others] = faults;
  assert.deepEqual([code, stuckAtOnce, others], ["stalled", false, []]);
  await until("it counts as stuck", 10_000, () => pool.stuck());
  assert.ok(performance.now() - toldToEnd >= endWithin, "it has its time to end");
  assert.equal(pool.alive(), false);
  release(pipe);
  await until("its end is noticed", 5000, () => !pool.stuck());
  assert.equal(pool.alive(), true);
});

test("stopping does not wait for a worker that hangs outside JavaScript", { timeout: 20_000 }, async (t) => {
  const pipe = blockingPipe(t);
  const { pool, edges } = open(t, { workerFile: faultyWorker });
  const checks = [`hangs at ${pipe}`, "trigger"].map((identity, i) => ({ ...spec(i + 1, tcpCheck()), identity }));
  await pool.start(checks);
  await until("the check is reported", 10_000, () => edges.length > 0);
  const before = performance.now();
  await pool.stop();
  const took = performance.now() - before;
  assert.ok(took < 4000, `took ${took} ms`);
  assert.equal(pool.stuck(), true, "an exit of this process would not return");
  release(pipe);
  await until("its end is noticed", 5000, () => !pool.stuck());
});

/** A named pipe: whoever opens it for reading is held up until it is released. */
function blockingPipe(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), "holdfast-pool-"));
  const pipe = path.join(directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  t.after(() => {
    release(pipe);
    rmSync(directory, { recursive: true });
  });
  return pipe;
}

const release = (pipe: string): void => closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK));

test("a worker that does not drain is ended after a second", { timeout: 20_000 }, async (t) => {
  const { pool, edges } = open(t, { workerFile: faultyWorker });
  await pool.start(["does not drain", "trigger"].map((identity, i) => ({ ...spec(i + 1, tcpCheck()), identity })));
  await until("the check is reported", 10_000, () => edges.length > 0);
  const before = performance.now();
  await pool.stop();
  const took = performance.now() - before;
  assert.ok(took > 950 && took < 2000, `took ${took} ms`);
});

test("without the add-on a worker says what is missing", { timeout: 20_000 }, async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), "holdfast-pool-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const compiled = fileURLToPath(new URL("../../", import.meta.url));
  // All that a worker needs, but for build/: it must not reach into main/.
  for (const part of ["workers", "native-bindings"])
    cpSync(path.join(compiled, part), path.join(directory, "dist", part), { recursive: true });
  writeFileSync(path.join(directory, "package.json"), '{"type":"module"}');
  const { pool, faults } = open(t, { workerFile: pathToFileURL(path.join(directory, "dist/workers/shard.js")) });
  await pool.start([spec(1, tcpCheck())]);
  await until("the fault", 10_000, () => faults.length > 0);
  assert.equal(faults[0]?.code, "gave-up");
  assert.match(
    faults[0].message,
    /^E_ENGINE: the probe engine cannot be started \(Cannot find module .*holdfast\.node/,
  );
  await pool.stop();
});

test("a worker file that cannot be loaded is tried again, more and more slowly", { timeout: 20_000 }, async (t) => {
  const { pool, faults } = open(t, { workerFile: new URL("./no-such-worker.js", import.meta.url) });
  await pool.start([spec(1, tcpCheck())]);
  await until("three faults", 10_000, () => faults.length === 3);
  assert.equal(pool.alive(), false);
  await pool.stop();
});

test("200 checks through two threads: every edge arrives once, latencies are merged, a reload moves nothing", {
  timeout: 30_000,
}, async (t) => {
  const server = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  const { port } = server.address() as AddressInfo;
  const quick = { warmup: ms(0), delayLoop: ms(500), connectTimeout: ms(2000) };
  const checks = Array.from({ length: 200 }, (_, i) =>
    i % 2 === 0 ? spec(i + 1, tcpCheck(quick, port)) : spec(i + 1, tcpCheck(quick, port, "127.0.0.9")),
  );
  const { pool, edges, faults } = open(t, { threads: 2 });
  await pool.start(checks);
  // One second until the first attempt, and what a busy machine takes.
  await until("all checks are reported", 15_000, () => edges.length >= 200);
  assert.equal(new Set(edges.map(({ id }) => id)).size, 200);
  for (const { id, up, outcome } of edges) {
    assert.deepEqual([up, outcome], id % 2 === 1 ? [true, "up"] : [false, "refused"]);
  }
  await pool.update({ added: [], removed: checks.slice(100).map(({ id }) => id) });
  const { kinds, last } = await pool.latency();
  assert.ok((kinds.get("TCP_CHECK")?.get("total")?.totalCount ?? 0) >= 100);
  assert.equal(last.size, 50);
  server.close();
  await until("the closed port is noticed by the checks that are left", 10_000, () => edges.length >= 250);
  await pool.stop();
  assert.deepEqual([edges.length, faults], [250, []]);
});

test("latencies of one virtual server, also after a reload has given it other checks", {
  timeout: 30_000,
}, async (t) => {
  const server = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const quick = { warmup: ms(0), delayLoop: ms(100) };
  const checks = [spec(1, tcpCheck(quick, port), "up", [5]), spec(2, tcpCheck(quick, port), "up", [6])];
  const { pool } = open(t, { threads: 2 });
  await pool.start(checks);
  const count = async (group: number): Promise<number> =>
    (await pool.latency(group)).virtualServer.get("total")?.totalCount ?? 0;
  await until("both are counted", 10_000, async () => (await count(5)) > 2 && (await count(6)) > 2);
  assert.equal(await count(7), 0);
  assert.equal((await pool.latency()).virtualServer.size, 0, "nobody asked");
  const ids = checks.map(({ id }) => id);
  const [next, [nobody]] = await Promise.all([pool.nextAttempts(ids), pool.nextAttempts([])]);
  assert.deepEqual([[...next.keys()].sort((a, b) => a - b), nobody], [ids, undefined]);
  for (const left of next.values()) assert.ok(left >= 0 && left <= 100, `${left} ms: one delay_loop at most`);
  await pool.update({ added: [], removed: [], regrouped: checks.map(({ id }) => ({ id, groups: [7] })) });
  await until("it is counted for the other one", 5000, async () => (await count(7)) > 4);
});

test("a reload that leaves one thread with all the work moves checks, with their states", {
  timeout: 20_000,
}, async (t) => {
  const beats = [0, 0];
  const onScriptsWaiting = (shard: number): void => void (beats[shard] = (beats[shard] ?? 0) + 1);
  const { pool, attempts, faults } = open(t, { workerFile: faultyWorker, threads: 2, onScriptsWaiting });
  const nextBeats = async (): Promise<void> => {
    const before = [...beats];
    await until("a beat of each", 10_000, () => beats.every((count, shard) => count > (before[shard] ?? 0)));
  };
  const states = ["up", "down"] as const;
  const checks = Array.from({ length: 80 }, (_, i) => spec(i + 1, tcpCheck(), states[i % 3 === 0 ? 1 : 0]));
  await pool.start(checks);
  await until("all are told to their thread", 10_000, () => attempts.length === 80);
  attempts.length = 0;
  const kept = checks.filter(({ identity }) => identityHash(identity) % 2 === 0).slice(0, 30);
  const removed = checks.filter((check) => !kept.includes(check)).map(({ id }) => id);
  await pool.update({ added: [], removed });
  await until("some are told to the other thread", 10_000, () => attempts.length > 0);
  await nextBeats(); // of one message: its heart beats after the last of them
  const moved = attempts.map(({ id, detail }) => `${id} ${detail}`);
  const known = new Map(checks.map(({ id, known: state }) => [id, `${id} known ${state}`]));
  assert.deepEqual(
    moved,
    attempts.map(({ id }) => known.get(id)),
  );
  assert.ok(moved.length > 5 && moved.length <= 16, `${moved.length} of 30 moved`);
  await pool.update({ added: [], removed: [] });
  await nextBeats();
  assert.deepEqual([attempts.length, faults], [moved.length, []], "now it is even");
});
