// Inside the guest: groups of every kind, first with keepalived, then with holdfast. Their tables must be equal line by line.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import {
  Cluster,
  directorDevice,
  vip,
  type WebName,
  webAddress,
  webAddress6,
  webNames,
} from "../../harness/cluster.js";
import { holdfast, keepalived } from "../../harness/daemon.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { until } from "../../harness/until.js";
import { groupSteps } from "../steps.js";
import { Results } from "./results.js";

type Table = readonly string[];
type Moment = Exclude<keyof typeof groupSteps, "traffic">;

const group = (name: string, entries: readonly string[]): string =>
  `virtual_server_group ${name} {\n  ${entries.join("\n  ")}\n}`;

function virtualServer(
  name: string,
  lines: readonly string[],
  addresses: Readonly<Record<WebName, string>> = webAddress,
  realPort = "80",
): string {
  const check = "TCP_CHECK {\n connect_port 80\n connect_timeout 1\n retry 1\n delay_before_retry 1\n }";
  const reals = webNames.map((web) => ` real_server ${addresses[web]} ${realPort} {\n ${check}\n }`);
  return `virtual_server group ${name} {\n delay_loop 1\n ${lines.join("\n ")}\n${reals.join("\n")}\n}`;
}

/** keepalived 2.2.7 has no ranges from address to address; 2.4.3 does. Ranges, prefixes, marks; NAT, DR and TUN; v4, v6 and both; one group twice; inhibited and sorry servers. */
const blocks = [
  virtualServer("range", ["lb_algo rr", "lb_kind DR", "protocol TCP"]),
  virtualServer("range", ["lb_algo wlc", "lb_kind NAT", "protocol UDP", "inhibit_on_failure"], webAddress, "5353"),
  virtualServer("six", ["lb_algo wlc", "lb_kind NAT", "protocol TCP", "persistence_timeout 90"], webAddress6, "8080"),
  virtualServer("marks", ["lb_algo sh", "lb_kind DR"], webAddress, ""),
  virtualServer("mixed", ["lb_algo rr", "lb_kind NAT", "protocol TCP", "quorum 2", "sorry_server 192.168.91.50 82"]),
  virtualServer("both", ["lb_algo rr", "lb_kind TUN", "protocol TCP"]),
];

const before = [
  group("range", ["192.168.91.187-189 80", "192.168.92.0/30 80"]),
  group("six", ["2001:db8:91::fffe-ffff 80", "2001:db8:92::/126 8080"]),
  group("marks", ["fwmark 7", "fwmark 8 inet"]),
  group("mixed", ["192.168.94.1 80", "fwmark 9"]),
  group("both", ["192.168.95.1 80", "2001:db8:95::1 80"]),
];

/** Entries come, go and stay. */
const after = [
  group("range", ["192.168.91.188-190 80", "192.168.92.0/31 80"]),
  group("six", ["2001:db8:91::ffff 80", "2001:db8:92::/125 8080"]),
  group("marks", ["fwmark 8 inet", "fwmark 11"]),
  group("mixed", ["192.168.94.2 81", "192.168.94.1 80", "fwmark 9"]),
  group("both", ["192.168.95.1 80", "2001:db8:95::2 80"]),
];

const text = (groups: readonly string[]): string => [...groups, ...blocks].join("\n");

const results = new Results();
await using cluster = await Cluster.create();
const director = cluster.host("director1");
await loadIpvs(director);
await director.exec(["ip", "addr", "add", `${vip}/32`, "dev", directorDevice]);
await Promise.all([cluster.startWeb("web1"), cluster.startWeb("web2")]);
const read = (): Promise<Table> => savedTable(director);

const expected = await reference();
for (const [moment, table] of Object.entries(expected)) console.log(`keepalived, ${moment}:\n${table.join("\n")}`);
assert.notDeepEqual(expected.failure, expected.rest, "keepalived reacts to the failure");
assert.ok(expected.rest.length > 30, "the reference table is not empty");
const { found, answered } = await observe();
for (const moment of ["rest", "failure", "reload", "recovery", "stopped"] as const)
  await results.step(groupSteps[moment], () => {
    assert.deepEqual(found[moment], expected[moment]);
    return Promise.resolve(`${expected[moment].length} equal lines`);
  });
await results.step(groupSteps.traffic, () => {
  assert.ok(
    webNames.some((web) => web === answered),
    `answered by ${answered}`,
  );
  return Promise.resolve(`answered by ${answered}`);
});

/** keepalived 2.2.7 keeps entries that a reload takes away and leaves them behind: two lives of it, one for each file. */
async function reference(): Promise<Record<Moment, Table>> {
  const first = await director.start(keepalived, text(before), ["--check"]);
  const rest = await settled();
  await cluster.stopWeb("web2");
  const failure = await settled(rest);
  await first.stop();
  await director.exec(["ipvsadm", "-C"]);
  const second = await director.start(keepalived, text(after), ["--check"]);
  const reload = await settled();
  await cluster.startWeb("web2");
  const recovery = await settled(reload);
  await second.stop();
  await director.exec(["ipvsadm", "-C"]);
  return { rest, failure, reload, recovery, stopped: [] };
}

/** One life of holdfast. */
async function observe(): Promise<{ found: Record<Moment, Table>; answered: string | undefined }> {
  const daemon = await director.start(holdfast("kernel"), text(before), ["--check"]);
  const rest = await near(expected.rest);
  await cluster.stopWeb("web2");
  const failure = await near(expected.failure);
  await writeFile(daemon.files.config, text(after));
  daemon.signal("SIGHUP");
  const reload = await near(expected.reload);
  await cluster.startWeb("web2");
  const recovery = await near(expected.recovery);
  const answered = await cluster.request(vip, 10);
  await daemon.stop();
  const stopped = await near(expected.stopped);
  return { found: { rest, failure, reload, recovery, stopped }, answered };
}

/** A table that is not as before, and then did not change for longer than a check and its retry take together. */
async function settled(before: Table = []): Promise<Table> {
  let [table, since] = [before, performance.now()];
  let changed = false;
  const isSettled = async (): Promise<boolean> => {
    const now = await read();
    if (now.join("\n") !== table.join("\n")) [table, since, changed] = [now, performance.now(), true];
    return changed && performance.now() - since > 5000;
  };
  await until("keepalived's table settles", 90_000, isSettled, 200);
  return table;
}

/** The table once it is as wanted, or what it is after all that time, which a start takes at most in a slow guest. */
async function near(wanted: Table): Promise<Table> {
  let table: Table = [];
  const isEqual = async (): Promise<boolean> => {
    table = await read();
    return table.join("\n") === wanted.join("\n");
  };
  await until("equal tables", 90_000, isEqual, 100).catch(() => undefined);
  return table;
}
