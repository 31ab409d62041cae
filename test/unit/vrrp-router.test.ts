import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import type { VrrpInstanceConfig, VrrpScriptConfig } from "../../main/config/model.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { ms, priority, vrid } from "../../main/units.js";
import { instanceKey } from "../../main/vrrp/instance-key.js";
import { encodeAdvert } from "../../main/vrrp/packet.js";
import type { NetworkChange } from "../../main/vrrp/ports.js";
import { checkScript } from "../harness/config-fixtures.js";
import { SimClock } from "../simulation/sim-clock.js";
import {
  daemonConfig,
  instanceConfig,
  SimRouter,
  type SimRouterOptions,
  vip,
  virtualAddress,
} from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** The shell around the reducer, over a fake host. */

const own: IpAddress = "192.0.2.1";
const peer: IpAddress = "192.0.2.9";
const fast = { version: 3, advertInterval: ms(100) } as const;

interface Bench {
  readonly clock: SimClock;
  readonly segment: SimSegment;
  readonly sim: SimRouter;
}

function bench(options: SimRouterOptions = {}): Bench {
  const clock = new SimClock();
  const segment = new SimSegment(clock);
  segment.delay = 0;
  return { clock, segment, sim: new SimRouter("us", own, clock, segment, options) };
}

function running(configs: readonly VrrpInstanceConfig[], duration = 10_000): Bench {
  const made = bench();
  made.sim.router.start(daemonConfig(configs));
  made.clock.advance(duration);
  made.sim.take();
  return made;
}

/** An advert of another router for our virtual router. */
function hear({ clock, segment }: Bench, config: VrrpInstanceConfig, at: number, changes: object = {}): void {
  const spec = {
    version: config.version,
    vrid: config.vrid,
    interval: config.advertInterval,
    addresses: config.virtualAddresses.map((a) => a.address),
    authPass: config.authPass,
    source: peer,
    destination: "224.0.0.18",
    ...changes,
  };
  segment.inject(encodeAdvert(spec, priority(at), 1));
  clock.advance(0);
}

const garps = (address: IpAddress, count: number) => Array.from({ length: count }, () => `garp ${address}`);

test("becoming master: advert, then addresses, then ARPs, then everybody is told, in one turn", () => {
  const { clock, sim } = bench();
  sim.router.start(daemonConfig([instanceConfig(fast)]));
  assert.deepEqual(sim.take(), [`delete ${vip}`, "INIT -> BACKUP"]);
  clock.advance(360.9375);
  const takeover = ["advert 100 to 224.0.0.18", `add ${vip}`, ...garps(vip, 5), "BACKUP -> MASTER"];
  assert.deepEqual(sim.take(), takeover);
  assert.deepEqual(sim.logs, ["(V) Entering BACKUP STATE (init)", "(V) Entering MASTER STATE"]);
});

test("with -D: the sentences in keepalived's order", () => {
  const { clock, sim } = bench({ detail: true });
  sim.router.start(daemonConfig([instanceConfig(fast)]));
  clock.advance(400);
  assert.deepEqual(sim.logs, [
    "(V) Entering BACKUP STATE (init)",
    "(V) Receive advertisement timeout",
    "(V) Entering MASTER STATE",
    "(V) setting VIPs.",
    `(V) Sending/queueing gratuitous ARPs on eth0 for ${vip}`,
  ]);
});

test("adverts keep their rhythm, also after a stall", () => {
  const { clock, sim } = running([instanceConfig(fast)], 400);
  const due = sim.router.snapshot()[0]?.nextAdvertAt ?? ms(0);
  clock.advance(1000);
  assert.equal(sim.take().length, 10);
  assert.equal(((sim.router.snapshot()[0]?.nextAdvertAt ?? 0) - due) % 100, 0);
  clock.stall(450);
  clock.advance(0);
  assert.deepEqual(sim.take(), ["advert 100 to 224.0.0.18"]);
});

test("a stalled backup reads waiting adverts before it takes over", () => {
  const config = instanceConfig(fast);
  const made = running([config], 100);
  hear(made, config, 200);
  made.clock.stall(1000);
  made.clock.advance(0);
  assert.equal(made.sim.state(), "BACKUP");
  hear(made, config, 200); // was in the socket all the time
  made.clock.advance(5);
  assert.equal(made.sim.state(), "BACKUP");
  made.clock.advance(360);
  assert.equal(made.sim.state(), "MASTER");
});

