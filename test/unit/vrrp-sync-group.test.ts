import assert from "node:assert/strict";
import { test } from "node:test";
import type { VrrpInstanceConfig, VrrpScriptConfig } from "../../main/config/model.js";
import type { SyncGroupConfig } from "../../main/config/model-vrrp.js";
import { ms, priority, vrid } from "../../main/units.js";
import type { Resumption } from "../../main/vrrp/instance-types.js";
import type { VrrpState } from "../../main/vrrp/machine-types.js";
import { firstGroupState, type GroupState, groupStep, joinTracking, mayLead } from "../../main/vrrp/sync-group.js";
import { checkScript as check, syncGroup } from "../harness/config-fixtures.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, foreignAdvert, instanceConfig, SimRouter, virtualAddress } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** vrrp_sync_group: the pure half, and how instances move with it. Expectations: keepalived.conf(5) and a run of keepalived. */

const rows: readonly (readonly [from: GroupState, member: VrrpState, to: GroupState, order: object | undefined])[] = [
  ["BACKUP", "MASTER", "MASTER", { to: "MASTER" }],
  ["MASTER", "BACKUP", "BACKUP", { to: "BACKUP", rush: false }],
  ["MASTER", "FAULT", "FAULT", { to: "FAULT" }],
  ["BACKUP", "FAULT", "FAULT", { to: "FAULT" }],
  ["FAULT", "BACKUP", "BACKUP", { to: "BACKUP", rush: false }],
  ["INIT", "MASTER", "MASTER", { to: "MASTER" }],
  ["MASTER", "MASTER", "MASTER", undefined],
  ["FAULT", "FAULT", "FAULT", undefined],
  ["BACKUP", "BACKUP", "BACKUP", undefined],
  ["MASTER", "STOP", "MASTER", undefined],
];

for (const [from, member, to, order] of rows) {
  test(`group in ${from}, a member goes to ${member}: ${to}`, () => {
    assert.deepEqual(groupStep(from, member, false), { state: to, order });
  });
}

const fault = { kind: "interface-down", name: "eth1" } as const;
const clean = { faults: [], waiting: [] };
const member = (name: string, wantsMaster = false, own: object = {}) => ({
  name,
  wantsMaster,
  own: { ...clean, ...own },
});

test("where a group begins", () => {
  assert.equal(firstGroupState([member("A"), member("B", true)]), "BACKUP");
  assert.equal(firstGroupState([member("A", true), member("B", true)]), "INIT");
  assert.equal(firstGroupState([member("A"), member("B", false, { waiting: ["chk"] })]), "INIT");
  assert.equal(firstGroupState([member("A"), member("B", false, { faults: [fault], waiting: ["chk"] })]), "FAULT");
});

test("MASTER only when all others want it, or the group is there", () => {
  const [a, b, c] = [member("A"), member("B", true), member("C")];
  assert.equal(mayLead("BACKUP", [a, b], a), true);
  assert.equal(mayLead("BACKUP", [a, b, c], a), false);
  assert.equal(mayLead("MASTER", [a, b, c], a), true);
});

test("faults and waiting are shared, priorities are not", () => {
  const own = { effective: priority(90), faults: [], waiting: ["own"], contributions: [] };
  assert.deepEqual(joinTracking("G", own, "B", ["chk", "own"]), {
    ...own,
    faults: [{ kind: "sync-group", group: "G", member: "B" }],
    waiting: ["own", "chk"],
  });
  assert.equal(joinTracking("G", own, undefined, []), own);
});

test("a group of 1,000 that fails at once costs time in proportion", () => {
  const members = Array.from({ length: 1000 }, (_, i) => {
    const own = { name: `V${i}`, vrid: vrid(1 + (i % 255)), sourceAddress: "192.0.2.1", virtualAddresses: [] };
    return instanceConfig({ ...own, unicastPeers: [`198.51.${i >> 8}.${i & 255}`] });
  });
  const stand = new Stand({ members });
  const before = process.cpuUsage();
  for (const running of [false, true]) {
    stand.sim.host.setRunning(running);
    stand.clock.advance(0);
  }
  const { user, system } = process.cpuUsage(before);
  assert.equal(new Set(stand.sim.router.snapshot().map(({ state }) => state)).size, 1);
  // Measured: 0.2 s, and 0.1 s without a group. One step for each pair of members would be a million.
  assert.ok(user + system < 1_500_000, `${user + system} us`);
});

