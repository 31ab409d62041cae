import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config, VrrpInstanceConfig } from "../../main/config/model.js";
import { noExtras } from "../../main/config/model-vrrp.js";
import { type Milliseconds, ms, priority, vrid } from "../../main/units.js";
import { encodeAdvert } from "../../main/vrrp/packet.js";
import { globalConfig } from "../harness/config-fixtures.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, instanceConfig, SimRouter, type SimRouterOptions } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** vrrp_startup_delay, vrrp_delay_after_boot, timer_expired_backup, log_unknown_vrids: the shell over a fake host. */

const fast = { version: 3, advertInterval: ms(100) } as const;
/** Master_Down_Interval of `fast` at priority 100. */
const DOWN = 360.9375;
/** SimClock begins here; the host has been up for so long. */
const BOOTED = 1_000_000;

function bench(options: SimRouterOptions = {}) {
  const clock = new SimClock();
  const segment = new SimSegment(clock);
  segment.delay = 0;
  const sim = new SimRouter("us", "192.0.2.1", clock, segment, options);
  const hear = (config: VrrpInstanceConfig, at: number, changes: object = {}): void => {
    const common = { version: config.version, vrid: config.vrid, interval: config.advertInterval };
    const addresses = config.virtualAddresses.map((a) => a.address);
    const from = { source: "192.0.2.9", destination: "224.0.0.18", authPass: undefined };
    segment.inject(encodeAdvert({ ...common, addresses, ...from, ...changes }, priority(at), 1));
    clock.advance(0);
  };
  return { clock, sim, hear };
}

const delayed = (delay: number, instances: readonly VrrpInstanceConfig[], delayAfterBoot = 0): Config => ({
  ...daemonConfig(instances),
  global: globalConfig({ startup: { delay: ms(delay), delayAfterBoot: ms(delayAfterBoot) } }),
});
const owner = { basePriority: priority(255), initialState: "MASTER" } as const;

test("a delayed start: BACKUP at once, Master_Down_Interval from the end of the delay on", () => {
  const { clock, sim } = bench();
  sim.router.start(delayed(5000, [instanceConfig(fast)]));
  assert.deepEqual(sim.logs, ["Delaying startup for 5 seconds", "(V) Entering BACKUP STATE (init)"]);
  clock.advance(5000 + DOWN - 1);
  assert.equal(sim.state(), "BACKUP");
  clock.advance(1);
  assert.equal(sim.state(), "MASTER");
  assert.ok(sim.logs.includes("Delayed start completed"));
});

test("the owner of the addresses is MASTER when the delay ends, not before", () => {
  const { clock, sim } = bench();
  sim.router.start(delayed(5000, [instanceConfig({ ...fast, ...owner })]));
  clock.advance(4999);
  assert.equal(sim.state(), "BACKUP");
  assert.ok(!sim.take().some((line) => line.startsWith("advert")));
  clock.advance(1);
  assert.equal(sim.state(), "MASTER");
});

test("adverts before the end say nothing, those after it do", () => {
  const config = instanceConfig(fast);
  const { clock, sim, hear } = bench();
  sim.router.start(delayed(1000, [config]));
  hear(config, 200);
  assert.equal(sim.router.snapshot()[0]?.counters.advert_rcvd, 0);
  clock.advance(1100);
  hear(config, 200);
  assert.equal(sim.router.snapshot()[0]?.counters.advert_rcvd, 1);
  clock.advance(DOWN - 1);
  assert.equal(sim.state(), "BACKUP");
});

test("the longer of the two delays counts; a host that has been up for long enough waits no more", () => {
  for (const { delay, afterBoot, until } of [
    { delay: 1000, afterBoot: BOOTED + 3000, until: 3000 },
    { delay: 3000, afterBoot: BOOTED + 1000, until: 3000 },
    { delay: 0, afterBoot: BOOTED, until: 0 },
  ]) {
    const { clock, sim } = bench();
    sim.router.start(delayed(delay, [instanceConfig(fast)], afterBoot));
    clock.advance(until + DOWN - 1);
    assert.equal(sim.state(), "BACKUP");
    clock.advance(1);
    assert.equal(sim.state(), "MASTER");
  }
});

test("a reload in between: what is left of the new delay", () => {
  for (const { next, until } of [
    { next: 8000, until: 8000 },
    { next: 3000, until: 3000 },
    { next: 500, until: 1000 },
    { next: 0, until: 1000 },
  ]) {
    const { clock, sim } = bench();
    sim.router.start(delayed(5000, [instanceConfig(fast)]));
    clock.advance(1000);
    sim.router.reload(delayed(next, [instanceConfig(fast)]));
    clock.advance(until - 1000 + DOWN - 1);
    assert.equal(sim.state(), "BACKUP", `${next}`);
    clock.advance(1);
    assert.equal(sim.state(), "MASTER", `${next}`);
    sim.router.reload(delayed(60_000, [instanceConfig(fast)])); // it is over
    clock.advance(1000);
    assert.equal(sim.state(), "MASTER");
  }
});

