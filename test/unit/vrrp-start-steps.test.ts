// Instances begin, and change, one by one: what the kernel tells in between concerns those that have begun, whenever it began to tell.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { ms, vrid } from "../../main/units.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, instanceConfig, SimRouter, vip } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

const own = "192.0.2.1";
const names = ["A", "B", "C"];
const three = names.map((name, i) => instanceConfig({ name, vrid: vrid(51 + i), virtualAddresses: [] }));

function bench(clock = new SimClock()): SimRouter {
  return new SimRouter("us", own, clock, new SimSegment(clock));
}

const states = (sim: SimRouter): readonly string[] => names.map((name) => sim.state(name));

/** The kernel tells of the interface with every step, until the one that C begins with: what comes then is news for A and B. */
function startUpToLast(sim: SimRouter): Generator<VrrpInstanceConfig | undefined> {
  const steps = sim.router.starting(daemonConfig(three));
  for (let step = steps.next(); step.value?.name !== "C"; step = steps.next()) {
    assert.ok(step.done !== true);
    sim.host.setMulticast(true); // the link stays as it is
    sim.host.gain("192.0.2.7");
    sim.host.lose("192.0.2.7");
  }
  return steps;
}

test("a link that goes down while others begin is a fault of those that have begun", () => {
  const sim = bench();
  const steps = startUpToLast(sim);
  assert.deepEqual(states(sim), ["BACKUP", "BACKUP", "INIT"]);
  sim.host.setRunning(false);
  assert.deepEqual(states(sim), ["FAULT", "FAULT", "INIT"]);
  while (steps.next().done !== true);
  assert.deepEqual(states(sim), ["FAULT", "FAULT", "FAULT"]);
});

test("a link that comes up while others begin ends the fault of those that have begun", () => {
  const sim = bench();
  sim.host.setRunning(false);
  const steps = startUpToLast(sim);
  assert.deepEqual(states(sim), ["FAULT", "FAULT", "INIT"]);
  sim.host.setRunning(true);
  while (steps.next().done !== true);
  assert.deepEqual(states(sim), ["BACKUP", "BACKUP", "BACKUP"]);
});

test("an address that goes while others begin is missed by those that have begun", () => {
  const sim = bench();
  const steps = startUpToLast(sim);
  sim.host.lose(own);
  assert.deepEqual(states(sim), ["FAULT", "FAULT", "INIT"]);
  while (steps.next().done !== true);
});

test("a reload has an instance look at another link, which goes down while others are still to come", () => {
  const sim = bench();
  const alone = { interface: "", sourceAddress: own, unicastPeers: ["192.0.2.9"] } as const;
  const before = instanceConfig({ name: "A", virtualAddresses: [], ...alone });
  const others = three.slice(1);
  sim.router.start(daemonConfig([before, ...others]));
  const after = { ...before, trackInterfaces: [{ name: "eth0", weight: 0, reverse: false }] };
  const steps = sim.router.reloading(daemonConfig([after, ...others.map((one) => ({ ...one }))]));
  steps.next();
  sim.host.setRunning(true);
  const isAsked = (): boolean => sim.router.snapshotsOf(new Set(["A"]))[0]?.config.trackInterfaces.length === 1;
  while (!isAsked()) assert.ok(steps.next().done !== true);
  assert.equal(sim.state("A"), "BACKUP");
  sim.host.setRunning(false);
  assert.equal(sim.state("A"), "FAULT");
  while (steps.next().done !== true);
});

test("an address that an instance has claimed while another one was waited for is not taken from the host", () => {
  const clock = new SimClock();
  const sim = bench(clock);
  const fast = { version: 3, advertInterval: ms(100) } as const;
  const both = ["A", "B"].map((name, i) => instanceConfig({ ...fast, name, vrid: vrid(51 + i) }));
  const steps = sim.router.starting(daemonConfig(both));
  while (steps.next().value?.name !== "B");
  clock.advance(400);
  assert.equal(sim.state("A"), "MASTER");
  sim.take();
  while (steps.next().done !== true);
  assert.ok(!sim.take().includes(`delete ${vip}`));
});