// --- with instances

const a = instanceConfig({ name: "A", vrid: vrid(1), virtualAddresses: [virtualAddress("192.0.2.101")] });
const b = instanceConfig({ name: "B", vrid: vrid(2), virtualAddresses: [virtualAddress("192.0.2.102")] });
const c = instanceConfig({ name: "C", vrid: vrid(3), virtualAddresses: [virtualAddress("192.0.2.103")] });

interface Options {
  readonly members?: readonly VrrpInstanceConfig[];
  readonly group?: Partial<SyncGroupConfig>;
  readonly scripts?: readonly VrrpScriptConfig[];
  readonly resume?: (key: string) => Resumption | undefined;
}

class Stand {
  readonly clock = new SimClock();
  readonly segment = new SimSegment(this.clock);
  readonly sim: SimRouter;
  readonly #scripts: readonly VrrpScriptConfig[];

  constructor({ members = [a, b], group = {}, scripts = [], resume }: Options = {}) {
    this.segment.delay = 0;
    this.#scripts = scripts;
    this.sim = new SimRouter("us", "192.0.2.1", this.clock, this.segment, resume === undefined ? {} : { resume });
    this.sim.router.start(this.config(members, group));
  }

  config(members: readonly VrrpInstanceConfig[], group: Partial<SyncGroupConfig> = {}) {
    const groups = [
      syncGroup(
        "G",
        members.map(({ name }) => name),
        group,
      ),
    ];
    return daemonConfig(members, { syncGroups: groups, vrrpScripts: this.#scripts });
  }

  states(): string {
    return this.sim.router
      .snapshot()
      .map((s) => `${s.config.name} ${s.state}`)
      .join(", ");
  }

  hear(config: VrrpInstanceConfig, at: number): void {
    this.segment.inject(foreignAdvert(config, at));
    this.clock.advance(0);
  }

  groupLog(): readonly string[] {
    return this.sim.logs.filter((line) => line.startsWith("VRRP_Group"));
  }
}

test("both timers end: the group becomes MASTER once, adverts and addresses in the order of the members", () => {
  const stand = new Stand();
  assert.deepEqual(
    stand.sim.take().filter((line) => line.startsWith("group")),
    ["group G -> BACKUP"],
  );
  stand.clock.advance(3700);
  assert.equal(stand.states(), "A MASTER, B MASTER");
  assert.deepEqual(stand.groupLog(), ["VRRP_Group(G) Syncing instances to MASTER state"]);
  const told = stand.sim.take().filter((line) => line.includes("->") || line.startsWith("a"));
  assert.deepEqual(told, [
    "advert 100 to 224.0.0.18",
    "add 192.0.2.102",
    "BACKUP -> MASTER",
    "advert 100 to 224.0.0.18",
    "add 192.0.2.101",
    "BACKUP -> MASTER",
    "group G -> MASTER",
  ]);
});

test("a member that follows somebody keeps the others back, and says so in wantstate", () => {
  const stand = new Stand();
  for (let i = 0; i < 10; i++) {
    stand.clock.advance(1000);
    stand.hear(b, 150);
  }
  assert.equal(stand.states(), "A BACKUP, B BACKUP");
  assert.deepEqual(
    stand.sim.router.snapshot().map((s) => s.wantState),
    ["MASTER", "BACKUP"],
  );
  stand.clock.advance(3700);
  assert.equal(stand.states(), "A MASTER, B MASTER");
});

test("a stronger master on one segment takes the whole group; nobody else says good-bye", () => {
  const stand = new Stand();
  stand.clock.advance(4000);
  stand.sim.take();
  stand.hear(a, 150);
  assert.equal(stand.states(), "A BACKUP, B BACKUP");
  assert.deepEqual(stand.sim.take(), [
    "delete 192.0.2.101",
    "MASTER -> BACKUP",
    "delete 192.0.2.102",
    "MASTER -> BACKUP",
    "group G -> BACKUP",
  ]);
});

test("a fault of one is a fault of all, and the last one that clears frees all", () => {
  const track = { trackScripts: [{ name: "chk", weight: 0, reverse: false }] };
  const stand = new Stand({ members: [a, { ...b, ...track }, c], scripts: [check] });
  assert.equal(stand.states(), "A INIT, B INIT, C INIT", "all wait for the script of one");
  stand.clock.advance(1000);
  stand.sim.exit("/chk", 0);
  assert.equal(stand.states(), "A BACKUP, B BACKUP, C BACKUP");
  stand.clock.advance(4000);
  assert.equal(stand.states(), "A MASTER, B MASTER, C MASTER");
  stand.sim.take();
  stand.clock.advance(1000);
  stand.sim.exit("/chk", 1);
  assert.equal(stand.states(), "A FAULT, B FAULT, C FAULT");
  const farewells = stand.sim.take().filter((line) => line.startsWith("advert 0")).length;
  assert.equal(farewells, 2 + 1 + 1, "two of the member that failed, one of each other");
  stand.clock.advance(5000);
  assert.equal(stand.states(), "A FAULT, B FAULT, C FAULT");
  stand.clock.advance(1000);
  stand.sim.exit("/chk", 0);
  assert.equal(stand.states(), "A BACKUP, B BACKUP, C BACKUP");
  assert.deepEqual(stand.groupLog().slice(-2), [
    "VRRP_Group(G) Syncing instances to FAULT state",
    "VRRP_Group(G) Syncing instances to BACKUP state",
  ]);
});

test("what the group tracks counts for every member", () => {
  const group = { trackScripts: [{ name: "chk", weight: -30, reverse: false }] };
  const stand = new Stand({ group, scripts: [check] });
  stand.clock.advance(1000);
  stand.sim.exit("/chk", 1);
  assert.deepEqual(
    stand.sim.router.snapshot().map((s) => s.effectivePriority),
    [70, 70],
  );
});

test("owners go straight to MASTER together; one that is no owner holds them back", () => {
  const owner = { basePriority: priority(255), initialState: "MASTER" } as const;
  const owners = new Stand({
    members: [
      { ...a, ...owner },
      { ...b, ...owner },
    ],
  });
  assert.equal(owners.states(), "A MASTER, B MASTER");
  assert.deepEqual(owners.groupLog(), ["VRRP_Group(G) Syncing instances to MASTER state"]);
  owners.sim.host.setRunning(false);
  assert.equal(owners.states(), "A FAULT, B FAULT");
  owners.sim.host.setRunning(true);
  assert.equal(owners.states(), "A MASTER, B MASTER");
  const mixed = new Stand({ members: [{ ...a, ...owner }, b] });
  assert.equal(mixed.states(), "A BACKUP, B BACKUP");
});

test("owners without addresses, which nobody's word of an address wakes: one that recovers takes the others along", () => {
  const owner = { basePriority: priority(255), initialState: "MASTER", virtualAddresses: [] } as const;
  const members = [
    { ...a, ...owner },
    { ...b, ...owner },
  ];
  const faulty = new Stand({ members });
  faulty.sim.host.setRunning(false);
  assert.equal(faulty.states(), "A FAULT, B FAULT");
  faulty.sim.host.setRunning(true);
  assert.equal(faulty.states(), "A MASTER, B MASTER");
  const track = { trackScripts: [{ name: "chk", weight: 0, reverse: false }] };
  const waiting = new Stand({ members: members.map((m) => ({ ...m, ...track })), scripts: [check] });
  assert.equal(waiting.states(), "A INIT, B INIT");
  waiting.clock.advance(1000);
  waiting.sim.exit("/chk", 0);
  assert.equal(waiting.states(), "A MASTER, B MASTER");
});

test("a lost address: every member says good-bye and is back after skew time", () => {
  const stand = new Stand();
  stand.clock.advance(4000);
  stand.sim.take();
  stand.sim.host.lose("192.0.2.102");
  assert.equal(stand.states(), "A BACKUP, B BACKUP");
  assert.equal(stand.sim.take().filter((line) => line.startsWith("advert 0")).length, 2);
  stand.clock.advance(610); // (256 - 100) / 256 s
  assert.equal(stand.states(), "A MASTER, B MASTER");
});

test("a weaker master on one segment: the others announce their addresses again", () => {
  const stand = new Stand();
  stand.clock.advance(20_000);
  stand.sim.take();
  stand.hear(a, 50);
  const announced = new Set(stand.sim.take().filter((line) => line.startsWith("garp")));
  assert.deepEqual(announced, new Set(["garp 192.0.2.101", "garp 192.0.2.102"]));
});

test("stop: the instances are told of first, then the group", async () => {
  const stand = new Stand();
  stand.clock.advance(4000);
  stand.sim.take();
  await stand.sim.router.stop({ release: true });
  const told = stand.sim.take().filter((line) => line.includes("->"));
  assert.deepEqual(told, ["MASTER -> STOP", "MASTER -> STOP", "group G -> STOP"]);
});

for (const { name, who, states, group } of [
  { name: "all of them", who: ["1", "2"], states: "A MASTER, B MASTER", group: [] },
  { name: "one of them", who: ["1"], states: "A BACKUP, B BACKUP", group: ["group G -> BACKUP"] },
]) {
  test(`restart of the daemon, MASTER before: ${name}`, () => {
    const resume = (key: string): Resumption | undefined =>
      who.includes(key.split(" ", 1)[0] ?? "") ? { state: "MASTER", lastAdvertBootMs: ms(999_900) } : undefined;
    const stand = new Stand({ resume });
    assert.equal(stand.states(), states);
    const told = stand.sim.take().filter((line) => line.startsWith("group"));
    assert.deepEqual(told, group, "nobody is told of what did not change");
    stand.hear(a, 150);
    assert.equal(stand.states(), "A BACKUP, B BACKUP");
  });
}

test("restart of the daemon, one of two owners was MASTER before: it does not resume, and all is told", () => {
  const owner = { basePriority: priority(255), initialState: "MASTER" } as const;
  const resume = (key: string): Resumption | undefined =>
    key.startsWith("2 ") ? { state: "MASTER", lastAdvertBootMs: ms(999_900) } : undefined;
  const stand = new Stand({
    members: [
      { ...a, ...owner },
      { ...b, ...owner },
    ],
    resume,
  });
  assert.equal(stand.states(), "A MASTER, B MASTER");
  const told = stand.sim.take().filter((line) => line.includes("->"));
  assert.deepEqual(told, ["INIT -> MASTER", "group G -> MASTER", "INIT -> MASTER"]);
});

test("reload: a group stays what it is; a member that is taken out goes its own way", () => {
  const stand = new Stand();
  stand.clock.advance(4000);
  stand.sim.take();
  stand.sim.router.reload(stand.config([a, b]));
  assert.deepEqual(stand.sim.take(), []);
  stand.sim.router.reload(daemonConfig([a, b]));
  assert.deepEqual(stand.sim.take(), []);
  stand.hear(a, 150);
  assert.equal(stand.states(), "A BACKUP, B MASTER");
  stand.sim.router.reload(stand.config([a, b]));
  assert.equal(stand.states(), "A BACKUP, B BACKUP");
});

test("reload: masters that are joined in a group stay masters, and scripts hear nothing of BACKUP", () => {
  const stand = new Stand();
  stand.clock.advance(4000);
  stand.sim.router.reload(daemonConfig([a, b]));
  stand.sim.take();
  stand.sim.router.reload(stand.config([a, b]));
  assert.deepEqual(stand.sim.take(), []);
  assert.equal(stand.sim.router.groups()[0]?.state, "MASTER");
});

test("reload: a member that comes holds the others back until it is ready too", () => {
  const stand = new Stand();
  stand.clock.advance(4000);
  stand.sim.router.reload(stand.config([a, b, c]));
  assert.equal(stand.states(), "A BACKUP, B BACKUP, C BACKUP");
  stand.clock.advance(3700);
  assert.equal(stand.states(), "A MASTER, B MASTER, C MASTER");
});