test("a stalled backup without waiting adverts takes over a millisecond later", () => {
  const made = running([instanceConfig(fast)], 100);
  made.clock.stall(1000);
  made.clock.advance(1);
  assert.equal(made.sim.state(), "MASTER");
});

test("stop: farewell, addresses removed, ARPs ended, nothing armed", async () => {
  const { clock, sim } = running([instanceConfig()], 4000);
  await sim.router.stop({ release: true });
  assert.deepEqual(sim.take(), ["advert 0 to 224.0.0.18", `delete ${vip}`, "MASTER -> STOP"]);
  assert.equal(clock.pending, 0);
});

test("stop without release: nothing is sent or removed", async () => {
  const { clock, sim } = running([instanceConfig()]);
  await sim.router.stop({ release: false });
  assert.deepEqual(sim.take(), ["MASTER -> STOP"]);
  assert.equal(clock.pending, 0);
});

for (const { name, state, age, resumes } of [
  { name: "within two intervals", state: "MASTER", age: 200, resumes: true },
  { name: "later", state: "MASTER", age: 201, resumes: false },
  { name: "was BACKUP", state: "BACKUP", age: 10, resumes: false },
] as const) {
  test(`restart of the daemon: ${name}: ${resumes ? "goes on as MASTER" : "addresses removed, BACKUP"}`, () => {
    const config = instanceConfig(fast);
    const asked: string[] = [];
    const resume = (key: string) => {
      asked.push(key);
      return { state, lastAdvertBootMs: ms(1_000_000 - age) };
    };
    const { sim } = bench({ resume });
    sim.host.gain(vip);
    sim.router.start(daemonConfig([config]));
    const want = resumes ? ["advert 100 to 224.0.0.18", `add ${vip}`] : [`delete ${vip}`, "INIT -> BACKUP"];
    assert.deepEqual(sim.take(), want);
    assert.deepEqual(asked, [instanceKey(config)]);
    assert.equal(sim.host.has(vip), resumes);
  });
}

test("while somebody takes our place, what he deletes is put back in silence; afterwards it is a loss again", () => {
  const { sim } = running([instanceConfig(fast)]);
  sim.router.keep(true);
  sim.host.lose(vip);
  assert.deepEqual(sim.take(), [`add ${vip}`]);
  assert.ok(sim.host.has(vip));
  sim.router.keep(false);
  sim.host.lose(vip);
  assert.ok(sim.take().includes("MASTER -> BACKUP"));
});

test("an address deleted by somebody else: farewell, and back after skew time with everything", () => {
  const { clock, sim } = running([instanceConfig(fast)]);
  sim.host.lose(vip);
  assert.deepEqual(sim.take(), ["advert 0 to 224.0.0.18", `delete ${vip}`, "MASTER -> BACKUP"]);
  assert.ok(sim.logs.includes(`(V) ip address ${vip}/24 dev eth0, no longer exist`));
  clock.advance(60.9375);
  assert.equal(sim.host.has(vip), true);
});

test("an address deleted by somebody else and added by us before we heard of it is not left on a backup", () => {
  const { sim } = running([instanceConfig(fast)]);
  sim.host.loseLate(vip);
  assert.deepEqual(sim.take(), ["advert 0 to 224.0.0.18", `delete ${vip}`, "MASTER -> BACKUP"]);
  assert.equal(sim.host.has(vip), false);
});

test("a late notification of our own deletion is not mistaken for somebody else's", () => {
  const { clock, sim } = bench();
  sim.router.start(daemonConfig([instanceConfig(fast)]));
  clock.advance(361);
  sim.take();
  sim.host.lose(vip); // the kernel tells of the deletion at start only now
  assert.deepEqual(sim.take(), [`add ${vip}`]);
  assert.equal(sim.state(), "MASTER");
});

