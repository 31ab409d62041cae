import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { ms, priority } from "../../main/units.js";
import { masterDownInterval } from "../../main/vrrp/timers.js";
import { SimClock } from "./sim-clock.js";
import { daemonConfig, instanceConfig, SimRouter, vip } from "./sim-router.js";
import { SimSegment } from "./sim-segment.js";

const fast = { version: 3, advertInterval: ms(100) } as const;

interface World {
  readonly clock: SimClock;
  readonly segment: SimSegment;
  readonly routers: readonly SimRouter[];
}

const priorityOf = (i: number) => priority(250 - 10 * i);

/** `count` routers with falling priorities; the first is the strongest. */
function world(count: number, seed: number, changes: Partial<VrrpInstanceConfig> = fast): World {
  const clock = new SimClock();
  const segment = new SimSegment(clock, seed);
  const routers = Array.from({ length: count }, (_, i) => {
    const own: IpAddress = `192.0.2.${i + 1}`;
    const router = new SimRouter(`r${i}`, own, clock, segment);
    router.router.start(daemonConfig([instanceConfig({ ...changes, basePriority: priorityOf(i) })]));
    return router;
  });
  return { clock, segment, routers };
}

const masters = (routers: readonly SimRouter[]) => routers.filter((r) => r.state() === "MASTER").map((r) => r.name);
const holders = (routers: readonly SimRouter[]) => routers.filter((r) => r.host.has(vip)).map((r) => r.name);

for (const [name, changes] of [
  ["v3 at 0.1 s", fast],
  ["v2 at 1 s", {}],
] as const) {
  test(`crash: the next backup takes over after exactly its Master_Down_Interval (${name})`, () => {
    const { clock, segment, routers } = world(3, 7, changes);
    segment.delay = 0;
    clock.advance(10_000);
    assert.deepEqual(masters(routers), ["r0"]);
    const [first, second] = routers;
    const lastAdvert = first?.router.snapshot()[0]?.lastAdvertSentAt ?? ms(0);
    segment.setCut("r0", true);
    const config = instanceConfig(changes);
    const due = lastAdvert + masterDownInterval(config, priorityOf(1), config.advertInterval);
    clock.advance(due - clock.now() - 0.001);
    assert.equal(second?.state(), "BACKUP");
    clock.advance(0.002);
    assert.equal(second?.state(), "MASTER");
  });
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`lossy network, cuts and heals: one master and one holder of the address afterwards (seed ${seed})`, () => {
    const { clock, segment, routers } = world(5, seed);
    segment.delay = 5;
    segment.loss = 0.2;
    for (let round = 0; round < 30; round++) {
      const victim = routers[Math.floor(segment.random() * routers.length)];
      if (victim !== undefined) segment.setCut(victim.name, segment.random() < 0.5);
      clock.advance(segment.random() * 1000);
    }
    segment.loss = 0;
    for (const router of routers) segment.setCut(router.name, false);
    clock.advance(2000); // five intervals would do; learned intervals and skews are below that
    assert.deepEqual(masters(routers), ["r0"]);
    assert.deepEqual(holders(routers), ["r0"]);
  });
}

test("random loss of a tenth of the adverts: a backup with three chances seldom takes over, and always gives back", () => {
  const { clock, segment, routers } = world(2, 42);
  segment.loss = 0.1;
  clock.advance(60_000);
  segment.loss = 0;
  clock.advance(1000);
  assert.deepEqual(masters(routers), ["r0"]);
});

test("clean stop: the backup takes over after skew time only", async () => {
  const { clock, segment, routers } = world(2, 3, {});
  segment.delay = 0;
  clock.advance(10_000);
  await routers[0]?.router.stop({ release: true });
  clock.advance(0);
  const skew = ((256 - priorityOf(1)) * 1000) / 256;
  clock.advance(skew - 0.001);
  assert.deepEqual(masters(routers), []);
  clock.advance(0.002);
  assert.deepEqual(holders(routers), ["r1"]);
});

test("nopreempt: a stronger router that comes back stays BACKUP", () => {
  const { clock, segment, routers } = world(2, 9, { ...fast, preempt: false });
  clock.advance(1000);
  segment.setCut("r0", true);
  routers[0]?.host.setRunning(false);
  clock.advance(1000);
  assert.deepEqual(masters(routers), ["r1"]);
  segment.setCut("r0", false);
  routers[0]?.host.setRunning(true);
  clock.advance(5000);
  assert.deepEqual(masters(routers), ["r1"]);
});
