import assert from "node:assert/strict";
import { test } from "node:test";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { ms } from "../../main/units.js";
import { fittingDelay, LinkStandings } from "../../main/vrrp/link-standings.js";
import { type TrackMemory, TrackRecall } from "../../main/vrrp/track-memory.js";
import { emptyConfig } from "../harness/config-fixtures.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, instanceConfig, SimRouter } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** interface_up_down_delays: a link counts as what it was until it has been something else for long enough. */

const delay = { interface: "eth0", down: ms(500), up: ms(2000) };

function stand(memory?: TrackMemory, clock = new SimClock()) {
  const told: string[] = [];
  const link = { running: true };
  const recall = new TrackRecall(memory);
  const log = Object.assign((_l: string, _e: string, sentence: string) => void told.push(sentence), { detail: false });
  const deps = {
    clock,
    log,
    running: () => link.running,
    recall,
    onDue: (name: string) => void told.push(`due ${name}`),
  };
  const links = new LinkStandings(deps);
  links.configure([delay], [instanceConfig()]);
  const start = recall.start();
  links.begin("eth0");
  start[Symbol.dispose]();
  const set = (running: boolean): void => {
    link.running = running;
    links.look("eth0");
  };
  return { clock, told, links, set };
}

test("down for as long as the delay, then up for as long as the other one", () => {
  const { clock, told, links, set } = stand();
  set(false);
  clock.advance(499);
  assert.deepEqual([links.up("eth0"), told], [true, []]);
  clock.advance(1);
  assert.deepEqual([links.up("eth0"), told.splice(0)], [false, ["Netlink reports eth0 down", "due eth0"]]);
  set(true);
  clock.advance(1999);
  assert.deepEqual([links.up("eth0"), told], [false, []]);
  clock.advance(1);
  assert.deepEqual([links.up("eth0"), told], [true, ["Netlink reports eth0 up", "due eth0"]]);
});

test("a delay that a crash falls into ends when it would have", () => {
  const memory = new LastingState(new StateSlab(Buffer.alloc(64 * 64))).tracks;
  const before = stand(memory);
  before.set(false);
  before.clock.advance(500);
  before.set(true);
  before.clock.advance(1200);
  const { clock, told, links } = stand(memory, before.clock);
  assert.equal(links.up("eth0"), false);
  clock.advance(799);
  assert.deepEqual([links.up("eth0"), told], [false, []]);
  clock.advance(1);
  assert.deepEqual([links.up("eth0"), told], [true, ["Netlink reports eth0 up", "due eth0"]]);
  assert.equal(stand(memory, clock).links.up("eth0"), true, "and the next crash finds no delay");
});

test("a link that is back in time was never down", () => {
  const { clock, told, links, set } = stand();
  set(false);
  clock.advance(400);
  set(true);
  clock.advance(5000);
  assert.deepEqual([links.up("eth0"), told, clock.pending], [true, [], 0]);
});

test("the down delay stays below the time after which backups take over", () => {
  const long = { ...delay, down: ms(5000) };
  const rows = [
    [instanceConfig({ advertInterval: ms(1000) }), 1996],
    [instanceConfig({ advertInterval: ms(1000), downTimerAdverts: 1 }), 0],
    [instanceConfig({ interface: "eth1", advertInterval: ms(100) }), 5000],
    [instanceConfig({ advertInterval: ms(40_000) }), 5000],
  ] as const;
  for (const [instance, down] of rows) assert.deepEqual(fittingDelay(long, [instance]), { ...long, down });
});

test("an instance stays MASTER through a short failure, and goes to FAULT in a long one", () => {
  const clock = new SimClock();
  const sim = new SimRouter("us", "192.0.2.1", clock, new SimSegment(clock));
  const linkSettings = { ...emptyConfig().linkSettings, delays: [delay] };
  sim.router.start({ ...daemonConfig([instanceConfig()]), linkSettings });
  clock.advance(4000);
  sim.host.setRunning(false);
  clock.advance(400);
  sim.host.setRunning(true);
  assert.equal(sim.state(), "MASTER");
  sim.host.setRunning(false);
  clock.advance(500);
  assert.equal(sim.state(), "FAULT");
  sim.host.setRunning(true);
  clock.advance(1999);
  assert.equal(sim.state(), "FAULT");
  clock.advance(1);
  assert.equal(sim.state(), "BACKUP");
});

test("an interface that a reload has an instance track is given its delay from its first change on", () => {
  const clock = new SimClock();
  const sim = new SimRouter("us", "192.0.2.1", clock, new SimSegment(clock));
  const plain = { ...instanceConfig(), dontTrackPrimary: true, interface: "eth9", sourceAddress: "192.0.2.1" };
  const config = (trackInterfaces: readonly { name: string; weight: number; reverse: boolean }[]) => ({
    ...daemonConfig([{ ...plain, unicastPeers: ["192.0.2.9"], trackInterfaces }]),
    linkSettings: { ...emptyConfig().linkSettings, delays: [{ interface: "eth0", down: ms(500), up: ms(0) }] },
  });
  sim.router.start(config([]));
  sim.router.reload(config([{ name: "eth0", weight: -10, reverse: false }]));
  const effective = (): number | undefined => sim.router.snapshot()[0]?.effectivePriority;
  sim.host.setRunning(false);
  clock.advance(400);
  assert.equal(effective(), 100);
  clock.advance(100);
  assert.equal(effective(), 90);
});
