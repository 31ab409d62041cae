import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { difference } from "../../main/config/difference.js";
import type { Config } from "../../main/config/model.js";
import { Rebuild } from "../../main/config/rebuild.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { LvsSide, type LvsSideDeps } from "../../main/control/lvs-side.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { virtualServerName } from "../../main/health/names.js";
import { entryFromConfig } from "../../main/ipvs/from-config.js";
import { addressesOf } from "../../main/ipvs/group-services.js";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import type { Operation } from "../../main/ipvs/operation.js";
import { destinationKey, serviceKey } from "../../main/ipvs/table.js";
import { loopClock } from "../../workers/loop-clock.js";
import { load } from "./config-fake-host.js";
import { recordingLog } from "./notify-support.js";

const parsed = (text: string): Config => {
  const { config } = load(text);
  assert.ok(config);
  return config;
};

const server = (head: string, lines: string, reals: readonly string[]): string =>
  `virtual_server ${head} {\n lb_algo rr\n protocol TCP\n ${lines}\n ${reals.map((real) => `real_server ${real} {\n}`).join("\n")}\n}\n`;

async function running(text: string, more: Partial<LvsSideDeps> = {}) {
  const written: Operation[] = [];
  const kernel = new MemoryBackend({ onApply: (operations) => written.push(...operations) });
  const { log, lines } = recordingLog();
  const lasting = new LastingState(new StateSlab(Buffer.alloc(1024 * 1024)));
  const events = { onServerEvent: () => undefined, onCheckerThread: () => undefined };
  const deps = { clock: loopClock, log, lasting, ipvs: "kernel", kernel: () => kernel, ...events, ...more } as const;
  let config = parsed(text);
  const lvs = await LvsSide.open(deps, config);
  await lvs.start();
  /** As the daemon does it: what did not change is the same object. */
  const reload = (next: string): Promise<void> => {
    const rebuild = new Rebuild<Config>(config);
    for (const portion of difference(config, parsed(next))) rebuild.take(portion);
    config = rebuild.finish();
    return lvs.reload(config);
  };
  const table = async (): Promise<readonly string[]> => {
    const services = await kernel.dumpServices();
    assert.equal(services.kind, "complete");
    const rows: string[] = [];
    for (const service of services.kind === "complete" ? services.entries : []) {
      const dump = await kernel.dumpDestinations(service);
      const there = dump.kind === "complete" ? dump.entries.map((d) => `${destinationKey(d)} ${d.weight}`).sort() : [];
      rows.push(`${serviceKey(service)} ${service.scheduler}: ${there.join(", ")}`);
    }
    return rows.toSorted((a, b) => (a < b ? -1 : 1));
  };
  /** What was written since the last call. */
  const news = (): readonly string[] => written.splice(0).map(operationText);
  return { lvs, reload, lines, table, news, [Symbol.asyncDispose]: () => lvs.stop(false) };
}

const operationText = (operation: Operation): string =>
  "destination" in operation
    ? `${operation.do} ${serviceKey(operation.service)} -> ${destinationKey(operation.destination)}`
    : `${operation.do} ${serviceKey(operation.service)}`;

/**
 * Changes are collected for up to 250 ms, and written in a few turns of the loop. So many turns there are, however long the machine is
 * away in one.
 */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await sleep(20);
}

test("every address of a range and a prefix, both ends included, in both families", () => {
  const all = (first: string, last: string): readonly string[] => [...addressesOf({ first, last })];
  assert.deepEqual(all("192.0.2.254", "192.0.3.1"), ["192.0.2.254", "192.0.2.255", "192.0.3.0", "192.0.3.1"]);
  assert.deepEqual(all("2001:db8::ffff", "2001:db8::1:1"), ["2001:db8::ffff", "2001:db8::1:0", "2001:db8::1:1"]);
  assert.deepEqual(all("10.0.0.1", "10.0.0.1"), ["10.0.0.1"]);
});

