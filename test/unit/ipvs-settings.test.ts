import assert from "node:assert/strict";
import { test } from "node:test";
import { IpvsSettings } from "../../main/control/ipvs-settings.js";
import { syncDaemonsFor, wantedTimeouts } from "../../main/control/ipvs-wish.js";
import { decodeDaemon, decodeTimeouts, encodeSetTimeouts, encodeSyncStep } from "../../main/ipvs/settings-codec.js";
import { MemorySettings } from "../../main/ipvs/settings-in-memory.js";
import { planSync, type SyncDaemon, type SyncRole, type SyncStep } from "../../main/ipvs/sync-daemon.js";
import { SyncKeeper } from "../../main/ipvs/sync-keeper.js";
import { TimeoutKeeper } from "../../main/ipvs/timeout-keeper.js";
import { MessageWriter } from "../../main/netlink/writer.js";
import type { Log } from "../../main/observe/log.js";
import { ms, port } from "../../main/units.js";
import { HandClock, rest } from "../harness/ipvs-stand.js";
import { load } from "./config-fake-host.js";
import { HandClock as CountingClock } from "./health-hand-clock.js";

const ENODEV = 19;
const EEXIST = 17;

const daemon = (role: SyncRole, changes: Partial<SyncDaemon> = {}): SyncDaemon => ({
  role,
  interface: "eth0",
  id: 51,
  maxLength: undefined,
  port: 8848,
  ttl: undefined,
  group: "224.0.0.81",
  ...changes,
});
const inKernel = (role: SyncRole, changes: Partial<SyncDaemon> = {}): SyncDaemon =>
  daemon(role, { maxLength: 1472, ttl: 1, ...changes });
const text = (step: SyncStep): string => (step.do === "stop" ? `stop ${step.role}` : `start ${step.daemon.role}`);

const plans: readonly {
  readonly name: string;
  readonly wanted: readonly SyncDaemon[];
  readonly running?: readonly SyncDaemon[];
  readonly ours?: readonly SyncRole[];
  readonly started?: readonly SyncDaemon[];
  readonly steps: readonly string[];
}[] = [
  { name: "nothing runs", wanted: [daemon("backup")], steps: ["start backup"] },
  { name: "as wanted, from before us", wanted: [daemon("backup")], running: [inKernel("backup")], steps: [] },
  {
    name: "master now",
    wanted: [daemon("master")],
    running: [inKernel("backup")],
    ours: ["backup"],
    steps: ["stop backup", "start master"],
  },
  {
    name: "another id",
    wanted: [daemon("backup", { id: 7 })],
    running: [inKernel("backup")],
    steps: ["stop backup", "start backup"],
  },
  {
    name: "another ttl",
    wanted: [daemon("backup", { ttl: 3 })],
    running: [inKernel("backup")],
    steps: ["stop backup", "start backup"],
  },
  {
    name: "a length that the kernel cut is ours all the same",
    wanted: [daemon("backup", { maxLength: 65507 })],
    running: [inKernel("backup", { maxLength: 1472 })],
    started: [daemon("backup", { maxLength: 65507 })],
    steps: [],
  },
  {
    name: "a reload takes the length away",
    wanted: [daemon("backup")],
    running: [inKernel("backup", { maxLength: 1000 })],
    started: [daemon("backup", { maxLength: 1000 })],
    steps: ["stop backup", "start backup"],
  },
  { name: "not wanted, of somebody else", wanted: [], running: [inKernel("master")], steps: [] },
  { name: "not wanted, ours", wanted: [], running: [inKernel("master")], ours: ["master"], steps: ["stop master"] },
  {
    name: "both roles",
    wanted: [daemon("master"), daemon("backup")],
    running: [inKernel("master")],
    steps: ["start backup"],
  },
];

for (const { name, wanted, running = [], ours = [], started = [], steps } of plans)
  test(`sync daemons: ${name}`, () => {
    const plan = planSync(
      wanted,
      running,
      (role) => ours.includes(role),
      new Map(started.map((one) => [one.role, one])),
    );
    assert.deepEqual(plan.map(text), steps);
  });

function body(write: (writer: MessageWriter) => void): Buffer {
  const writer = new MessageWriter();
  write(writer);
  return Buffer.from(writer.bytes());
}

for (const group of ["224.0.0.99", "ff02::99"])
  test(`what is written of a daemon of group ${group} is what is read`, () => {
    const whole = daemon("master", { maxLength: 1400, port: 8849, ttl: 4, group });
    assert.deepEqual(decodeDaemon(body((writer) => encodeSyncStep(writer, { do: "start", daemon: whole }))), whole);
  });

