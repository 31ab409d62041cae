import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteConfig, RuleConfig } from "../../main/config/model-routes.js";
import { entryText, type HostEntry } from "../../main/host-entry.js";
import { ms, vrid } from "../../main/units.js";
import type { EntryListener, HostEntries } from "../../main/vrrp/ports.js";
import { VrrpRouter } from "../../main/vrrp/router.js";
import { emptyConfig, virtualAddress } from "../harness/config-fixtures.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, instanceConfig, SimRouter, vip } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";
import { recordingLog } from "./notify-support.js";

/** Routes and rules of instances, over a host that only writes down what is asked of it. */
class FakeEntries implements HostEntries {
  readonly journal: string[];
  readonly there = new Set<string>();
  listener: EntryListener | undefined;

  constructor(journal: string[]) {
    this.journal = journal;
  }

  identity(entry: HostEntry): string {
    return entryText(entry);
  }

  add(entry: HostEntry, done: (errno: number) => void): void {
    this.journal.push(`add ${entryText(entry)}`);
    this.there.add(entryText(entry));
    done(0);
  }

  delete(entry: HostEntry, done: (errno: number) => void): void {
    if (this.there.delete(entryText(entry))) this.journal.push(`delete ${entryText(entry)}`);
    done(0);
  }

  subscribe(events: EntryListener): Disposable {
    this.listener = events;
    return { [Symbol.dispose]: () => void (this.listener = undefined) };
  }

  /** Somebody else deletes it. */
  lose(text: string): void {
    this.there.delete(text);
    this.listener?.onLost((entry) => entryText(entry) === text);
  }
}

const route = (address: string, changes: Partial<RouteConfig> = {}): RouteConfig =>
  ({
    ...{ family: "inet", type: 1, destination: { address, length: 24 }, table: 254, protocol: 18, tracked: true },
    ...{ device: "eth0", hops: [], ...changes },
  }) as RouteConfig;
const rule = (preference: number, changes: Partial<RuleConfig> = {}): RuleConfig =>
  ({ family: "inet", preference, tracked: true, action: { do: "nop" }, ...changes }) as RuleConfig;

const fast = { version: 3, advertInterval: ms(100) } as const;

function bench() {
  const clock = new SimClock();
  const segment = new SimSegment(clock);
  segment.delay = 0;
  // Its own router is not started: what is borrowed is its host, whose journal both write to.
  const sim = new SimRouter("us", "192.0.2.1", clock, segment);
  const entries = new FakeEntries(sim.journal);
  const { log, lines } = recordingLog();
  const blocked: string[] = [];
  /** What is blocked now, by its owner. */
  const blocking = new Map<string, readonly string[]>();
  const router = new VrrpRouter({
    clock,
    network: sim.host,
    entries,
    filter: {
      block: (owner, addresses, name) => {
        blocking.set(
          owner,
          addresses.map(({ address }) => address),
        );
        blocked.push(`${name}: ${addresses.map(({ address, on }) => `${address} on ${on}`).join(" ")}`);
        sim.journal.push(`block ${addresses.length}`);
      },
    },
    transport: segment.transport("us", () => undefined),
    sendFrame: () => 0,
    scripts: { run: () => undefined },
    log,
    onTransition: ({ from, to }) => void sim.journal.push(`${from} -> ${to}`),
    resume: () => undefined,
  });
  return { clock, sim, entries, router, lines, blocked, blocking };
}

const routed = instanceConfig({ ...fast, routes: [route("198.51.100.0")], rules: [rule(100)] });

test("filter, addresses, routes, rules; and back in the opposite order", async () => {
  const { clock, sim, router, blocked } = bench();
  router.start(daemonConfig([{ ...routed, accept: false }]));
  clock.advance(1000);
  assert.deepEqual(sim.take(), [
    ...[`delete ${vip}`, "INIT -> BACKUP", "block 1", `add ${vip}`, "add route 198.51.100.0/24"],
    ...["add rule preference 100 inet", "BACKUP -> MASTER"],
  ]);
  assert.deepEqual(blocked, [`V: ${vip} on eth0`]);
  await router.stop({ release: true });
  assert.deepEqual(sim.take(), [
    ...["delete rule preference 100 inet", "delete route 198.51.100.0/24", `delete ${vip}`, "block 0"],
    "MASTER -> STOP",
  ]);
});

