import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import type { GuardConfig } from "../../main/config/model-guard.js";
import { ms, priority, vrid } from "../../main/units.js";
import { type GuardReducer, guardStep } from "../../main/vrrp/guard.js";
import { syncGroup } from "../harness/config-fixtures.js";
import { Random } from "./cluster/random.js";
import { SimClock } from "./sim-clock.js";
import { fence, guardConfig, heartbeat, SimGuardHost, SimHeartbeats, witness } from "./sim-guard.js";
import { daemonConfig, foreignAdvert, instanceConfig, SimRouter, vip, virtualAddress } from "./sim-router.js";
import { SimSegment } from "./sim-segment.js";

/** Routers with a guard: the real reducers and shells, on a VRRP segment and a heartbeat network that fail apart. */

const INTERVAL = 100;
const base = { version: 3, advertInterval: ms(INTERVAL) } as const;
/** Long enough for three intervals, skew, and everything that a guard asks. */
const SETTLE = 3000;
const vip2: IpAddress = "192.0.2.101";

interface Node {
  readonly name: string;
  readonly host: SimGuardHost;
  readonly beat: IpAddress;
  router: SimRouter;
}

interface Options {
  readonly guard?: Partial<GuardConfig>;
  readonly reducer?: GuardReducer;
  readonly seed?: number;
  readonly priorities?: readonly number[];
  readonly preempt?: boolean;
}

/** Routers 192.0.2.N with heartbeats 10.0.0.N to all others. */
class Stand {
  readonly clock = new SimClock();
  readonly segment: SimSegment;
  readonly beats: SimHeartbeats;
  readonly nodes: readonly Node[];
  readonly #options: Options;

  constructor(options: Options = {}) {
    this.#options = options;
    this.segment = new SimSegment(this.clock, options.seed);
    this.beats = new SimHeartbeats(this.clock, options.seed);
    const priorities = options.priorities ?? [200, 100];
    this.nodes = priorities.map((_, i) => {
      const host = new SimGuardHost(this.clock, this.beats);
      return { name: "abc"[i] ?? "", host, beat: `10.0.0.${i + 1}`, router: this.#router(i, host) };
    });
  }

  get a(): Node {
    return this.node(0);
  }

  get b(): Node {
    return this.node(1);
  }

  node(i: number): Node {
    return this.nodes[i] ?? assert.fail();
  }

  start(i: number): void {
    this.node(i).router.router.start(this.config(i));
  }

  config(i: number) {
    const { priorities = [200, 100], guard, preempt = true } = this.#options;
    const peers = priorities.flatMap((_, other) => (other === i ? [] : [`10.0.0.${other + 1}`]));
    const heartbeats = peers.map((peer) => heartbeat(`10.0.0.${i + 1}`, peer, { interval: ms(INTERVAL) }));
    const basePriority = priority(priorities[i] ?? 100);
    return daemonConfig([
      instanceConfig({ ...base, basePriority, preempt, guard: guardConfig({ heartbeats, ...guard }) }),
    ]);
  }

  /** Killed: its addresses stay. */
  crash(i: number): void {
    const node = this.node(i);
    this.segment.setCut(node.name, true);
    this.beats.setCut(node.beat, true);
  }

  masters(): string {
    return this.nodes
      .filter(({ router }) => router.transitions.at(-1)?.to === "MASTER")
      .map(({ name }) => name)
      .join(" ");
  }

  /** Runs, and looks at every step. @returns for how long there were two masters */
  run(duration: number, step = 5): number {
    let two = 0;
    for (let t = 0; t < duration; t += step) {
      this.clock.advance(step);
      if (this.masters().includes(" ")) two += step;
    }
    return two;
  }

  #router(i: number, host: SimGuardHost): SimRouter {
    const { reducer } = this.#options;
    const guard = { guards: host, ...(reducer === undefined ? {} : { guardReducer: reducer }) };
    return new SimRouter("abc"[i] ?? "", `192.0.2.${i + 1}`, this.clock, this.segment, { guard });
  }
}

const both = (stand: Stand): void => {
  stand.start(0);
  stand.start(1);
};