test("a port is in the order of the host, as linux/ip_vs.h wants it, unlike all others", () => {
  const octets = body((writer) => encodeSyncStep(writer, { do: "start", daemon: daemon("master") }));
  assert.ok(octets.includes(Buffer.from("060007009022", "hex")), octets.toString("hex"));
});

test("any beginning of an answer is an error or less, never a crash", () => {
  const octets = body((writer) => encodeSyncStep(writer, { do: "start", daemon: daemon("backup", { ttl: 2 }) }));
  for (let length = 4; length < octets.length; length++)
    try {
      decodeDaemon(octets.subarray(0, length));
    } catch (error) {
      assert.ok(error instanceof RangeError);
    }
});

test("timeouts are read as they are written", () => {
  const timeouts = { tcp: 900, tcpFin: 60, udp: 30 };
  assert.deepEqual(decodeTimeouts(body((writer) => encodeSetTimeouts(writer, timeouts))), timeouts);
});

const wish = {
  interface: "eth0",
  instance: "V",
  id: 1,
  maxLength: undefined,
  port: port(8848),
  ttl: undefined,
  group: "224.0.0.81",
};
const rolesIn = (state: string | undefined, instance: string | undefined = "V"): readonly SyncRole[] =>
  syncDaemonsFor({ ...wish, instance }, () => state).map(({ role }) => role);

test("who is MASTER sends, everybody else receives; without an instance both run", () => {
  assert.deepEqual(rolesIn("MASTER"), ["master"]);
  for (const state of ["INIT", "BACKUP", "FAULT"]) assert.deepEqual(rolesIn(state), ["backup"]);
  assert.deepEqual(rolesIn(undefined), []);
  assert.deepEqual(
    syncDaemonsFor({ ...wish, instance: undefined }, () => undefined).map(({ role }) => role),
    ["master", "backup"],
  );
  assert.deepEqual(
    syncDaemonsFor(undefined, () => "MASTER"),
    [],
  );
});

/** A keeper over a kernel in memory; `wanted` is what it is asked for. */
class Stand {
  readonly clock = new HandClock();
  readonly logs: string[] = [];
  readonly memory = new Map<string, number>();
  errno = 0;
  wanted: readonly SyncDaemon[] = [];
  readonly steps: string[] = [];
  readonly backend = new MemorySettings((step) => {
    this.steps.push(text(step));
    return step.do === "start" ? this.errno : 0;
  });
  readonly log = Object.assign((_level: string, _event: string, sentence: string) => void this.logs.push(sentence), {
    detail: false,
  });
  readonly keeper = this.anotherKeeper();

  anotherKeeper(): SyncKeeper {
    const { clock, log, backend } = this;
    return new SyncKeeper({
      backend,
      clock,
      log,
      memory: memoryOver(this.memory),
      wanted: () => this.wanted,
      watches: () => true,
    });
  }

  async want(...wanted: readonly SyncDaemon[]): Promise<void> {
    this.wanted = wanted;
    this.keeper.changed();
    await rest();
  }

  get running(): readonly SyncRole[] {
    return [...this.backend.running.keys()];
  }
}

const memoryOver = (map: Map<string, number>) => ({
  get: (name: string) => map.get(name),
  set: (name: string, value: number) => void map.set(name, value),
  delete: (name: string) => void map.delete(name),
});

test("a keeper follows, and ends what it began", async () => {
  const stand = new Stand();
  await stand.want(daemon("backup"));
  assert.deepEqual(stand.running, ["backup"]);
  await stand.want(daemon("master"));
  assert.deepEqual(stand.running, ["master"]);
  await stand.want(daemon("master"));
  assert.deepEqual(stand.steps, ["start backup", "stop backup", "start master"]);
  await stand.keeper.stop(true);
  assert.deepEqual(stand.running, []);
  assert.equal(stand.memory.size, 0);
  assert.equal(stand.clock.pending, 0);
});

test("without release a daemon stays, and the next keeper takes it over", async () => {
  const stand = new Stand();
  await stand.want(daemon("master"));
  await stand.keeper.stop(false);
  assert.deepEqual(stand.running, ["master"]);
  const next = stand.anotherKeeper();
  next.changed();
  await rest();
  assert.deepEqual(stand.steps, ["start master"]);
  await next.stop(true);
  assert.deepEqual(stand.running, []);
});

test("what the file does not want any more after a crash is stopped, and what others started is not", async () => {
  const stand = new Stand();
  stand.backend.running.set("master", inKernel("master"));
  stand.backend.running.set("backup", inKernel("backup"));
  stand.memory.set("sync backup", 1);
  await stand.want();
  assert.deepEqual(stand.running, ["master"]);
});

