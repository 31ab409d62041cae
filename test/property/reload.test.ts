import assert from "node:assert/strict";
import { test } from "node:test";
import { healthFaults, planFaults } from "./reload/faults.js";
import { playHealth } from "./reload/health-play.js";
import { playPlan } from "./reload/plan-play.js";

/**
 * State after a reload is the state before it, for all that did not change; a comparison of any table with any wish brings the wanted
 * one about, and leaves no gap at any point. More, or others: `node dist/test/property/reload.test.js --pairs N --seed S`.
 */
const PAIRS = argument("--pairs", 100_000);
const FIRST_SEED = argument("--seed", 1);

function argument(name: string, otherwise: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

test(`${PAIRS} pairs of configurations, beside a model`, { timeout: Math.max(300_000, PAIRS * 10) }, async (t) => {
  let pairs = 0;
  let seed = FIRST_SEED;
  for (; pairs < PAIRS; seed++)
    pairs += await playHealth(seed).catch((error: unknown) => assert.fail(`seed ${seed}: ${String(error)}`));
  t.diagnostic(`${pairs} pairs, seeds ${FIRST_SEED} to ${seed - 1}`);
});

test(`${PAIRS} tables, wishes and ownerships`, { timeout: Math.max(300_000, PAIRS * 10) }, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + PAIRS; seed++) {
    try {
      playPlan(seed);
    } catch (error) {
      assert.fail(`seed ${seed}: ${String(error)}`);
    }
  }
});

/** Seeds after which a fault counts as not noticed. */
const ENOUGH = 3000;

for (const [name, fault] of Object.entries(planFaults))
  test(`noticed: ${name}`, (t) => {
    for (let seed = 1; seed < ENOUGH; seed++) {
      try {
        playPlan(seed, fault);
      } catch (error) {
        t.diagnostic(`seed ${seed}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
        return;
      }
    }
    assert.fail("the rules let it pass");
  });

for (const [name, fault] of Object.entries(healthFaults))
  test(`noticed: ${name}`, async (t) => {
    for (let seed = 1; seed < ENOUGH; seed++) {
      try {
        await playHealth(seed, fault);
      } catch (error) {
        t.diagnostic(`seed ${seed}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
        return;
      }
    }
    assert.fail("the rules let it pass");
  });