test("the owner of the addresses, and who accepts, blocks nothing", () => {
  for (const changes of [{ accept: true }, { accept: false, basePriority: 255 as never }]) {
    const { clock, router, blocked } = bench();
    router.start(daemonConfig([{ ...routed, ...changes }]));
    clock.advance(1000);
    assert.ok(blocked.length > 0 && blocked.every((line) => line === "V: "), blocked.join());
  }
});

test("a reload that gives instances other names: what is blocked is what masters that do not accept have", () => {
  const { clock, router, blocking } = bench();
  const one = instanceConfig({ ...fast, name: "A", accept: false });
  const two = { ...one, name: "B", vrid: vrid(52), virtualAddresses: [virtualAddress("192.0.2.102")] };
  router.start(daemonConfig([one, two]));
  clock.advance(1000);
  const all = (): readonly string[] => [...blocking.values()].flat().toSorted();
  router.reload(
    daemonConfig([
      { ...one, name: "B" },
      { ...two, name: "A" },
    ]),
  );
  assert.deepEqual(all(), [vip, "192.0.2.102"], "names change places");
  router.reload(
    daemonConfig([
      { ...one, name: "C", accept: true },
      { ...two, name: "A" },
    ]),
  );
  assert.deepEqual(all(), ["192.0.2.102"]);
});

test("a tracked route that somebody deletes: the instance leaves, and comes back with everything", () => {
  const { clock, sim, entries, router } = bench();
  router.start(daemonConfig([routed]));
  clock.advance(1000);
  sim.take();
  entries.lose("route 198.51.100.0/24");
  clock.advance(1000);
  const told = sim.take().filter((line) => !line.startsWith("block"));
  assert.deepEqual(told, [
    ...["delete rule preference 100 inet", `delete ${vip}`, "MASTER -> BACKUP", `add ${vip}`],
    ...["add route 198.51.100.0/24", "add rule preference 100 inet", "BACKUP -> MASTER"],
  ]);
});

test("one that is not tracked is put back, and the instance stays", () => {
  const { clock, sim, entries, router, lines } = bench();
  router.start(daemonConfig([instanceConfig({ ...fast, routes: [route("198.51.100.0", { tracked: false })] })]));
  clock.advance(1000);
  sim.take();
  entries.lose("route 198.51.100.0/24");
  assert.deepEqual(sim.take(), ["add route 198.51.100.0/24"]);
  assert.match(JSON.stringify(lines), /route 198\.51\.100\.0\/24 was deleted by somebody else: putting it back/);
});

test("a reload of a master applies the difference; a backup has none", () => {
  const { clock, sim, router } = bench();
  router.start(daemonConfig([routed]));
  router.reload(daemonConfig([{ ...routed, rules: [] }]));
  assert.deepEqual(
    sim.take().filter((line) => /route|rule/.test(line)),
    [],
  );
  clock.advance(1000);
  sim.take();
  router.reload(daemonConfig([{ ...routed, routes: [route("198.51.101.0")] }]));
  assert.deepEqual(
    sim.take().filter((line) => /route|rule/.test(line)),
    ["delete route 198.51.100.0/24", "add route 198.51.101.0/24", "add rule preference 100 inet"],
  );
});

test("an interface of a tracked route that is missing is a fault; of one that is not tracked it is none", () => {
  for (const [tracked, state] of [
    [true, "FAULT"],
    [false, "MASTER"],
  ] as const) {
    const { clock, router } = bench();
    router.start(
      daemonConfig([instanceConfig({ ...fast, routes: [route("198.51.100.0", { device: "eth9", tracked })] })]),
    );
    clock.advance(1000);
    assert.equal(router.snapshot()[0]?.state, state);
  }
});

test("a static entry of a track group that somebody deletes is put back, and masters of the group give way", () => {
  const { clock, sim, entries, router } = bench();
  const address = { ...virtualAddress("192.0.2.50", { prefix: 24, dev: "eth0" }), trackGroup: "g" };
  const staticEntries = {
    ...{ addresses: [address], routes: [route("198.51.200.0", { trackGroup: "g" })] },
    rules: [rule(300, { trackGroup: "g" }), rule(400)],
  };
  const trackers = { files: [], processes: [], groups: [{ name: "g", members: ["V"] }] };
  router.start(emptyConfig({ vrrpInstances: [instanceConfig(fast)], staticEntries, trackers }));
  clock.advance(1000);
  const losses: readonly (readonly [what: string, lose: () => void, again: boolean])[] = [
    ["192.0.2.50", () => sim.host.lose("192.0.2.50"), true],
    ["route 198.51.200.0/24", () => entries.lose("route 198.51.200.0/24"), true],
    ["rule preference 300 inet", () => entries.lose("rule preference 300 inet"), true],
    ["rule preference 400 inet", () => entries.lose("rule preference 400 inet"), false],
  ];
  for (const [what, lose, again] of losses) {
    sim.take();
    lose();
    const told = sim.take();
    assert.ok(told.includes(`add ${what}`), `${what} is put back`);
    assert.equal(told.includes("MASTER -> BACKUP"), again, what);
    clock.advance(1000);
    assert.equal(router.snapshot()[0]?.state, "MASTER", what);
  }
});

