import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inheritedInstances } from "../../main/control/inherited-instances.js";
import { type InheritedTable, inheritTable } from "../../main/control/inherited-table.js";
import { KeepalivedProcesses, type ProcessTable } from "../../main/control/keepalived-processes.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { LvsSide } from "../../main/control/lvs-side.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { TakeOver } from "../../main/control/take-over.js";
import { entryFromConfig } from "../../main/ipvs/from-config.js";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import { type Operation, operationTarget } from "../../main/ipvs/operation.js";
import { type Table, tableOf } from "../../main/ipvs/table.js";
import { ms, port } from "../../main/units.js";
import { WireState } from "../../main/vrrp/wire-state.js";
import { loopClock } from "../../workers/loop-clock.js";
import { instanceConfig, virtualAddress } from "../harness/config-fixtures.js";
import { config, miscCheck, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";
import { recordingLog } from "./notify-support.js";

/** A keepalived with two processes; what is done to them is on record. */
class FakeProcesses implements ProcessTable {
  readonly states = new Map([
    [10, "S"],
    [11, "S"],
    [12, "S"],
    [13, "S"],
  ]);
  readonly signals: string[] = [];
  readonly programs: Record<number, string> = { 10: "keepalived", 11: "keepalived", 12: "keepalived", 13: "notify.sh" };
  pidIn = (file: string): number | undefined => (file === "/run/keepalived.pid" ? 10 : undefined);
  program = (pid: number): string | undefined => this.programs[pid];
  state = (pid: number): string | undefined => this.states.get(pid);
  childrenOf = (pid: number): readonly number[] => (pid === 10 ? [11, 12, 13] : []);
  signal(pid: number, name: string): boolean {
    this.signals.push(`${name} ${pid}`);
    this.states.set(pid, name === "SIGSTOP" ? "T" : "Z");
    return true;
  }
}

test("keepalived ends without a word: its parent is held first, and dies last; scripts are left alone", async () => {
  const processes = new FakeProcesses();
  const keepalived = KeepalivedProcesses.find("/run/keepalived.pid", processes);
  assert.equal(keepalived?.pid, 10);
  assert.equal(await keepalived?.end(), true);
  assert.deepEqual(processes.signals, ["SIGSTOP 10", "SIGKILL 11", "SIGKILL 12", "SIGKILL 10"]);
});

test("no keepalived: a pid file without a process, of a zombie, or of another program", () => {
  const find = (change: (processes: FakeProcesses) => void): unknown => {
    const processes = new FakeProcesses();
    change(processes);
    return KeepalivedProcesses.find("/run/keepalived.pid", processes);
  };
  assert.equal(
    find((p) => p.states.delete(10)),
    undefined,
  );
  assert.equal(
    find((p) => p.states.set(10, "Z")),
    undefined,
  );
  assert.equal(
    find((p) => {
      p.programs[10] = "holdfast-launcher";
    }),
    undefined,
  );
  assert.notEqual(
    find(() => undefined),
    undefined,
  );
});

const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
const serverAt = (address: string, over = {}) => realServer({ address, checks: [tcpCheck({}, 80, address)], ...over });

/** As keepalived writes it, with other weights than those of the file where they are given; undefined: not there. */
function keptBy(service: ReturnType<typeof virtualServer>, weights: Record<string, number | undefined>): Table {
  const pool = service.realServers.flatMap((server) => {
    const weight = server.address in weights ? weights[server.address] : server.weight;
    return weight === undefined ? [] : [{ ...server, weight }];
  });
  return tableOf([entryFromConfig(service, pool)]);
}

function inherited(service: ReturnType<typeof virtualServer>, table: Table): InheritedTable {
  const steps = inheritTable([service], () => undefined, table);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

test("what takes connections is up; what is missing, or of weight 0 for a failure, is down", () => {
  const service = virtualServer({
    realServers: [
      serverAt("10.0.0.1"),
      serverAt("10.0.0.2"),
      serverAt("10.0.0.3", { inhibitOnFailure: true }),
      serverAt("10.0.0.4", { inhibitOnFailure: true }),
    ],
  });
  const { checks, down, serving, drift, foreign, missing } = inherited(
    service,
    keptBy(service, { "10.0.0.2": undefined, "10.0.0.3": 0 }),
  );
  assert.deepEqual(
    checks.map(({ up }) => up),
    [true, false, false, true],
  );
  assert.deepEqual(
    down.map(({ destination }) => destination),
    ["[10.0.0.2]:80", "[10.0.0.3]:80"],
  );
  assert.deepEqual({ serving, drift, foreign, missing }, { serving: 2, drift: [], foreign: [], missing: [] });
});

test("the quorum that keepalived had shows in its sorry server, or in the weight outside the hysteresis band", () => {
  const realServers = hosts.map((host) => serverAt(host));
  const sorryServer = { address: "10.0.9.9", port: port(80) };
  const gone = { "10.0.0.1": undefined, "10.0.0.2": undefined };
  const quorumOf = (own: Parameters<typeof virtualServer>[0], weights: Record<string, number | undefined>): unknown => {
    const service = virtualServer({ realServers, quorum: 2, hysteresis: 1, ...own });
    return inherited(service, keptBy(service, weights)).quorums.map(({ quorum }) => quorum);
  };
  assert.deepEqual(quorumOf({}, {}), ["up"]);
  assert.deepEqual(quorumOf({}, { ...gone, "10.0.0.3": undefined }), [], "1 is neither below 1 nor 3");
  assert.deepEqual(quorumOf({}, { "10.0.0.4": 0 }), ["up"], "a weight that somebody set by hand is not keepalived's");
  assert.deepEqual(quorumOf({ quorum: 4, hysteresis: 0 }, { "10.0.0.4": undefined }), ["down"]);
  assert.deepEqual(quorumOf({ sorryServer }, gone), ["up"], "it is not there");
  const all = Object.fromEntries(hosts.map((host) => [host, undefined]));
  const sorry = virtualServer({ realServers: [...realServers, serverAt(sorryServer.address)] });
  const service = virtualServer({ realServers, sorryServer });
  assert.deepEqual(
    inherited(service, keptBy(sorry, all)).quorums.map(({ quorum }) => quorum),
    ["down"],
  );
});

test("a service that is not there has servers that nobody checked", () => {
  const service = virtualServer();
  const { checks, missing, owned } = inherited(service, new Map());
  assert.deepEqual([checks.map(({ up }) => up), missing.length, owned], [[false], 1, []]);
});

test("a weight of misc_dynamic is what its program must have said; any other that differs was set by hand", () => {
  const dynamic = miscCheck({ dynamic: true });
  const service = virtualServer({ realServers: [realServer({ checks: [dynamic] }), serverAt("10.0.0.2")] });
  const { checks, drift } = inherited(service, keptBy(service, { "10.0.0.1": 40, "10.0.0.2": 0 }));
  assert.deepEqual(
    checks.map(({ up, value }) => [up, value]),
    [
      [true, 42],
      [true, undefined],
    ],
  );
  assert.deepEqual(
    drift.map(({ destination, wanted, found }) => [destination, wanted, found]),
    [["[10.0.0.2]:80", "weight 1 DR", "weight 0 DR"]],
  );
});

test("whatever keepalived left of a pool, the table stays as it is until a check says otherwise", async () => {
  const weight = fc.constantFrom<(number | undefined)[]>(undefined, 0, 1, 7);
  const pool = fc.record({ weights: fc.tuple(weight, weight, weight, weight), inhibits: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(pool, async ({ weights, inhibits }) => {
      const realServers = hosts.map((address) => serverAt(address, { inhibitOnFailure: inhibits }));
      const service = virtualServer({ realServers, delayLoop: ms(60_000) });
      const table = keptBy(
        service,
        Object.fromEntries(hosts.map((host, i) => [host, inhibits ? (weights[i] ?? 0) : weights[i]])),
      );
      assert.deepEqual(await writtenAtStart(service, table), []);
    }),
    { numRuns: 12 },
  );
});

test("a sorry server that serves goes on, and nobody unchecked comes beside it", async () => {
  const sorryServer = { address: "10.0.0.9", port: port(80) };
  const service = virtualServer({ realServers: hosts.map((address) => serverAt(address)), sorryServer });
  const table = tableOf([entryFromConfig(service, [{ ...sorryServer, weight: 1 }])]);
  assert.deepEqual(await writtenAtStart(service, table), []);
});

/** What the start of a daemon in keepalived's place writes. */
async function writtenAtStart(service: ReturnType<typeof virtualServer>, table: Table): Promise<readonly string[]> {
  const written: Operation[] = [];
  const kernel = new MemoryBackend({ onApply: (operations) => written.push(...operations) });
  await kernel.open();
  for (const { service: one, destinations } of table.values()) {
    await kernel.apply([{ do: "new-service", service: one }]);
    await kernel.apply(
      [...destinations.values()].map((destination) => ({ do: "new-dest", service: one, destination })),
    );
  }
  written.length = 0;
  const { log } = recordingLog();
  const lasting = new LastingState(new StateSlab(Buffer.alloc(64 * 1024)));
  const keepalived = KeepalivedProcesses.find("/run/keepalived.pid", new FakeProcesses());
  assert.ok(keepalived);
  const takeOver = new TakeOver({ keepalived, log, onEnded: async () => true });
  const events = { onServerEvent: () => undefined, onCheckerThread: () => undefined };
  const deps = { clock: loopClock, log, lasting, ipvs: "kernel", kernel: () => kernel, takeOver, ...events } as const;
  const lvs = await LvsSide.open(deps, config([service]));
  await lvs.start();
  await lvs.stop(false);
  return written.map((operation) => `${operation.do} ${operationTarget(operation)}`);
}

test("who has the addresses is master; an address on another interface says nothing", () => {
  const addresses = new Map([
    [1, ["192.0.2.1"]],
    [2, ["192.0.2.2", "192.0.2.3"]],
  ]);
  const network = {
    link: (name: string) => ({ ...link, name, index: name === "eth0" ? 2 : 1 }),
    addresses: (interfaceIndex: number) =>
      (addresses.get(interfaceIndex) ?? []).map((address) => ({
        interfaceIndex,
        address,
        prefix: 32,
        tentative: false,
      })),
  };
  const instance = (name: string, ...of: string[]) =>
    instanceConfig({ name, interface: "eth0", virtualAddresses: of.map((address) => virtualAddress(address)) });
  const all = [
    instance("other interface", "192.0.2.1"),
    instance("both", "192.0.2.2", "192.0.2.3"),
    instance("one of two", "192.0.2.3", "192.0.2.4"),
    instance("none of its own"),
  ];
  assert.deepEqual(
    all.map((one) => inheritedInstances([one], network)[0]?.was),
    ["BACKUP", "MASTER", "BACKUP", "unknown"],
  );
});

const link = { running: true, noArp: false, multicast: true, mtu: 1500, mac: new Uint8Array(6) };

test("a host that has been up for a year signs above what its peers have heard, and does not begin anew", async () => {
  const processes = new FakeProcesses();
  const keepalived = KeepalivedProcesses.find("/run/keepalived.pid", processes);
  assert.ok(keepalived);
  const lasting = new LastingState(new StateSlab(Buffer.alloc(64 * 1024)));
  const { log } = recordingLog();
  const takeOver = new TakeOver({ keepalived, log, onEnded: async () => true });
  const config = instanceConfig({ virtualAddresses: [virtualAddress("10.9.0.1")] });
  const address = { address: "10.9.0.1", prefix: config.virtualAddresses[0]?.prefix ?? 32 };
  const network = {
    link: () => ({ index: 1 }) as never,
    addresses: () => [address] as never,
  };
  const year = 366 * 24 * 3600;
  await takeOver.takeVrrp([config], network, { lasting, now: () => ms(year * 1000) });
  const [inherited] = inheritedInstances([config], network);
  assert.ok(inherited?.was === "MASTER");
  const first = new WireState(lasting.sequences(inherited.key)).nextAh();
  assert.ok(first > year, `${first}: peers that have heard an advert a second take it for a replay`);
});

test("who finds that another daemon was quicker ends, and has taken nothing", async () => {
  const keepalived = KeepalivedProcesses.find("/run/keepalived.pid", new FakeProcesses());
  assert.ok(keepalived);
  const lasting = new LastingState(new StateSlab(Buffer.alloc(64 * 1024)));
  const takeOver = new TakeOver({ keepalived, log: recordingLog().log, onEnded: async () => false });
  const config = instanceConfig({ virtualAddresses: [virtualAddress("10.9.0.1")] });
  const address = { address: "10.9.0.1", prefix: config.virtualAddresses[0]?.prefix ?? 32 };
  const network = { link: () => ({ index: 1 }) as never, addresses: () => [address] as never };
  await assert.rejects(takeOver.takeVrrp([config], network, { lasting, now: () => ms(1000) }), { code: "E_TAKE_OVER" });
  const [inherited] = inheritedInstances([config], network);
  assert.equal(lasting.resumption(inherited?.key ?? ""), undefined);
});
