import assert from "node:assert/strict";
import { test } from "node:test";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { ms, priority } from "../../main/units.js";
import { step } from "../../main/vrrp/machine.js";
import type {
  AdvertEvent,
  BackupState,
  Context,
  Effect,
  Event,
  MasterState,
  State,
} from "../../main/vrrp/machine-types.js";
import type { Tracking } from "../../main/vrrp/tracking.js";
import { instanceConfig } from "../simulation/sim-router.js";

/** RFC 5798 §6.4 and keepalived's additions: one row per rule. Effects are written in short. */

const now = ms(10_000);
/** 3 x 1 s + (256 - 100) / 256 s */
const down = 3609.375;
const skew = 609.375;

const tracking = (effective: number, changes: Partial<Tracking> = {}): Tracking => ({
  effective: priority(effective),
  faults: [],
  waiting: [],
  contributions: [],
  ...changes,
});
const broken = { faults: [{ kind: "interface-down", name: "eth0" }] } as const;

const backup = (changes: Partial<BackupState> = {}): BackupState => ({
  at: "backup",
  masterInterval: ms(1000),
  downAt: ms(12_000),
  preemptAt: undefined,
  master: undefined,
  wantsMaster: false,
  yielded: false,
  ...changes,
});
const master: MasterState = { at: "master", rogueUntil: undefined };
const advert = (at: number, order: -1 | 0 | 1 = 1, interval = 1000): AdvertEvent => ({
  on: "advert",
  priority: at,
  interval: ms(interval),
  source: "192.0.2.9",
  order,
});

/** Counters and details are left out: other tests look at them. */
function short(effect: Effect): string[] {
  switch (effect.do) {
    case "advertise":
      return [`advertise ${effect.priority}`];
    case "announce":
      return [`announce ${effect.block}`];
    case "arm":
      return [`${effect.timer} in ${effect.at - now}`];
    case "disarm":
      return [`disarm ${effect.timer}`];
    case "log":
      return effect.detail ? [] : [effect.sentence];
    case "transition":
      return [`${effect.from} -> ${effect.to}`];
    case "count":
      return [];
    default:
      return [effect.do];
  }
}

interface Row {
  readonly name: string;
  readonly from: State;
  readonly event: Event;
  readonly config?: Partial<VrrpInstanceConfig>;
  readonly tracking?: Tracking;
  readonly to: State["at"];
  readonly effects: readonly string[];
}

const toMaster = (at: number, from: string) => [
  `advertise ${at}`,
  "claimAddresses",
  "announce master",
  "disarm masterDown",
  "advert in 1000",
  "(V) Entering MASTER STATE",
  `${from} -> MASTER`,
];
const toBackup = (from: string, wait = down, suffix = "") => [
  `masterDown in ${wait}`,
  `(V) Entering BACKUP STATE${suffix}`,
  `${from} -> BACKUP`,
];
const leave = (...farewells: string[]) => [
  "disarm advert",
  "disarm rogue",
  ...farewells,
  "stopAnnouncing",
  "releaseAddresses",
];

const owner = { basePriority: priority(255), initialState: "MASTER" } as const;

const startRows: readonly Row[] = [
  {
    name: "start: BACKUP",
    from: { at: "init" },
    event: { on: "start" },
    to: "backup",
    effects: toBackup("INIT", down, " (init)"),
  },
  {
    name: "start: state MASTER below 255 begins as BACKUP too",
    from: { at: "init" },
    event: { on: "start" },
    config: { initialState: "MASTER" },
    to: "backup",
    effects: toBackup("INIT", down, " (init)"),
  },
  {
    name: "start: the owner is MASTER at once",
    from: { at: "init" },
    event: { on: "start" },
    config: owner,
    tracking: tracking(255),
    to: "master",
    effects: toMaster(255, "INIT"),
  },
  {
    name: "start: in FAULT, with reasons",
    from: { at: "init" },
    event: { on: "start" },
    tracking: tracking(100, broken),
    to: "fault",
    effects: ["(V) entering FAULT state (interface eth0 down)", "(V) Entering FAULT STATE (init)", "INIT -> FAULT"],
  },
  {
    name: "start: scripts without weight have not run: wait in silence",
    from: { at: "init" },
    event: { on: "start" },
    tracking: tracking(100, { waiting: ["chk"] }),
    to: "waiting",
    effects: [],
  },
  {
    name: "waiting: scripts have reported",
    from: { at: "waiting" },
    event: { on: "tracking", next: tracking(100) },
    to: "backup",
    effects: toBackup("INIT"),
  },
  {
    name: "waiting: a script failed",
    from: { at: "waiting" },
    event: { on: "tracking", next: tracking(100, { faults: [{ kind: "script", name: "chk" }] }) },
    to: "fault",
    effects: ["(V) Entering FAULT STATE", "INIT -> FAULT"],
  },
  {
    name: "resume: MASTER goes on, nobody is told",
    from: { at: "init" },
    event: { on: "resume" },
    to: "master",
    effects: [
      "advertise 100",
      "claimAddresses",
      "advert in 1000",
      "(V) Resuming MASTER STATE after a restart of the daemon",
    ],
  },
];