const saysWhy = (node: Node, what: RegExp): void =>
  assert.ok(
    node.router.logs.some((line) => what.test(line)),
    `${node.name} says why: ${node.router.logs.join("\n")}`,
  );

const snapshotOf = ({ router }: Node) => router.router.snapshot()[0]?.guard ?? assert.fail("there is no guard");

/** The guard ignored: it lets everything through. */
const ignored: GuardReducer = (ctx, state, event) =>
  event.on === "wanted"
    ? {
        state: { ...guardStep(ctx, state, event).state, at: "clear" } as ReturnType<GuardReducer>["state"],
        effects: [{ do: "claim" }],
      }
    : guardStep(ctx, state, event);

test("a whole network: the election goes as without a guard", () => {
  const stand = new Stand();
  both(stand);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "a");
  assert.ok(stand.a.router.host.has(vip));
  assert.equal(snapshotOf(stand.a).counters.twoMasters, 0);
});

test("a crash: the other takes over when the heartbeat is silent too", () => {
  const stand = new Stand();
  both(stand);
  stand.run(SETTLE);
  stand.crash(0);
  stand.run(700);
  assert.equal(stand.b.router.state(), "MASTER", "after 3 x 100 ms + skew, and three silent intervals");
});

test("a clean stop: no longer than without a guard", () => {
  const stand = new Stand();
  both(stand);
  stand.run(SETTLE);
  void stand.a.router.router.stop({ release: true });
  stand.run(120);
  assert.equal(stand.b.router.state(), "MASTER", "skew is 61 ms, and a heartbeat said STOP");
});

test("VRRP is cut and heartbeats are not: never two masters, and it is said why", () => {
  const stand = new Stand();
  both(stand);
  stand.run(SETTLE);
  stand.segment.setCut("a", true);
  assert.equal(stand.run(20_000), 0);
  assert.equal(stand.masters(), "a");
  assert.match(snapshotOf(stand.b).waits ?? "", /^10\.0\.0\.1 says that it is MASTER, and its adverts are not heard$/);
  assert.equal(stand.b.router.logs.filter((line) => line.includes("holds the claim")).length, 1, "said once");
  stand.segment.setCut("a", false);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "a");
  assert.equal(snapshotOf(stand.b).waits, undefined, "the attempt is over");
});

test("VRRP is cut from the start: one of both becomes master, the stronger one", () => {
  const stand = new Stand();
  stand.segment.setCut("a", true);
  both(stand);
  assert.equal(stand.run(10_000), 0);
  assert.equal(stand.masters(), "a");
});

test("equal priorities, cut from the start: the higher heartbeat address goes first", () => {
  const stand = new Stand({ priorities: [100, 100] });
  stand.segment.setCut("a", true);
  both(stand);
  assert.equal(stand.run(10_000), 0);
  assert.equal(stand.masters(), "b");
});

test("a stronger router comes back: it asks the master to give way, and is never one beside it", () => {
  const stand = new Stand();
  stand.start(1);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "b");
  stand.start(0);
  assert.equal(stand.run(SETTLE, 1), 0);
  assert.equal(stand.masters(), "a");
  assert.match(stand.b.router.transitions.at(-1)?.because ?? "", /^10\.0\.0\.1 with priority 200 asked to take over$/);
});

test("nopreempt: a stronger router that comes back stays backup", () => {
  const stand = new Stand({ preempt: false });
  stand.start(1);
  stand.run(SETTLE);
  stand.start(0);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "b");
});

test("everything is cut: two masters, as on_unknown is claim; the event, its end, and addresses announced again", () => {
  const stand = new Stand();
  both(stand);
  stand.run(SETTLE);
  stand.segment.setCut("a", true);
  stand.beats.setCut("10.0.0.1", true);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "a b");
  stand.a.router.take();
  stand.beats.setCut("10.0.0.1", false);
  assert.ok(
    stand.run(SETTLE) < 5 * INTERVAL,
    "the weaker one gives way when VRRP has not settled it in three intervals",
  );
  assert.equal(stand.masters(), "a");
  assert.ok(!stand.b.router.host.has(vip));
  for (const node of stand.nodes) {
    assert.equal(snapshotOf(node).counters.twoMasters, 1);
    saysWhy(node, /two masters: 10\.0\.0\.\d is MASTER too/);
  }
  assert.equal(
    stand.b.router.transitions.at(-1)?.because,
    "10.0.0.1 with priority 200 is MASTER too, and VRRP between us is cut",
  );
  saysWhy(stand.a, /one master again/);
  assert.ok(
    stand.a.router.take().some((what) => what === `garp ${vip}`),
    "announced again",
  );
  assert.equal(stand.run(10_000), 0, "and is held from then on");
  stand.segment.setCut("a", false);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "a");
});