for (const [order, first, second] of [
  ["before", "A", "B"],
  ["after", "B", "A"],
] as const) {
  test(`a reload hands address, route and rule to the instance ${order} it: all are there, and nobody leaves`, () => {
    const { clock, sim, entries, router, lines } = bench();
    const [plain, extra] = [virtualAddress(vip), virtualAddress("192.0.2.120", { prefix: 24 })];
    const other = virtualAddress("192.0.2.102");
    const own = { A: [plain], B: [other] };
    const config = (name: "A" | "B", has: boolean) =>
      instanceConfig({
        ...{ ...fast, name, vrid: vrid(name === "A" ? 51 : 52) },
        virtualAddresses: [...own[name], ...(has ? [extra] : [])],
        ...(has ? { routes: [route("198.51.100.0")], rules: [rule(100)] } : {}),
      });
    const both = (holder: string) => daemonConfig([config("A", holder === "A"), config("B", holder === "B")]);
    router.start(both(second));
    clock.advance(5000);
    sim.take();
    router.reload(both(first));
    sim.host.loseLate("192.0.2.120"); // word of our own deletion comes when the other one has it
    clock.advance(5000);
    assert.ok(!sim.take().some((line) => line.includes(" -> ")), "a transition");
    assert.equal(sim.host.has("192.0.2.120"), true);
    assert.deepEqual([...entries.there], ["route 198.51.100.0/24", "rule preference 100 inet"]);
    assert.doesNotMatch(JSON.stringify(lines), /by somebody else|no longer exist/);
  });
}

test("a route of two masters stays until the second of them leaves", async () => {
  const { clock, entries, router } = bench();
  const shared = { ...fast, routes: [route("198.51.100.0")] };
  const one = instanceConfig({ ...shared, name: "A" });
  const two = instanceConfig({ ...shared, name: "B", vrid: vrid(52) });
  router.start(daemonConfig([one, two]));
  clock.advance(5000);
  router.reload(daemonConfig([two]));
  assert.deepEqual([...entries.there], ["route 198.51.100.0/24"]);
  await router.stop({ release: true });
  assert.deepEqual([...entries.there], []);
});

test("a reload with no_track, or without: nothing on the host, and a loss counts as it says now", () => {
  const config = (tracked: boolean) => {
    const address = virtualAddress(vip, { prefix: 24 });
    return instanceConfig({
      ...fast,
      virtualAddresses: [{ ...address, more: { ...address.more, tracked } }],
      routes: [route("198.51.100.0", { tracked })],
    });
  };
  for (const tracked of [false, true]) {
    const { clock, sim, entries, router } = bench();
    router.start(daemonConfig([config(!tracked)]));
    clock.advance(5000);
    sim.take();
    router.reload(daemonConfig([config(tracked)]));
    assert.ok(!sim.take().some((line) => /^(add|delete) /.test(line)));
    for (const lose of [() => sim.host.lose(vip), () => entries.lose("route 198.51.100.0/24")]) {
      lose();
      assert.equal(router.snapshot()[0]?.state, tracked ? "BACKUP" : "MASTER");
      clock.advance(5000);
    }
  }
});

test("an address that a reload deletes and adds again, and one that is put back: what the kernel dropped with it returns", () => {
  const { clock, sim, entries, router } = bench();
  const labelled = (label: string | undefined) => ({ ...virtualAddress(vip, { prefix: 24 }), label });
  const fixed = (label: string | undefined) => ({
    ...virtualAddress("192.0.2.50", { prefix: 24, dev: "eth0", label }),
    trackGroup: undefined,
  });
  const config = (label: string | undefined) =>
    emptyConfig({
      vrrpInstances: [
        instanceConfig({
          ...fast,
          virtualAddresses: [labelled(label)],
          routes: [route("198.51.100.0", { source: vip })],
        }),
      ],
      staticEntries: { addresses: [fixed(label)], routes: [route("198.51.200.0")], rules: [] },
    });
  router.start(config(undefined));
  clock.advance(5000);
  entries.there.clear(); // without a word
  router.reload(config("eth0:1"));
  assert.deepEqual(entries.there, new Set(["route 198.51.200.0/24", "route 198.51.100.0/24"]));
  clock.advance(5000);
  entries.there.clear();
  sim.host.lose("192.0.2.50");
  assert.deepEqual([...entries.there], ["route 198.51.200.0/24"]);
});