const backupRows: readonly Row[] = [
  {
    name: "backup: timer runs out",
    from: backup(),
    event: { on: "masterDownTimer" },
    to: "master",
    effects: toMaster(100, "BACKUP"),
  },
  {
    name: "backup: stronger master",
    from: backup(),
    event: advert(150),
    to: "backup",
    effects: [`masterDown in ${down}`],
  },
  {
    name: "backup: equal priority is accepted, whatever the address",
    from: backup(),
    event: advert(100, -1),
    to: "backup",
    effects: [`masterDown in ${down}`],
  },
  {
    name: "backup: priority 0 leaves skew time",
    from: backup(),
    event: advert(0),
    to: "backup",
    effects: [`masterDown in ${skew}`],
  },
  {
    name: "backup: weaker master is preempted",
    from: backup(),
    event: advert(90),
    to: "backup",
    effects: ["(V) received lower priority (90) advert from 192.0.2.9 - discarding"],
  },
  {
    name: "backup: nopreempt accepts a weaker master",
    from: backup(),
    event: advert(90),
    config: { preempt: false },
    to: "backup",
    effects: [`masterDown in ${down}`],
  },
  {
    name: "backup: preempt_delay starts with the first weaker advert",
    from: backup(),
    event: advert(90),
    config: { preemptDelay: ms(5000) },
    to: "backup",
    effects: [`masterDown in ${down}`, "(V) start preempt delay (5.000000)"],
  },
  {
    name: "backup: preempt_delay runs",
    from: backup({ preemptAt: ms(10_001) }),
    event: advert(90),
    config: { preemptDelay: ms(5000) },
    to: "backup",
    effects: [`masterDown in ${down}`],
  },
  {
    name: "backup: preempt_delay is over",
    from: backup({ preemptAt: ms(10_000) }),
    event: advert(90),
    config: { preemptDelay: ms(5000) },
    to: "backup",
    effects: ["(V) received lower priority (90) advert from 192.0.2.9 - discarding"],
  },
  {
    name: "backup: preempt_delay stops when a good master speaks",
    from: backup({ preemptAt: ms(11_000) }),
    event: advert(100),
    config: { preemptDelay: ms(5000) },
    to: "backup",
    effects: [`masterDown in ${down}`, "(V) stop preempt delay"],
  },
  {
    name: "backup, v3: the master's interval is learned",
    from: backup(),
    event: advert(150, 1, 100),
    config: { version: 3 },
    to: "backup",
    effects: ["masterDown in 360.9375", "(V) advertisement interval updated from 1000ms to 100ms by master"],
  },
  {
    name: "backup: a priority change shifts the running timer",
    from: backup(),
    event: { on: "tracking", next: tracking(228) },
    to: "backup",
    effects: ["masterDown in 1500", "(V) Changing effective priority from 100 to 228"],
  },
  {
    name: "backup: fault",
    from: backup(),
    event: { on: "tracking", next: tracking(100, broken) },
    to: "fault",
    effects: ["disarm masterDown", "(V) Entering FAULT STATE", "BACKUP -> FAULT"],
  },
  {
    name: "backup: nothing changed",
    from: backup(),
    event: { on: "tracking", next: tracking(100) },
    to: "backup",
    effects: [],
  },
  {
    name: "backup: reload with a longer interval shifts the running timer",
    from: backup(),
    event: { on: "reconfigured", before: instanceConfig({ advertInterval: ms(1000) }) },
    config: { advertInterval: ms(2000) },
    to: "backup",
    effects: ["masterDown in 5000"],
  },
  {
    name: "backup: shutdown",
    from: backup(),
    event: { on: "shutdown", release: true },
    to: "stopped",
    effects: ["disarm masterDown", "BACKUP -> STOP"],
  },
];

