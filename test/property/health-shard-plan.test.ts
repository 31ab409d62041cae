import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { ShardPlan } from "../../main/health/shards.js";

interface Placed {
  readonly cost: number;
  shard: number;
}

const costs = fc.array(fc.constantFrom(0.05, 0.5, 1, 1.7, 25), { minLength: 1, maxLength: 300 });
const shards = fc.integer({ min: 1, max: 8 });

/** A plan as some reloads have left it: of what was placed only a part is still there, whichever it is. */
function worn(count: number, all: readonly number[], kept: readonly boolean[]): { plan: ShardPlan; placed: Placed[] } {
  const plan = new ShardPlan(count);
  const placed = all.map((cost, i): Placed => ({ cost, shard: plan.add(`check ${i}`, cost) }));
  const left = placed.filter((one, i) => {
    const stays = kept[i % kept.length] ?? true;
    if (!stays) plan.remove(one.shard, one.cost);
    return stays;
  });
  return { plan, placed: left };
}

function sums(count: number, placed: readonly Placed[]): number[] {
  const loads = new Array<number>(count).fill(0);
  for (const { shard, cost } of placed) loads[shard] = (loads[shard] ?? 0) + cost;
  return loads;
}

/** What the pool does after a reload. @returns how many moved */
function rebalance(plan: ShardPlan, placed: readonly Placed[]): number {
  if (!plan.isUneven) return 0;
  let moved = 0;
  for (const one of placed) {
    const shard = plan.relieve(one.shard, one.cost);
    if (shard !== one.shard) moved++;
    one.shard = shard;
  }
  return moved;
}

const kept = fc.array(fc.boolean(), { minLength: 1, maxLength: 300 });

test("shard plan: what is uneven becomes even, as far as the single checks allow; what is even stays as it is", () => {
  fc.assert(
    fc.property(shards, costs, kept, (count, all, keep) => {
      const { plan, placed } = worn(count, all, keep);
      const before = Math.max(...plan.loads);
      const average = plan.loads.reduce((sum, load) => sum + load, 0) / count;
      const wasUneven = before > 1.25 * average + 1e-9;
      const moved = rebalance(plan, placed);
      const after = Math.max(...plan.loads);
      assert.ok(after <= before + 1e-9, `${before} before, ${after} after`);
      if (!wasUneven) assert.ok(moved === 0 || before > 1.25 * average, `${moved} moved`);
      const largest = Math.max(0, ...placed.map(({ cost }) => cost));
      assert.ok(after <= Math.max(1.25 * average, average + 2 * largest) + 1e-9, `${plan.loads.join(" ")}`);
      for (const [i, load] of sums(count, placed).entries())
        assert.ok(Math.abs(load - (plan.loads[i] ?? 0)) < 1e-6, "the plan knows what it has");
    }),
    { numRuns: 300 },
  );
});

test("shard plan: checks of one kind end within a quarter of the average, whatever was taken away", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 200, max: 400 }), kept, (count, many, keep) => {
      const { plan, placed } = worn(count, new Array<number>(many).fill(1), keep);
      fc.pre(placed.length >= 20 * count);
      rebalance(plan, placed);
      const average = placed.length / count;
      assert.ok(Math.max(...plan.loads) <= 1.25 * average, `${plan.loads.join(" ")}`);
    }),
    { numRuns: 200 },
  );
});
