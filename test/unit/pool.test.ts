import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import test, { type TestContext } from "node:test";
import { CheckPool, type PoolOptions } from "../../main/health/pool.js";
import type { ShardFault } from "../../main/health/shard-slot.js";
import { ms } from "../../main/units.js";
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
  ["gives up", "bad-message", /ENOMEM: given up on purpose/],
];
for (const [how, code, message] of ends) {
  test(`a worker that ${how} is replaced, its checks keep their states`, { timeout: 20_000 }, async (t) => {
    const { pool, edges, attempts, faults } = open(t, { workerFile: faultyWorker });
    const checks = [spec(1, tcpCheck(), "up"), { ...spec(2, tcpCheck()), identity: how }];
    await pool.start(checks);
    await until("the check is reported", 10_000, () => edges.length === 1 && attempts.length === 1);
    attempts.length = 0;
    await pool.update({ added: [{ ...spec(3, tcpCheck()), identity: "trigger" }], removed: [] });
    // A second without a heartbeat, at most 100 ms until that is seen; a new thread takes a fraction of a second.
    const took = await until("the new worker has its checks", 5000, () => attempts.length === 3);
    assert.ok(took < 1100 + 1000, `took ${took} ms`);
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

test("a worker that does not drain is ended after a second", { timeout: 20_000 }, async (t) => {
  const { pool, edges } = open(t, { workerFile: faultyWorker });
  await pool.start(["does not drain", "trigger"].map((identity, i) => ({ ...spec(i + 1, tcpCheck()), identity })));
  await until("the check is reported", 10_000, () => edges.length > 0);
  const before = performance.now();
  await pool.stop();
  const took = performance.now() - before;
  assert.ok(took > 950 && took < 2000, `took ${took} ms`);
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
  const { histograms, last } = await pool.latency();
  assert.ok((histograms.get("TCP_CHECK")?.totalCount ?? 0) >= 100);
  assert.equal(last.size, 50);
  server.close();
  await until("the closed port is noticed by the checks that are left", 10_000, () => edges.length >= 250);
  await pool.stop();
  assert.deepEqual([edges.length, faults], [250, []]);
});