test("interface down and up", () => {
  const { clock, sim } = running([instanceConfig()]);
  sim.host.setRunning(false);
  assert.deepEqual(sim.take(), [
    "advert 0 to 224.0.0.18",
    "advert 0 to 224.0.0.18",
    `delete ${vip}`,
    "MASTER -> FAULT",
  ]);
  clock.advance(60_000);
  sim.host.setRunning(true);
  assert.deepEqual(sim.take(), ["FAULT -> BACKUP"]);
  assert.deepEqual(sim.logs.slice(-4), [
    "Netlink reports eth0 down",
    "(V) Entering FAULT STATE",
    "Netlink reports eth0 up",
    "(V) Entering BACKUP STATE",
  ]);
});

test("missing interface and missing source address are faults that heal", () => {
  const { clock, sim } = bench();
  sim.host.lose(own);
  sim.router.start(daemonConfig([instanceConfig()]));
  assert.equal(sim.state(), "FAULT");
  assert.ok(sim.logs.includes("(V) entering FAULT state (no IPv4 address for interface)"));
  sim.host.gain(own);
  assert.equal(sim.state(), "BACKUP");
  clock.advance(10_000);
  sim.host.removeLink();
  assert.equal(sim.state(), "FAULT");
});

test("a socket that cannot be opened is a fault, told once and tried again", () => {
  const { clock, sim } = bench();
  sim.transportError = new Error("Operation not permitted");
  sim.router.start(daemonConfig([instanceConfig()]));
  clock.advance(20_000);
  const told = sim.logs.filter((line) => line.includes("cannot send or receive adverts"));
  assert.deepEqual(told, ["(V) cannot send or receive adverts: Operation not permitted; retrying every 5 s"]);
  assert.equal(sim.state(), "FAULT");
  sim.transportError = undefined;
  clock.advance(5000);
  assert.equal(sim.state(), "BACKUP");
});

test("an interface without multicast is a fault for who begins there; who speaks already goes on", () => {
  const { sim } = bench();
  sim.host.setMulticast(false);
  sim.router.start(daemonConfig([instanceConfig()]));
  assert.equal(sim.state(), "FAULT");
  assert.ok(sim.logs.some((line) => line.includes("interface eth0 does not support multicast, specify unicast peers")));
  sim.host.setMulticast(true);
  assert.equal(sim.state(), "BACKUP");
  sim.host.setMulticast(false);
  assert.equal(sim.state(), "BACKUP");

  const unicast = bench();
  unicast.sim.host.setMulticast(false);
  unicast.sim.router.start(daemonConfig([instanceConfig({ unicastPeers: [peer] })]));
  assert.equal(unicast.sim.state(), "BACKUP");
});

const script = (changes: Partial<VrrpScriptConfig> = {}): VrrpScriptConfig => ({ ...checkScript, ...changes });

test("script without weight: wait in silence, then BACKUP; a failure is a fault", () => {
  const { clock, sim } = bench();
  const tracked = instanceConfig({ trackScripts: [{ name: "chk", weight: 0, reverse: false }] });
  sim.router.start(daemonConfig([tracked], { vrrpScripts: [script()] }));
  clock.advance(0);
  assert.deepEqual([sim.state(), sim.logs], ["INIT", []]);
  sim.exit("/chk", 0);
  assert.equal(sim.state(), "BACKUP");
  clock.advance(1000);
  sim.exit("/chk", 1);
  assert.equal(sim.state(), "FAULT");
  assert.deepEqual(sim.logs, [
    "VRRP_Script(chk) succeeded",
    "(V) Entering BACKUP STATE",
    "Script `chk` now returning 1",
    "VRRP_Script(chk) failed (exited with status 1)",
    "(V) Entering FAULT STATE",
  ]);
});

test("an instance in FAULT stays there over a crash of the daemon, until its script has passed as often as it has to", () => {
  const memory = new LastingState(new StateSlab(Buffer.alloc(64 * 64))).tracks;
  const tracked = instanceConfig({ trackScripts: [{ name: "chk", weight: 0, reverse: false }] });
  const config = daemonConfig([tracked], { vrrpScripts: [script({ rise: 2 })] });
  const start = (): Bench => {
    const made = bench({ trackMemory: memory });
    made.sim.router.start(config);
    made.clock.advance(0);
    return made;
  };
  start().sim.exit("/chk", 1);

  const { clock, sim } = start();
  assert.equal(sim.state(), "FAULT");
  sim.exit("/chk", 0);
  assert.equal(sim.state(), "FAULT");
  clock.advance(1000);
  sim.exit("/chk", 0);
  assert.deepEqual(
    sim.transitions.map(({ from, to }) => `${from} -> ${to}`),
    ["INIT -> FAULT", "FAULT -> BACKUP"],
  );
  assert.equal(start().sim.state(), "BACKUP", "what it knows now outlives the next crash");

  const other = bench({ trackMemory: memory });
  other.sim.router.start(
    daemonConfig([tracked], { vrrpScripts: [script({ command: { ...checkScript.command, argv: ["/other"] } })] }),
  );
  assert.equal(other.sim.state(), "INIT", "another command is another script");
});