test("each entry of a group is a service with the same pool; NAT keeps the server's port, DR has the entry's", async () => {
  const group = "virtual_server_group g {\n192.0.2.1-2 80\n192.0.2.8/31 81\nfwmark 7\n}\n";
  await using nat = await running(group + server("group g", "lb_kind NAT", ["10.0.0.1 8080", "10.0.0.2 8081"]));
  const pool = "rr: [10.0.0.1]:8080 1, [10.0.0.2]:8081 1";
  assert.deepEqual(await nat.table(), [
    `FWM 7 ${pool}`,
    ...["192.0.2.1]:tcp:80", "192.0.2.2]:tcp:80", "192.0.2.8]:tcp:81", "192.0.2.9]:tcp:81"].map((s) => `[${s} ${pool}`),
  ]);
  await using dr = await running(group + server("group g", "lb_kind DR", ["10.0.0.1"]));
  assert.deepEqual(await dr.table(), [
    "FWM 7 rr: [10.0.0.1]:0 1",
    ...["192.0.2.1]:tcp:80", "192.0.2.2]:tcp:80"].map((s) => `[${s} rr: [10.0.0.1]:80 1`),
    ...["192.0.2.8]:tcp:81", "192.0.2.9]:tcp:81"].map((s) => `[${s} rr: [10.0.0.1]:81 1`),
  ]);
});

test("a mark is of the family that it names, else of the real servers", async () => {
  const group = "virtual_server_group g {\nfwmark 7\nfwmark 8 inet6\n}\n";
  await using run = await running(group + server("group g", "lb_kind DR", ["2001:db8::1"]));
  assert.deepEqual(await run.table(), ["FWM 7 inet6 rr: [2001:db8::1]:0 1", "FWM 8 inet6 rr: [2001:db8::1]:0 1"]);
});

test("tunnels join both families in one group", async () => {
  const group = "virtual_server_group g {\n192.0.2.1 80\n2001:db8::80 80\n}\n";
  await using run = await running(group + server("group g", "lb_kind TUN", ["10.0.0.1 80"]));
  assert.deepEqual(await run.table(), [
    "[192.0.2.1]:tcp:80 rr: [10.0.0.1]:80 1",
    "[2001:db8::80]:tcp:80 rr: [10.0.0.1]:80 1",
  ]);
});

test("a reload that edits a group writes what is new and what is gone, and nothing else", async () => {
  const of = (entries: string): string =>
    `virtual_server_group g {\n${entries}\n}\n${server("group g", "lb_kind DR", ["10.0.0.1", "10.0.0.2"])}`;
  await using run = await running(of("192.0.2.1-9 80"));
  assert.equal((await run.table()).length, 9);
  run.news();
  await run.lvs.reload(parsed(of("192.0.2.2-10 80")));
  await settled();
  assert.deepEqual(
    new Set(run.news()),
    new Set([
      "del-dest [192.0.2.1]:tcp:80 -> [10.0.0.1]:80",
      "del-dest [192.0.2.1]:tcp:80 -> [10.0.0.2]:80",
      "del-service [192.0.2.1]:tcp:80",
      "new-dest [192.0.2.10]:tcp:80 -> [10.0.0.1]:80",
      "new-dest [192.0.2.10]:tcp:80 -> [10.0.0.2]:80",
      "new-service [192.0.2.10]:tcp:80",
    ]),
  );
});

test("of two virtual servers that share a service, one can go and come back without loss for the other", async () => {
  const groups = "virtual_server_group a {\n192.0.2.1-2 80\n}\nvirtual_server_group b {\n192.0.2.2-3 80\n}\n";
  const a = server("group a", "lb_kind NAT", ["10.0.0.1 80", "10.0.0.9 80"]);
  const b = server("group b", "lb_kind NAT", ["10.0.0.2 80", "10.0.0.9 80"]);
  const both = [
    "[192.0.2.1]:tcp:80 rr: [10.0.0.1]:80 1, [10.0.0.9]:80 1",
    "[192.0.2.2]:tcp:80 rr: [10.0.0.1]:80 1, [10.0.0.2]:80 1, [10.0.0.9]:80 1",
    "[192.0.2.3]:tcp:80 rr: [10.0.0.2]:80 1, [10.0.0.9]:80 1",
  ];
  await using run = await running(groups + a + b);
  assert.deepEqual(await run.table(), both);
  assert.equal(run.lines.filter(({ event }) => event === "ipvs.shared-service").length, 1);
  run.news();
  await run.lvs.reload(parsed(groups + a));
  await settled();
  assert.deepEqual(await run.table(), [
    "[192.0.2.1]:tcp:80 rr: [10.0.0.1]:80 1, [10.0.0.9]:80 1",
    "[192.0.2.2]:tcp:80 rr: [10.0.0.1]:80 1, [10.0.0.9]:80 1",
  ]);
  assert.deepEqual(
    new Set(run.news()),
    new Set([
      "del-dest [192.0.2.2]:tcp:80 -> [10.0.0.2]:80",
      "del-dest [192.0.2.3]:tcp:80 -> [10.0.0.2]:80",
      "del-dest [192.0.2.3]:tcp:80 -> [10.0.0.9]:80",
      "del-service [192.0.2.3]:tcp:80",
    ]),
  );
  await run.lvs.reload(parsed(groups + b + a));
  await settled();
  assert.deepEqual(await run.table(), both);
});