test("two routes to one place over two interfaces: both are taken away", async () => {
  const { clock, sim, entries, router } = bench();
  const asked: (string | undefined)[] = [];
  entries.delete = (entry, done) => {
    asked.push(entry.kind === "route" ? entry.route.device : undefined);
    done(0);
  };
  const two = [route("198.51.100.0"), route("198.51.100.0", { device: "eth1", tracked: false })];
  router.start(daemonConfig([instanceConfig({ ...fast, routes: two })]));
  clock.advance(1000);
  asked.splice(0);
  await router.stop({ release: true });
  assert.deepEqual(asked, ["eth1", "eth0"]);
  sim.take();
});

test("a snapshot tells which routes and rules are there", () => {
  const { clock, router } = bench();
  router.start(daemonConfig([routed]));
  const set = (): unknown => router.snapshot().map(({ routesSet, rulesSet }) => [routesSet, rulesSet]);
  assert.deepEqual(set(), [[[false], [false]]]);
  clock.advance(1000);
  assert.deepEqual(set(), [[[true], [true]]]);
});

test("static entries: there before the instances, gone after them, put back; a restart finds the link again", async () => {
  const { clock, sim, entries, router } = bench();
  const address = { ...virtualAddress("192.0.2.50", { prefix: 24, dev: "eth0" }), trackGroup: undefined };
  const staticEntries = { addresses: [address], routes: [route("198.51.200.0")], rules: [rule(300)] };
  router.start(emptyConfig({ vrrpInstances: [routed], staticEntries }));
  clock.advance(1000);
  const first = sim.take().filter((line) => !line.startsWith("block"));
  assert.deepEqual(first.slice(0, 4), [
    ...["add 192.0.2.50", "add route 198.51.200.0/24", "add rule preference 300 inet", `delete ${vip}`],
  ]);
  entries.lose("rule preference 300 inet");
  sim.host.lose("192.0.2.50");
  // The route may have gone with the address.
  assert.deepEqual(sim.take(), ["add rule preference 300 inet", "add 192.0.2.50", "add route 198.51.200.0/24"]);
  entries.listener?.onUnknown();
  assert.equal(sim.take().filter((line) => line.startsWith("add r")).length, 4, "all are added again");
  await router.stop({ release: true });
  const last = sim.take();
  assert.deepEqual(last.slice(-3), [
    ...["delete rule preference 300 inet", "delete route 198.51.200.0/24", "delete 192.0.2.50"],
  ]);
});

test("a reload that takes an address away: what the kernel takes with it is no loss, and is put back", () => {
  const { clock, sim, entries, router } = bench();
  const [first, second] = [
    virtualAddress("192.0.2.101", { prefix: 24 }),
    virtualAddress("192.0.2.102", { prefix: 24 }),
  ];
  router.start(daemonConfig([{ ...routed, virtualAddresses: [first, second] }]));
  clock.advance(1000);
  sim.take();
  router.reload(daemonConfig([{ ...routed, virtualAddresses: [second] }]));
  sim.host.lose("192.0.2.102"); // the other one of its subnet, where promote_secondaries is off
  entries.lose("route 198.51.100.0/24");
  clock.advance(50);
  const told = sim.take().filter((line) => /^(add|delete|[A-Z]+ -> )/.test(line));
  assert.equal(told[0], "delete 192.0.2.101");
  assert.ok(told.includes("add 192.0.2.102"));
  assert.ok(!told.some((line) => line.includes(" -> ")), told.join());
  assert.deepEqual(new Set(entries.there), new Set(["route 198.51.100.0/24", "rule preference 100 inet"]));
  clock.advance(2000);
  sim.take();
  entries.lose("route 198.51.100.0/24");
  clock.advance(1);
  assert.ok(sim.take().includes("MASTER -> BACKUP"), "later on it is somebody else's doing");
});