const masterRows: readonly Row[] = [
  {
    name: "master: advert timer",
    from: master,
    event: { on: "advertTimer" },
    to: "master",
    effects: ["advertise 100", "advert in 1000"],
  },
  {
    name: "master: priority 0",
    from: master,
    event: advert(0),
    to: "master",
    effects: ["advertise 100", "advert in 1000"],
  },
  {
    name: "master: weaker master",
    from: master,
    event: advert(90),
    to: "master",
    effects: [
      "advertise 100",
      "advert in 1000",
      "announce lowerPriority",
      "(V) Received advert from 192.0.2.9 with lower priority 90, ours 100, forcing new election",
      "tellLowerPriority",
    ],
  },
  {
    name: "master: weaker master, lower_prio_no_advert and no ARPs",
    from: master,
    event: advert(90),
    config: { lowerPrioNoAdvert: true, garp: { ...instanceConfig().garp, lowerPrioRepeat: 0 } },
    to: "master",
    effects: ["(V) Received advert from 192.0.2.9 with lower priority 90, ours 100", "tellLowerPriority"],
  },
  {
    name: "master: same priority, lower address loses",
    from: master,
    event: advert(100, -1),
    to: "master",
    effects: [
      "advertise 100",
      "advert in 1000",
      "announce lowerPriority",
      "(V) Received advert from 192.0.2.9 with lower priority 100, ours 100, forcing new election",
      "tellLowerPriority",
    ],
  },
  {
    name: "master: same priority, same address",
    from: master,
    event: advert(100, 0),
    to: "master",
    effects: ["(V) WARNING - equal priority advert received from remote host with our IP address."],
  },
  {
    name: "master: same priority, higher address wins",
    from: master,
    event: advert(100, 1),
    to: "backup",
    effects: [
      ...leave(),
      "(V) Master received advert from 192.0.2.9 with same priority 100 but higher IP address than ours",
      ...toBackup("MASTER"),
    ],
  },
  {
    name: "master: stronger master",
    from: master,
    event: advert(101, -1),
    to: "backup",
    effects: [
      ...leave(),
      "(V) Master received advert from 192.0.2.9 with higher priority 101, ours 100",
      ...toBackup("MASTER"),
    ],
  },
  {
    name: "master: stronger master, higher_prio_send_advert",
    from: master,
    event: advert(101),
    config: { higherPrioSendAdvert: true },
    to: "backup",
    effects: [
      "advertise 100",
      ...leave(),
      "(V) Master received advert from 192.0.2.9 with higher priority 101, ours 100",
      ...toBackup("MASTER"),
    ],
  },
  {
    name: "master: fault says good-bye twice",
    from: master,
    event: { on: "tracking", next: tracking(100, broken) },
    to: "fault",
    effects: [...leave("advertise 0", "advertise 0"), "(V) Entering FAULT STATE", "MASTER -> FAULT"],
  },
  {
    name: "master: scripts that have not reported do not matter",
    from: master,
    event: { on: "tracking", next: tracking(100, { waiting: ["chk"] }) },
    to: "master",
    effects: [],
  },
  {
    name: "master: priority change",
    from: master,
    event: { on: "tracking", next: tracking(80) },
    to: "master",
    effects: ["(V) Changing effective priority from 100 to 80"],
  },
  {
    name: "master: somebody deleted an address",
    from: master,
    event: { on: "addressLost", what: "ip address 192.0.2.100/24 dev eth0" },
    to: "backup",
    effects: [
      ...leave("advertise 0"),
      "(V) ip address 192.0.2.100/24 dev eth0, no longer exist",
      ...toBackup("MASTER", skew),
    ],
  },
  {
    name: "master: shutdown",
    from: master,
    event: { on: "shutdown", release: true },
    to: "stopped",
    effects: [...leave("advertise 0"), "MASTER -> STOP"],
  },
  {
    name: "master: shutdown for the next daemon",
    from: master,
    event: { on: "shutdown", release: false },
    to: "stopped",
    effects: ["disarm advert", "disarm rogue", "stopAnnouncing", "MASTER -> STOP"],
  },
  {
    name: "master: reload",
    from: master,
    event: { on: "reconfigured", before: instanceConfig() },
    config: { advertInterval: ms(2000) },
    to: "master",
    effects: ["advertise 100", "advert in 2000"],
  },
];

const conflict =
  "(V) CONFIGURATION ERROR: local instance and a remote instance are both configured as address owner, please fix";

const ownerRows: readonly Row[] = [
  {
    name: "owner: another owner with a lower address is told and watched",
    from: master,
    event: advert(255, -1),
    to: "master",
    effects: [
      "advertise 255",
      "advert in 1000",
      "advertise 255",
      "advert in 1000",
      "rogue in 1200",
      `${conflict} - advert of priority 255 from 192.0.2.9`,
    ],
  },
  {
    name: "owner: it goes on, so we give way",
    from: { at: "master", rogueUntil: ms(11_000) },
    event: advert(255, -1),
    to: "backup",
    effects: [...leave(), `${conflict} - reducing local priority`, ...toBackup("MASTER", 3007.8125)],
  },
  {
    name: "owner: it has gone",
    from: { at: "master", rogueUntil: ms(11_000) },
    event: { on: "rogueTimer" },
    to: "master",
    effects: ["(V) rogue address owner appears to have stopped advertising"],
  },
  {
    name: "owner: another owner with a higher address",
    from: master,
    event: advert(255, 1),
    to: "backup",
    effects: [...leave(), `${conflict} - giving way to 192.0.2.9`, ...toBackup("MASTER", 3003.90625)],
  },
];