test("two masters of equal priority that hear heartbeats only: the lower heartbeat address gives way, once", () => {
  const stand = new Stand({ priorities: [100, 100] });
  both(stand);
  stand.segment.setCut("a", true);
  stand.beats.setCut("10.0.0.1", true);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "a b");
  stand.beats.setCut("10.0.0.1", false);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "b");
  assert.equal(stand.run(10_000), 0);
  assert.equal(stand.a.router.transitions.filter(({ from, to }) => from === "MASTER" && to === "BACKUP").length, 1);
});

test("on_unknown hold: a silent peer is no permission", () => {
  const stand = new Stand({ guard: { onUnknown: "hold" } });
  both(stand);
  stand.run(SETTLE);
  stand.crash(0);
  stand.run(SETTLE);
  assert.equal(stand.b.router.state(), "BACKUP");
  saysWhy(stand.b, /10\.0\.0\.1 is silent, and on_unknown is hold/);
});

test("a witness that does not answer holds the claim, and lets it through when it answers again", () => {
  const stand = new Stand({ guard: { heartbeats: [], witnesses: [witness], witnessQuorum: 1 } });
  stand.a.host.witnessProblem = "no answer";
  stand.start(0);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "");
  saysWhy(stand.a, /1 of 1 witnesses must answer, and no answer came from 192\.0\.2\.254 \(no answer\)/);
  stand.a.host.witnessProblem = undefined;
  stand.run(1500);
  assert.equal(stand.masters(), "a");
});

test("somebody has the address: no claim, until it is free", () => {
  const stand = new Stand({ guard: { heartbeats: [], probeAddress: ms(200) } });
  stand.a.host.segment = { kind: "held", what: `${vip} is used by 02:00:00:00:00:09` };
  stand.start(0);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "");
  saysWhy(stand.a, /holds the claim: 192\.0\.2\.100 is used by 02:00:00:00:00:09/);
  stand.a.host.segment = { kind: "free" };
  stand.run(1500);
  assert.equal(stand.masters(), "a");
});

test("a script that fails holds the claim; one that succeeds runs once, before the segment is asked", () => {
  const stand = new Stand({ guard: { heartbeats: [], fence, probeAddress: ms(200) } });
  stand.a.host.script = { kind: "exited", value: 1 };
  stand.start(0);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "");
  saysWhy(stand.a, /the fencing script failed: exit code 1/);
  assert.deepEqual(stand.a.host.asked, ["/fence V"]);
  stand.a.host.script = { kind: "exited", value: 0 };
  stand.run(11_000);
  assert.equal(stand.masters(), "a");
  assert.deepEqual(stand.a.host.asked, ["/fence V", "/fence V", `probe ${vip}`]);
});

test("a better master's advert ends the attempt while the script runs", () => {
  const stand = new Stand({ guard: { heartbeats: [], fence } });
  stand.a.host.scriptTakes = ms(5000);
  stand.start(0);
  stand.run(1000);
  assert.deepEqual(stand.a.host.asked, ["/fence V"]);
  const config = instanceConfig({ ...base, basePriority: priority(200) });
  for (let t = 0; t < 6000; t += INTERVAL) {
    stand.segment.inject(foreignAdvert(config, 250));
    stand.run(INTERVAL);
  }
  assert.equal(stand.masters(), "");
});