test("after a crash nothing is delayed; a stop ends the delay", async () => {
  const crashed = bench({ resume: () => ({ state: "MASTER", lastAdvertBootMs: ms(BOOTED - 50) }) });
  crashed.sim.router.start(delayed(5000, [instanceConfig(fast)]));
  assert.equal(crashed.sim.state(), "MASTER");
  const { clock, sim } = bench();
  sim.router.start(delayed(5000, [instanceConfig(fast)]));
  await sim.router.stop({ release: true });
  assert.equal(clock.pending, 0);
});

test("a crash does not end a delay: what is left of it is waited for", async () => {
  let began: Milliseconds | undefined;
  const startupMemory = { began: () => began, remember: (at: Milliseconds | undefined) => void (began = at) };
  const first = bench({ startupMemory });
  first.sim.router.start(delayed(5000, [instanceConfig(fast)]));
  first.clock.advance(2000);
  assert.equal(began, BOOTED);
  const resume = () => ({ state: "BACKUP", lastAdvertBootMs: ms(0) }) as const;
  const { clock, sim } = bench({ resume, startupMemory });
  clock.advance(3500); // as long as the one before had lived, and the time without a daemon
  sim.router.start(delayed(5000, [instanceConfig(fast)]));
  assert.deepEqual(sim.logs, ["Delaying startup for 1.5 seconds", "(V) Entering BACKUP STATE (init)"]);
  clock.advance(1500 + DOWN - 1);
  assert.equal(sim.state(), "BACKUP");
  assert.equal(began, undefined);
  clock.advance(1);
  assert.equal(sim.state(), "MASTER");
});

test("a reload that removes an instance says so", () => {
  const removed: string[] = [];
  const { sim } = bench({ onRemoved: (key) => removed.push(key) });
  sim.router.start(daemonConfig([instanceConfig(fast)]));
  sim.router.reload(daemonConfig([]));
  assert.equal(removed.length, 1);
});

const late = (changes: Partial<VrrpInstanceConfig> = {}): VrrpInstanceConfig =>
  instanceConfig({ ...fast, preempt: false, extras: { ...noExtras, timerExpiredBackup: 254 }, ...changes });

test("timer_expired_backup: who was silent for too long gives way, without a farewell", () => {
  // 3 x 100 ms and (256 - 254) / 256 x 100 ms
  for (const { stall, state } of [
    { stall: 295, state: "MASTER" },
    { stall: 405, state: "BACKUP" },
  ]) {
    const { clock, sim } = bench();
    sim.router.start(daemonConfig([late()]));
    clock.advance(DOWN);
    sim.take();
    clock.stall(stall);
    clock.advance(0);
    assert.equal(sim.state(), state, `after ${stall} ms`);
    assert.ok(!sim.take().some((line) => line.startsWith("advert 0")));
    assert.equal(sim.logs.filter((line) => line.includes("timers ran so late")).length, state === "BACKUP" ? 1 : 0);
  }
});

test("timer_expired_backup: an advert that is read before the timer runs does not provoke an election", () => {
  const config = late();
  const { clock, sim, hear } = bench();
  sim.router.start(daemonConfig([config]));
  clock.advance(DOWN);
  sim.take();
  clock.stall(1000);
  hear(config, 50); // weaker, and MASTER meanwhile
  assert.equal(sim.state(), "BACKUP");
  assert.ok(!sim.take().some((line) => line.startsWith("advert")));
  clock.advance(300);
  assert.equal(sim.state(), "BACKUP");
});

test("log_unknown_vrids: told, but never more than a few", () => {
  const config = instanceConfig(fast);
  for (const logUnknownVrids of [true, false]) {
    const { clock, sim, hear } = bench();
    const plain = daemonConfig([config]);
    const instanceDefaults = { ...plain.global.instanceDefaults, logUnknownVrids };
    sim.router.start({ ...plain, global: { ...plain.global, instanceDefaults } });
    hear(config, 200);
    for (let i = 0; i < 500; i++) hear(config, 200, { vrid: vrid(7) });
    const told = sim.logs.filter((line) => line.startsWith("Unknown VRID"));
    assert.equal(told.length, logUnknownVrids ? 10 : 0);
    if (!logUnknownVrids) continue;
    assert.equal(told[0], "Unknown VRID(7) received on interface(eth0) from 192.0.2.9. ignoring...");
    clock.advance(1500);
    hear(config, 200, { vrid: vrid(7) });
    assert.match(sim.logs.at(-1) ?? "", /\(490 more such adverts since the last one of these lines\)$/);
  }
});