test("virtual servers that share a service and change places: its settings are those of the first, and who fails goes", async () => {
  const session = "bfd_instance s {\nneighbor_ip 10.9.0.1\n}\n";
  const groups = "virtual_server_group a {\n192.0.2.1 80\n}\nvirtual_server_group b {\n192.0.2.1 80\n}\n";
  const follows = "real_server 10.0.0.9 80 {\nBFD_CHECK {\nname s\n}\n}";
  const a = server("group a", `lb_kind NAT\n${follows}`, ["10.0.0.1 80"]);
  const b = server("group b", "lb_kind NAT\nlb_algo wlc", ["10.0.0.2 80"]);
  await using run = await running(session + groups + a + b);
  run.lvs.setBfd("s", "up");
  await settled();
  assert.deepEqual(await run.table(), ["[192.0.2.1]:tcp:80 rr: [10.0.0.1]:80 1, [10.0.0.2]:80 1, [10.0.0.9]:80 1"]);
  await run.reload(session + groups + b + a);
  await settled();
  assert.deepEqual(await run.table(), ["[192.0.2.1]:tcp:80 wlc: [10.0.0.1]:80 1, [10.0.0.2]:80 1, [10.0.0.9]:80 1"]);
  run.lvs.setBfd("s", "down");
  await settled();
  assert.deepEqual(await run.table(), ["[192.0.2.1]:tcp:80 wlc: [10.0.0.1]:80 1, [10.0.0.2]:80 1"]);
});

for (const kind of ["NAT", "DR"])
  test(`a sorry server that is a real server too takes connections as one while it rests: ${kind}`, async () => {
    const lines = `lb_kind ${kind}\nsorry_server 10.0.0.1 80\nsorry_server_inhibit`;
    await using run = await running(server("192.0.2.1 80", lines, ["10.0.0.1 80", "10.0.0.2 80"]));
    assert.deepEqual(await run.table(), ["[192.0.2.1]:tcp:80 rr: [10.0.0.1]:80 1, [10.0.0.2]:80 1"]);
  });

test("nftables_ipvs that a reload brings: the services of the addresses stay until nftables sets the mark", async () => {
  const group = "virtual_server_group g {\n192.0.2.1-2 80\n}\n";
  const text = group + server("group g", "lb_kind NAT", ["10.0.0.1 80"]);
  const there: (readonly string[])[] = [];
  const marks = {
    set: async () => {
      await settled();
      there.push(await run.table());
    },
    remove: () => Promise.resolve(),
    [Symbol.dispose]: () => undefined,
  };
  await using run = await running(text, { marks: () => marks });
  await run.reload(`global_defs {\nnftables_ipvs\n}\n${text}`);
  const pool = "rr: [10.0.0.1]:80 1";
  assert.deepEqual(there, [[`FWM 1000 ${pool}`, `[192.0.2.1]:tcp:80 ${pool}`, `[192.0.2.2]:tcp:80 ${pool}`]]);
  await settled();
  assert.deepEqual(await run.table(), [`FWM 1000 ${pool}`]);
});

test("virtual servers of one group have names of their own", () => {
  const group = "virtual_server_group g {\n192.0.2.1 80\n}\n";
  const { virtualServers } = parsed(group + server("group g", "lb_kind DR", ["10.0.0.1"]).repeat(2));
  assert.deepEqual(
    virtualServers.map(({ service }) => virtualServerName(service)),
    ["[g]:0", "[g]:1"],
  );
  const [first] = virtualServers;
  assert.ok(first);
  assert.throws(() => entryFromConfig(first, []), RangeError, "a group has many services");
});

test("a group that would be more services than the kernel can have is left out, with advice", () => {
  const group = "virtual_server_group g {\n2001:db8::/64 80\n}\n";
  const { config, diagnostics } = load(group + server("group g", "lb_kind DR", ["2001:db9::1"]));
  assert.deepEqual(config?.virtualServers, []);
  assert.ok(diagnostics.some(({ message }) => message.includes("has more than 262144 addresses")));
});