test("a weaker master that is heard is preempted without fencing it", () => {
  const stand = new Stand({ guard: { heartbeats: [], fence, probeAddress: ms(200) } });
  stand.start(1);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "b");
  stand.start(0);
  stand.run(SETTLE);
  assert.equal(stand.masters(), "a");
  assert.deepEqual(stand.a.host.asked, []);
});

test("a weaker master that does not yield is an event", () => {
  const stand = new Stand({ guard: { heartbeats: [], probeAddress: ms(50) }, priorities: [200] });
  stand.start(0);
  stand.run(SETTLE);
  const config = instanceConfig({ ...base, basePriority: priority(200) });
  stand.segment.inject(foreignAdvert(config, 50));
  stand.run(INTERVAL);
  assert.equal(snapshotOf(stand.a).counters.twoMasters, 0, "one advert may have crossed ours");
  for (let i = 0; i < 3; i++) {
    stand.segment.inject(foreignAdvert(config, 50));
    stand.run(INTERVAL);
  }
  assert.equal(snapshotOf(stand.a).counters.twoMasters, 1);
  assert.ok(snapshotOf(stand.a).twoMasters !== undefined);
  stand.run(1000);
  assert.equal(snapshotOf(stand.a).twoMasters, undefined);
});

test("heartbeats played again by somebody else change nothing", () => {
  const stand = new Stand();
  both(stand);
  stand.run(SETTLE);
  const old = stand.beats.sent.filter(({ to }) => to === "10.0.0.2");
  stand.crash(0);
  stand.beats.setCut("10.0.0.1", false); // the attacker's cable
  void stand.a.router.router.stop({ release: false });
  for (let t = 0; t < 1000; t += 10) {
    for (const { from, to, bytes } of old.slice(-5)) stand.beats.carry(from, to, 51, bytes);
    stand.run(10);
  }
  assert.equal(stand.b.router.state(), "MASTER", "they did not keep the dead master alive");
  assert.ok(snapshotOf(stand.b).counters.badHeartbeats > 100);
});

test("a reload with the same guard forgets nothing, and one that adds a guard leaves a master alone", () => {
  const stand = new Stand();
  both(stand);
  stand.run(SETTLE);
  const before = stand.beats.sent.length;
  stand.b.router.router.reload(stand.config(1));
  assert.equal(stand.beats.sent.length, before);
  stand.a.router.take();
  stand.a.router.router.reload(daemonConfig([instanceConfig({ ...base, basePriority: priority(200) })]));
  stand.a.router.router.reload(stand.config(0));
  assert.equal(stand.run(SETTLE), 0);
  assert.equal(stand.masters(), "a");
  assert.deepEqual(
    stand.a.router.take().filter((what) => !/^(?:advert 200|garp) /.test(what)),
    [],
    "neither told nor touched; garp_master_delay ends meanwhile",
  );
});

test("a daemon that leaves its addresses to the next one tells its peers nothing", () => {
  const stand = new Stand();
  both(stand);
  stand.run(SETTLE);
  const before = stand.beats.sent.length;
  void stand.a.router.router.stop({ release: false });
  assert.equal(stand.beats.sent.length, before);
});

for (const { name, cut, masters } of [
  { name: "is cut off, heartbeats are not: the group stays where it is", cut: false, masters: "a" },
  { name: "and its heartbeats are gone: the group moves as one", cut: true, masters: "a b" },
]) {
  test(`a sync group of two guarded instances ${name}`, () => {
    const stand = new Stand();
    const members = (i: number) => {
      const [first] = stand.config(i).vrrpInstances;
      assert.ok(first !== undefined);
      const second = instanceConfig({ ...first, name: "W", vrid: vrid(52), virtualAddresses: [virtualAddress(vip2)] });
      return daemonConfig([first, second], { syncGroups: [syncGroup("G", ["V", "W"])] });
    };
    for (const [i, { router }] of stand.nodes.entries()) router.router.start(members(i));
    stand.run(SETTLE);
    const holders = (): string =>
      stand.nodes
        .filter(({ router: { host } }) => {
          assert.equal(host.has(vip), host.has(vip2), "together");
          return host.has(vip);
        })
        .map(({ name: who }) => who)
        .join(" ");
    assert.equal(holders(), "a");
    stand.segment.setCut("a", true);
    if (cut) stand.beats.setCut("10.0.0.1", true);
    for (let t = 0; t < 8000; t += 50) {
      stand.run(50);
      holders();
    }
    assert.equal(holders(), masters);
  });
}