test("script that is still running is not started again; a reload keeps its result", () => {
  const { clock, sim } = bench();
  const tracked = instanceConfig({ trackScripts: [{ name: "chk", weight: 20, reverse: false }] });
  sim.router.start(daemonConfig([tracked], { vrrpScripts: [script()] }));
  clock.advance(1000);
  assert.deepEqual(sim.logs.slice(-1), ["Track script chk is already running, expect idle - skipping run"]);
  sim.exit("/chk", 0);
  assert.equal(sim.router.snapshot()[0]?.effectivePriority, 120);
  sim.router.reload(daemonConfig([tracked], { vrrpScripts: [script({ interval: ms(2000) })] }));
  assert.deepEqual(sim.logs.slice(-1), ["VRRP_Script(chk) considered successful on reload"]);
  assert.equal(sim.router.snapshot()[0]?.effectivePriority, 120);
});

test("reload without change: nothing on the wire, nothing on the host", () => {
  const { sim } = running([instanceConfig()]);
  const moved = instanceConfig({ at: { file: "other.conf", line: 99, column: 1 } });
  sim.router.reload(daemonConfig([moved]));
  assert.deepEqual(sim.take(), []);
});

test("reload: addresses differ", () => {
  const { sim } = running([instanceConfig({ virtualAddresses: [virtualAddress(vip), virtualAddress("192.0.2.101")] })]);
  const addresses = [virtualAddress(vip), virtualAddress("192.0.2.102")];
  sim.router.reload(daemonConfig([instanceConfig({ name: "renamed", virtualAddresses: addresses })]));
  const want = ["delete 192.0.2.101", "add 192.0.2.102", "advert 100 to 224.0.0.18", ...garps("192.0.2.102", 5)];
  assert.deepEqual(sim.take(), want);
  assert.equal(sim.state("renamed"), "MASTER");
});

test("reload: priority differs: the next advert has it, no flap", () => {
  const { sim } = running([instanceConfig()]);
  sim.router.reload(daemonConfig([instanceConfig({ basePriority: priority(150) })]));
  assert.deepEqual(sim.take(), ["advert 150 to 224.0.0.18"]);
  assert.deepEqual(sim.transitions.at(-1)?.to, "MASTER");
});

test("reload: a backup becomes the owner of the addresses: MASTER at once", () => {
  const made = running([instanceConfig()], 1000);
  const { clock, sim } = made;
  hear(made, instanceConfig(), 200);
  const owner = instanceConfig({ basePriority: priority(255), initialState: "MASTER" });
  sim.router.reload(daemonConfig([owner]));
  clock.advance(1);
  assert.deepEqual(sim.take(), ["advert 255 to 224.0.0.18", `add ${vip}`, ...garps(vip, 5), "BACKUP -> MASTER"]);
});

test("reload: one instance goes, another comes with its address", () => {
  const { clock, sim } = running([instanceConfig()]);
  sim.router.reload(daemonConfig([instanceConfig({ name: "W", vrid: vrid(52) })]));
  const gone = ["advert 0 to 224.0.0.18", `delete ${vip}`, "MASTER -> FAULT"];
  assert.deepEqual(sim.take(), [...gone, `delete ${vip}`, "INIT -> BACKUP"]);
  clock.advance(4000);
  assert.equal(sim.state("W"), "MASTER");
});

test("reload: an instance that comes does not delete what a running one holds", () => {
  const { sim } = running([instanceConfig()]);
  sim.router.reload(daemonConfig([instanceConfig(), instanceConfig({ name: "W", vrid: vrid(52) })]));
  assert.deepEqual(sim.take(), ["INIT -> BACKUP"]);
  assert.equal(sim.host.has(vip), true);
});