test("an interface that comes later: one line, tried after 1, 2, 4 s", async () => {
  const stand = new Stand();
  stand.errno = ENODEV;
  await stand.want(daemon("backup"));
  for (const wait of [1000, 2000, 4000]) {
    const before = stand.steps.length;
    await stand.clock.pass(wait - 1);
    assert.equal(stand.steps.length, before);
    await stand.clock.pass(1);
    assert.equal(stand.steps.length, before + 1);
  }
  assert.deepEqual(stand.logs, [
    "IPVS sync daemon (backup) cannot be started: there is no interface eth0 (errno 19); trying again",
  ]);
  stand.errno = 0;
  await stand.clock.pass(8000);
  assert.deepEqual(stand.running, ["backup"]);
  await stand.keeper.stop(true);
});

test("one role that is refused does not keep the other from running", async () => {
  const stand = new Stand();
  const clash = new MemorySettings((step) => (step.do === "start" && step.daemon.role === "master" ? ENODEV : 0));
  const { clock, log } = stand;
  const keeper = new SyncKeeper({
    backend: clash,
    clock,
    log,
    memory: memoryOver(new Map()),
    wanted: () => [daemon("master"), daemon("backup")],
    watches: () => true,
  });
  keeper.changed();
  await rest();
  assert.deepEqual([...clash.running.keys()], ["backup"]);
  await keeper.stop(true);
});

test("EEXIST: somebody else was faster; what he started is looked at anew", async () => {
  const stand = new Stand();
  stand.errno = EEXIST;
  stand.backend.apply = ((apply) => (step: SyncStep) => {
    if (stand.errno === EEXIST) stand.backend.running.set("backup", inKernel("backup", { id: 9 }));
    stand.errno = 0;
    return apply.call(stand.backend, step);
  })(stand.backend.apply);
  await stand.want(daemon("backup"));
  assert.equal(stand.backend.running.get("backup")?.id, 51);
  await stand.keeper.stop(true);
});

test("a daemon that somebody stops runs again within 5 s; against a rival ever less often", async () => {
  const stand = new Stand();
  await stand.want(daemon("backup"));
  stand.backend.running.clear();
  await stand.clock.pass(5000);
  assert.deepEqual(stand.running, ["backup"]);
  assert.match(stand.logs.at(-1) ?? "", /stopped or changed by somebody else, started again/);
  const before = stand.steps.length;
  for (let second = 0; second < 600; second++) {
    stand.backend.running.clear();
    await stand.clock.pass(1000);
  }
  assert.ok(stand.steps.length - before <= 7, `${stand.steps.length - before} starts`); // 5 s, doubled up to 320 s
  await stand.keeper.stop(true);
});

const unset = { tcp: undefined, tcpFin: undefined, udp: undefined };

test("timeouts: what is not given stays as it was, and the end puts all of it back, also after a crash", async () => {
  const backend = new MemorySettings();
  const memory = new Map<string, number>();
  const log = Object.assign(() => undefined, { detail: false });
  const keeper = (): TimeoutKeeper => new TimeoutKeeper(backend, memoryOver(memory), log);
  await keeper().apply(unset);
  assert.equal(memory.size, 0);
  await keeper().apply({ ...unset, tcp: 500, udp: 7 });
  assert.deepEqual(backend.values, { tcp: 500, tcpFin: 120, udp: 7 });
  await keeper().apply({ ...unset, tcpFin: 11 }); // another process: only the memory is shared
  assert.deepEqual(backend.values, { tcp: 900, tcpFin: 11, udp: 300 });
  await keeper().restore();
  assert.deepEqual(backend.values, { tcp: 900, tcpFin: 120, udp: 300 });
  assert.equal(memory.size, 0);
});

test("timeouts of the file are milliseconds; the kernel wants seconds", () => {
  assert.deepEqual(wantedTimeouts({ tcp: ms(5000), tcpFin: undefined, udp: ms(0) }), {
    tcp: 5,
    tcpFin: undefined,
    udp: 0,
  });
});

test("an IPVS that is out of reach is looked for once in a while, however many reloads there are", async () => {
  const { config } = load("net_namespace_ipvs no-such-namespace\nglobal_defs {\n lvs_timeouts tcp 90\n}\n");
  assert.ok(config);
  const clock = new CountingClock();
  const logs: string[] = [];
  const log: Log = Object.assign((_level: string, event: string) => void logs.push(event), { detail: false });
  const memory = { get: () => undefined, set: () => undefined, delete: () => undefined };
  const daemons = { vrrp: true, checker: true, bfd: true };
  const settings = new IpvsSettings({ clock, log, memory, ipvs: "auto", daemons, stateOf: () => undefined });
  for (let reload = 0; reload < 3; reload++) await settings.apply(config);
  assert.deepEqual(logs, ["ipvs.settings-missing"]);
  assert.equal(clock.timers, 1);
  await settings.stop(true);
  assert.equal(clock.timers, 0);
});