const faultRows: readonly Row[] = [
  {
    name: "fault: one of two reasons is left",
    from: { at: "fault" },
    event: { on: "tracking", next: tracking(100, broken) },
    to: "fault",
    effects: [],
  },
  {
    name: "fault: over",
    from: { at: "fault" },
    event: { on: "tracking", next: tracking(100) },
    to: "backup",
    effects: toBackup("FAULT"),
  },
  {
    name: "fault: scripts are still to report",
    from: { at: "fault" },
    event: { on: "tracking", next: tracking(100, { waiting: ["chk"] }) },
    to: "fault",
    effects: [],
  },
  {
    name: "fault: over, unicast tells where it is",
    from: { at: "fault" },
    event: { on: "tracking", next: tracking(100) },
    config: { unicastPeers: ["192.0.2.9"] },
    to: "backup",
    effects: [...toBackup("FAULT"), "announceSource"],
  },
  { name: "fault: adverts are nothing to it", from: { at: "fault" }, event: advert(0), to: "fault", effects: [] },
  {
    name: "fault: shutdown",
    from: { at: "fault" },
    event: { on: "shutdown", release: true },
    to: "stopped",
    effects: ["FAULT -> STOP"],
  },
];

function run(row: Row, config: Partial<VrrpInstanceConfig>, inForce: Tracking): void {
  const context: Context = {
    config: instanceConfig({ ...config, ...row.config }),
    tracking: row.tracking ?? inForce,
    now,
  };
  const { state, effects } = step(context, row.from, row.event);
  assert.deepEqual({ to: state.at, effects: effects.flatMap(short) }, { to: row.to, effects: row.effects });
}

for (const row of [...startRows, ...backupRows, ...masterRows, ...faultRows]) {
  test(row.name, () => run(row, {}, tracking(100)));
}
for (const row of ownerRows) test(row.name, () => run(row, owner, tracking(255)));

for (const { name, preemptDelay, preemptAt } of [
  { name: "shorter", preemptDelay: ms(4000), preemptAt: ms(15_000) },
  { name: "longer", preemptDelay: ms(30_000), preemptAt: ms(41_000) },
  { name: "none any more", preemptDelay: ms(0), preemptAt: undefined },
  { name: "the same", preemptDelay: ms(10_000), preemptAt: ms(21_000) },
]) {
  test(`backup: reload while preempt_delay runs: ${name}`, () => {
    const before = instanceConfig({ preemptDelay: ms(10_000) });
    const context = { config: { ...before, preemptDelay }, tracking: tracking(100), now };
    const running = backup({ preemptAt: ms(21_000) });
    const { state, effects } = step(context, running, { on: "reconfigured", before });
    assert.deepEqual({ state, effects }, { state: { ...running, preemptAt }, effects: [] });
  });
}

test("fault: the owner is MASTER again at once", () => {
  const row = {
    name: "",
    from: { at: "fault" },
    event: { on: "tracking", next: tracking(255) },
    to: "master",
  } as const;
  run({ ...row, effects: toMaster(255, "FAULT") }, owner, tracking(255));
});

test("an owner that gave way takes 255 again when the other one is gone", () => {
  const context: Context = { config: instanceConfig(owner), tracking: tracking(255), now };
  const heard = { address: "192.0.2.9", priority: 255, heardAt: now };
  const yielded = backup({ yielded: true, master: heard });
  assert.deepEqual(step(context, yielded, advert(255)).state, { ...yielded, downAt: ms(now + 3007.8125) });
  const weaker = step(context, yielded, advert(200)).state;
  assert.deepEqual(weaker, { ...yielded, yielded: false });
});

for (const [name, guarded, wait] of [
  ["an owner begins when a delayed start is over", false, 0],
  ["an owner with a guard listens first, also after a delayed start", true, 3000 + 1000 / 256],
] as const)
  test(name, () => {
    const guard = {} as NonNullable<VrrpInstanceConfig["guard"]>;
    const owned = instanceConfig({
      basePriority: priority(255),
      initialState: "MASTER",
      ...(guarded ? { guard } : {}),
    });
    const context = { config: owned, tracking: tracking(255), now, beginsAt: ms(now + 5000) };
    const { state } = step({ ...context, ...(guarded ? { mayLead: false } : {}) }, { at: "init" }, { on: "start" });
    assert.equal(state.at === "backup" && state.downAt, now + 5000 + wait);
  });