test("take-over: what the daemon before had goes, but not what any instance has today", () => {
  const clock = new SimClock();
  const sim = new SimRouter("us", "192.0.2.1", clock, new SimSegment(clock));
  const v = instanceConfig({ name: "V", vrid: vrid(1), virtualAddresses: [virtualAddress("192.0.2.101")] });
  const moved = virtualAddress("192.0.2.103");
  const w = instanceConfig({ name: "W", vrid: vrid(2), virtualAddresses: [moved] });
  sim.router.start(daemonConfig([v, w]));
  clock.advance(4000);
  sim.take();
  const before = { ...v, virtualAddresses: [...v.virtualAddresses, virtualAddress("192.0.2.102"), moved] };
  const gone = instanceConfig({ name: "X", vrid: vrid(3), virtualAddresses: [virtualAddress("192.0.2.104")] });
  assert.ok([...sim.router.releasingLeft([before, gone])].length > 2, "an instance at a time");
  assert.deepEqual(sim.take(), ["delete 192.0.2.102", "delete 192.0.2.104"]);
});

test("unicast: one advert per peer, instances with the same VRID told apart by peer", () => {
  const unicast = { ...fast, sourceAddress: own } as const;
  const a = instanceConfig({ ...unicast, name: "A", unicastPeers: [peer, "192.0.2.8"] });
  const b = instanceConfig({ ...unicast, name: "B", unicastPeers: ["192.0.2.7"] });
  const made = running([a, b], 100);
  hear(made, b, 200, { source: "192.0.2.7", destination: own });
  made.clock.advance(300);
  assert.deepEqual([made.sim.state("A"), made.sim.state("B")], ["MASTER", "BACKUP"]);
  assert.deepEqual(made.sim.take().slice(0, 2), [`advert 100 to ${peer}`, "advert 100 to 192.0.2.8"]);
});

test("defects of adverts are counted each time and logged once per master", () => {
  const config = instanceConfig({ authPass: "secret" });
  const made = running([config], 100);
  for (let i = 0; i < 3; i++) hear(made, config, 200, { authPass: "wrong" });
  const counters = made.sim.router.snapshot()[0]?.counters;
  assert.deepEqual([counters?.auth_failure, counters?.advert_rcvd], [3, 0]);
  assert.equal(made.sim.logs.filter((line) => line.includes("invalid passwd")).length, 1);
  made.sim.router.clearStats();
  assert.equal(made.sim.router.snapshot()[0]?.counters.auth_failure, 0);
});

test("a flood of adverts is answered, counted, and not logged line by line", () => {
  const config = instanceConfig();
  const made = running([config], 10_000);
  const before = made.sim.logs.length;
  const others = { addresses: ["192.0.2.77"] };
  for (let i = 0; i < 1000; i++) hear(made, config, 50, { ...others, source: i % 2 === 0 ? peer : "192.0.2.7" });
  const flood = made.sim.logs.slice(before);
  // Ten lines of each of the two kinds: the rule that is broken, and what is done about the weaker router.
  assert.equal(flood.length, 20);
  assert.equal(made.sim.take().filter((line) => line.startsWith("advert 100")).length, 1000);
  assert.equal(made.sim.router.snapshot()[0]?.counters.advert_rcvd, 1000);

  made.clock.advance(1000);
  hear(made, config, 50, others);
  const after = made.sim.logs.slice(before + flood.length);
  assert.deepEqual(
    after.filter((line) => line.includes("left out")),
    ["(V) 990 more messages like the next one were left out: too many adverts"].flatMap((line) => [line, line]),
  );
});

test("transitions are logged however often they are forced", () => {
  const config = instanceConfig(fast);
  const made = running([config], 1000);
  const before = made.sim.logs.length;
  for (let i = 0; i < 30; i++) {
    hear(made, config, 200);
    hear(made, config, 0);
    made.clock.advance(300);
  }
  const entered = made.sim.logs.slice(before).filter((line) => line.includes("Entering"));
  assert.equal(entered.length, 60);
});

