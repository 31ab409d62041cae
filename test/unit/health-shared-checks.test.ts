import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../main/config/model.js";
import { HealthDirector } from "../../main/health/director.js";
import { type CheckId, ms } from "../../main/units.js";
import { config, identityOf, miscCheck, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";

/** The same check in several places: at other times, and twice on one server. */

async function directorOf(first: Config) {
  const health = new Map<string, { readonly up: boolean; readonly value: number | undefined }>();
  const director = new HealthDirector({
    log: Object.assign(() => undefined, { detail: false }),
    identityOf,
    known: (identity) => {
      const up = health.get(identity)?.up;
      return up === undefined ? undefined : up ? "up" : "down";
    },
    knownValue: (identity) => health.get(identity)?.value,
    remember: (identity, up, value) => health.set(identity, { up, value }),
    forget: (identity) => health.delete(identity),
    onPoolChange: () => undefined,
    onServerEvent: () => undefined,
  });
  await director.start(first);
  return {
    director,
    pool: (index = 0): readonly string[] =>
      [...(director.livePool(index)?.entries() ?? [])].map(({ address, weight }) => `${address} ${weight}`),
    known: () => [...director.checks()].map(({ known }) => known),
    hear: async (id: number, up: boolean, status = 0): Promise<void> => {
      const outcome = up ? "up" : "exit-status";
      director.onEdges([{ id: id as CheckId, up, outcome, retries: 0, latency: ms(1), status }]);
      await director.suspend(() => false); // ends after what is queued
    },
  };
}

const weigh = (seconds: number) =>
  miscCheck({ argv: ["/bin/weigh"], dynamic: true }, { delayLoop: ms(seconds * 1000), retry: 3 });

/** The same program every second and every minute, for a server each; ids 1 and 2. */
const atTwoTimes = (quorum = 1): Config =>
  config([
    virtualServer({
      quorum,
      realServers: [
        realServer({ address: "10.0.0.1", weight: 10, checks: [weigh(1)] }),
        realServer({ address: "10.0.0.2", weight: 10, checks: [weigh(60)] }),
      ],
    }),
  ]);

test("one program at two intervals: each server has the weight of its own run, also after a reload", async () => {
  const { director, pool, hear } = await directorOf(atTwoTimes());
  await hear(1, true, 22);
  await hear(2, true, 22);
  await hear(1, true, 7);
  assert.deepEqual(pool(), ["10.0.0.1 5", "10.0.0.2 20"]);
  await director.reload(atTwoTimes(2));
  // Whoever runs the second has said 22 and will not say it again: another weight would stay for good.
  assert.deepEqual(pool(), ["10.0.0.1 5", "10.0.0.2 20"]);
});

test("one check at two intervals: what is known of a run is what it said itself", async () => {
  const { director, pool, known, hear } = await directorOf(atTwoTimes());
  await hear(2, true);
  await hear(1, false, 1);
  assert.deepEqual(known(), ["down", "up"]);
  await director.reload(atTwoTimes(2));
  assert.deepEqual([known(), pool()], [["down", "up"], ["10.0.0.2 10"]]);
});

test("a check at new times begins with what was heard last at the others", async () => {
  const { director, pool, hear } = await directorOf(atTwoTimes());
  await hear(2, true, 22);
  await hear(1, false, 1);
  const [only] = atTwoTimes().virtualServers;
  const third = realServer({ address: "10.0.0.3", weight: 10, checks: [weigh(5)] });
  await director.reload(config([virtualServer({ realServers: [...(only?.realServers ?? []), third] })]));
  assert.deepEqual(pool(), ["10.0.0.2 20"]);
  assert.deepEqual(
    [...director.checks()].map(({ known, check }) => [known, check.type]),
    [
      ["down", "MISC_CHECK"],
      ["up", "MISC_CHECK"],
      ["down", "MISC_CHECK"],
    ],
  );
});

const twice = (weight: number, ...alphas: readonly boolean[]): Config =>
  config([
    virtualServer({ realServers: [realServer({ weight, checks: alphas.map((alpha) => tcpCheck({ alpha })) })] }),
  ]);

for (const [name, alphas] of [
  ["the second", [false, true]],
  ["the first", [true, false]],
] as const)
  test(`twice the same on one server, alpha on ${name}: run once, and nobody gets in unchecked`, async () => {
    const { director, pool, hear } = await directorOf(twice(1, ...alphas));
    assert.equal([...director.checks()].length, 1);
    assert.deepEqual(pool(), []);
    await director.reload(twice(2, ...alphas));
    assert.deepEqual(pool(), [], "a reload is no check");
    await director.reload(twice(3, ...alphas.toReversed()));
    assert.deepEqual(pool(), [], "nor is another order");
    await hear(1, true);
    assert.deepEqual(pool(), ["10.0.0.1 3"]);
    await hear(1, false);
    assert.deepEqual(pool(), []);
    await director.reload(twice(4, ...alphas));
    assert.deepEqual(pool(), []);
    await hear(1, true);
    assert.deepEqual(pool(), ["10.0.0.1 4"]);
    const { checks } = await director.reload(twice(4, false));
    assert.deepEqual([[...checks.added].length, checks.removed, pool()], [0, [], ["10.0.0.1 4"]]);
  });

test("twice the same program that sets weights on one server: both add, as two programs would", async () => {
  const checks = [weigh(1), weigh(1)];
  const { pool, hear } = await directorOf(
    config([virtualServer({ realServers: [realServer({ weight: 10, checks })] })]),
  );
  await hear(1, true, 15);
  assert.deepEqual(pool(), ["10.0.0.1 16"]); // 10 + 2 * (15 - 2 - 10)
  await hear(1, false, 1);
  assert.deepEqual(pool(), []);
  await hear(1, true, 0);
  assert.deepEqual(pool(), ["10.0.0.1 10"]);
});
