import assert from "node:assert/strict";
import test from "node:test";
import { checkCost, ShardPlan } from "../../main/health/shards.js";
import { ms } from "../../main/units.js";
import { httpCheck, pingCheck, tcpCheck, timing } from "./health-fixtures.js";

test("a check that runs more often or takes TLS costs more", () => {
  assert.equal(checkCost(tcpCheck({ delayLoop: ms(10_000) })), 0.1);
  assert.ok(checkCost(pingCheck()) < checkCost(tcpCheck()));
  assert.equal(checkCost(httpCheck({ type: "SSL_GET", timing: timing({ delayLoop: ms(10_000) }) })), 2.5);
});

test("shards get equal parts, whatever the identities are", () => {
  for (const shards of [1, 2, 3, 8]) {
    const plan = new ShardPlan(shards);
    for (let i = 0; i < 5000; i++) plan.add(`10.0.${i >> 8}.${i & 255}:80`, i % 10 === 0 ? 20 : 1);
    const mean = plan.loads.reduce((sum, load) => sum + load, 0) / shards;
    for (const load of plan.loads) assert.ok(Math.abs(load - mean) < 0.15 * mean, `${plan.loads.join(" ")}`);
  }
});

test("the same identities go to the same shards in every process", () => {
  const place = (): number[] => {
    const plan = new ShardPlan(4);
    return Array.from({ length: 200 }, (_, i) => plan.add(`check ${i}`, 1));
  };
  assert.deepEqual(place(), place());
});

test("what is taken away makes room", () => {
  const plan = new ShardPlan(2);
  const shard = plan.add("x", 5);
  plan.remove(shard, 5);
  assert.deepEqual(plan.loads, [0, 0]);
});