test("an interface that is renamed under a master does not keep the address", () => {
  const made = running([instanceConfig(fast)]);
  made.sim.host.removeLink(); // that is how a rename looks: the name is gone, the index is there
  assert.equal(made.sim.state(), "FAULT");
  assert.ok(made.sim.take().includes(`delete ${vip}`));
  assert.equal(made.sim.host.has(vip), false);
});

test("virtual addresses that come and go do not have every instance look at its interface", () => {
  const many = (i: number, count: number) =>
    Array.from({ length: count }, (_, j) => virtualAddress(`10.0.${i}.${j + 1}`));
  const configs = Array.from({ length: 50 }, (_, i) =>
    instanceConfig({ ...fast, name: `V${i}`, vrid: vrid(i + 1), virtualAddresses: many(i, 20) }),
  );
  const { clock, sim } = bench();
  let looks = 0;
  const { addresses } = sim.host;
  sim.host.addresses = (index) => {
    looks += 1;
    return addresses.call(sim.host, index);
  };
  sim.router.start(daemonConfig(configs));
  clock.advance(1000);
  assert.ok(configs.every(({ name }) => sim.state(name) === "MASTER"));
  assert.ok(looks < 10 * configs.length, `${looks} for 50 instances with 20 addresses each`);
});

test("an address on an interface of nobody costs the same with one owner of addresses as with fifty", () => {
  const asked = (count: number): number => {
    const configs = Array.from({ length: count }, (_, i) =>
      instanceConfig({ ...fast, name: `V${i}`, vrid: vrid(i + 1), basePriority: priority(255) }),
    );
    const { sim } = bench();
    const listeners: ((change: NetworkChange) => void)[] = [];
    const { subscribe, link } = sim.host;
    sim.host.subscribe = (listener) => {
      listeners.push(listener);
      return subscribe.call(sim.host, listener);
    };
    sim.router.start(daemonConfig(configs));
    let lookUps = 0;
    sim.host.link = (name) => {
      lookUps += 1;
      return link.call(sim.host, name);
    };
    const elsewhere = { interfaceIndex: 99, address: vip, prefix: 24, tentative: false };
    for (const listener of listeners) listener({ kind: "address", address: elsewhere });
    return lookUps;
  };
  assert.equal(asked(50), asked(1));
});

test("the owner of an address that has no other source uses it as soon as it is there", () => {
  const { clock, sim } = bench();
  sim.router.start(daemonConfig([instanceConfig({ ...fast, basePriority: priority(255) })]));
  sim.host.lose(own);
  clock.advance(1000);
  sim.host.gain(vip);
  assert.equal(sim.router.snapshot()[0]?.source, vip);
});

test("an address that moves from one master to a new instance is not taken from the host", () => {
  const a = instanceConfig({ ...fast, name: "A", vrid: vrid(1) });
  const { clock, sim } = running([a]);
  sim.router.reload(daemonConfig([a, instanceConfig({ ...fast, name: "B", vrid: vrid(2) })]));
  assert.ok(!sim.take().includes(`delete ${vip}`));
  clock.advance(1000);
});

test("snapshots are made one by one, each when it is asked for", () => {
  const { sim } = running([instanceConfig({ name: "A" }), instanceConfig({ name: "B", vrid: vrid(52) })]);
  const snapshots = sim.router.snapshots();
  const sent = (): number | undefined => snapshots.next().value?.counters.advert_sent;
  assert.notEqual(sent(), 0);
  sim.router.clearStats();
  assert.equal(sent(), 0);
});

test("snapshot: why", () => {
  const config = instanceConfig({ trackInterfaces: [{ name: "eth1", weight: -30, reverse: false }] });
  const made = running([config], 100);
  hear(made, config, 200);
  const [snapshot] = made.sim.router.snapshot();
  assert.ok(snapshot !== undefined);
  const { state, effectivePriority, master, contributions, masterDownAt, lastTransition } = snapshot;
  assert.deepEqual([state, effectivePriority, master?.address], ["BACKUP", 70, peer]);
  assert.deepEqual(contributions, [{ tracker: "interface", name: "eth1", state: "down", delta: -30 }]);
  assert.equal(masterDownAt, 1_000_100 + 3000 + ((256 - 70) * 1000) / 256);
  assert.equal(lastTransition?.because, "startup");
});