for (const { name, preempt, holder } of [
  { name: "of which one does not preempt: the master is not asked to give way", preempt: false, holder: "b" },
  { name: "of which one preempts later: the master is asked when both would lead", preempt: true, holder: "a" },
]) {
  test(`a stronger router comes back with two guarded instances in a sync group, ${name}`, () => {
    const stand = new Stand();
    const members = (i: number) => {
      const [first] = stand.config(i).vrrpInstances;
      assert.ok(first !== undefined);
      const own = { name: "W", vrid: vrid(52), virtualAddresses: [virtualAddress(vip2)], preempt: preempt || i > 0 };
      const later = preempt && i === 0 ? ms(1000) : ms(0);
      const second = instanceConfig({ ...first, ...own, preemptDelay: later });
      return daemonConfig([first, second], { syncGroups: [syncGroup("G", ["V", "W"])] });
    };
    stand.b.router.router.start(members(1));
    stand.run(SETTLE);
    assert.ok(stand.b.router.host.has(vip));
    stand.a.router.router.start(members(0));
    let without = 0;
    for (let t = 0; t < 5000; t += 5) {
      stand.run(5);
      if (!stand.nodes.some(({ router }) => router.host.has(vip))) without += 5;
    }
    const holders = stand.nodes.filter(({ router: { host } }) => host.has(vip) && host.has(vip2));
    assert.deepEqual(
      holders.map((node) => node.name),
      [holder],
    );
    assert.ok(without < 3 * INTERVAL, `${without} ms without a master`);
  });
}

for (const { name, lower, higher } of [
  { name: "crossed priorities", lower: [200, 100], higher: [100, 200] },
  { name: "equal priorities, and heartbeat addresses in another order", lower: [100, 100], higher: [100, 100] },
]) {
  test(`guarded sync groups with ${name} do not wait for each other: the lowest virtual router speaks for all`, () => {
    const stand = new Stand();
    const members = (i: number) => {
      const [first] = stand.config(i).vrrpInstances;
      assert.ok(first !== undefined);
      const own = (at: readonly number[]) => ({ ...first, basePriority: priority(at[i] ?? 0) });
      const [here, there] = i === 0 ? ["10.1.0.9", "10.1.0.2"] : ["10.1.0.2", "10.1.0.9"];
      const guard = guardConfig({ heartbeats: [heartbeat(here, there, { interval: ms(INTERVAL) })] });
      const place = { name: "W", vrid: vrid(52), virtualAddresses: [virtualAddress(vip2)], guard };
      const second = instanceConfig({ ...own(higher), ...place });
      return daemonConfig([second, instanceConfig(own(lower))], { syncGroups: [syncGroup("G", ["W", "V"])] });
    };
    for (const [i, { router }] of stand.nodes.entries()) router.router.start(members(i));
    stand.run(10_000);
    const holders = stand.nodes.filter(({ router: { host } }) => host.has(vip) && host.has(vip2));
    assert.deepEqual(
      holders.map((node) => node.name),
      [lower[0] === 200 ? "a" : "b"],
      stand.nodes.flatMap(({ router: { logs } }) => logs).join("\n"),
    );
  });
}

for (const { name, timeout, runs } of [
  { name: "another part of the guard: the script that runs is the one that counts", timeout: 30_000, runs: 1 },
  { name: "another script: it runs when the one before has ended", timeout: 20_000, runs: 2 },
]) {
  test(`a reload during the fencing script with ${name}`, () => {
    const stand = new Stand({ guard: { heartbeats: [], fence } });
    stand.a.host.scriptTakes = ms(5000);
    stand.start(0);
    stand.run(1000);
    assert.equal(stand.a.host.asked.length, 1);
    const guard = guardConfig({ fence: { ...fence, timeout: ms(timeout) }, tellsFifo: true });
    const next = daemonConfig([instanceConfig({ ...base, basePriority: priority(200), guard })]);
    stand.a.router.router.reload(next);
    stand.run(4000);
    assert.deepEqual([stand.a.host.asked.length, stand.masters()], [1, ""], "never beside itself");
    stand.run(1000);
    assert.equal(stand.masters(), runs === 1 ? "a" : "");
    stand.run(16_000);
    assert.deepEqual([stand.a.host.asked.length, stand.masters()], [runs, "a"]);
  });
}

test("a reload with another guard after the fencing script has succeeded does not fence again", () => {
  const stand = new Stand({ guard: { heartbeats: [], fence, probeAddress: ms(2000) } });
  stand.start(0);
  stand.run(1000);
  assert.deepEqual(stand.a.host.asked, ["/fence V", `probe ${vip}`]);
  const guard = guardConfig({ fence, probeAddress: ms(1000) });
  stand.a.router.router.reload(daemonConfig([instanceConfig({ ...base, basePriority: priority(200), guard })]));
  stand.run(SETTLE);
  assert.equal(stand.masters(), "a");
  assert.deepEqual(stand.a.host.asked, ["/fence V", `probe ${vip}`, `probe ${vip}`]);
});

/** A story: VRRP and its parts fail as the seed says; heartbeats get through, late, doubled and out of order. */
function story(seed: number, reducer: GuardReducer): { readonly two: number; readonly end: string } {
  const random = new Random(seed);
  const pick = (n: number): number => Math.floor(random.next() * n);
  const count = 2 + pick(2);
  const priorities = Array.from({ length: count }, () => 50 + pick(4) * 50);
  const stand = new Stand({ seed, reducer, priorities });
  stand.beats.delay = 1 + random.next() * 20;
  stand.beats.doubles = random.next() * 0.3;
  let two = 0;
  const starts = stand.nodes.map((_, i) => ({ i, at: pick(800) })).sort((x, y) => x.at - y.at);
  let now = 0;
  // The network is in parts before anybody could be master: who is cut later and heard before is another story.
  for (const { name } of stand.nodes) if (pick(2) === 0) stand.segment.setCut(name, true);
  for (const { i, at } of starts) {
    two += stand.run(at - now, 1);
    now = at;
    stand.start(i);
  }
  for (let i = 0; i < 6; i++) {
    two += stand.run(pick(1500), 1);
    for (const { name } of stand.nodes) stand.segment.setCut(name, pick(2) === 0);
  }
  two += stand.run(4000, 1);
  return { two, end: stand.masters() };
}

/** A master that is heard again after a cut gives way to the stronger one's heartbeat before that one claims. */
test("80 stories of cuts with a heartbeat path: never two masters, and in the end one", () => {
  for (let seed = 1; seed <= 80; seed++) {
    const { two, end } = story(seed, guardStep);
    assert.deepEqual({ seed, two, masters: end.length }, { seed, two: 0, masters: 1 });
  }
});

const mutations: readonly { readonly name: string; readonly reducer: GuardReducer }[] = [
  { name: "the guard is ignored", reducer: ignored },
  {
    name: "an answer is not waited for",
    reducer: (ctx, state, event) =>
      guardStep({ ...ctx, peers: ctx.peers.map((peer) => ({ ...peer, acknowledged: true })) }, state, event),
  },
  {
    name: "a candidate lets nobody go first",
    reducer: (ctx, state, event) => guardStep({ ...ctx, priority: priority(255) }, state, event),
  },
  {
    name: "a master's word is not heard",
    reducer: (ctx, state, event) =>
      guardStep(
        { ...ctx, peers: ctx.peers.map((peer) => (peer.state === "MASTER" ? { ...peer, state: "BACKUP" } : peer)) },
        state,
        event,
      ),
  },
  {
    name: "it never waits for heartbeats",
    reducer: (ctx, state, event) => guardStep({ ...ctx, peers: [] }, state, event),
  },
];

for (const { name, reducer } of mutations) {
  test(`the stories notice: ${name}`, () => {
    const seeds = Array.from({ length: 80 }, (_, i) => i + 1);
    assert.ok(seeds.some((seed) => story(seed, reducer).two > 0));
  });
}
