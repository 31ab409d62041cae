import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { type Daemon, holdfast, keepalived, type Program } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { writtenFile } from "../harness/written-file.js";
import { everySection, everySectionLinks } from "./dump-configs.js";

/** keepalived's dump files beside ours, of the same configuration in the same state. */

const config = `global_defs {
  router_id test
  script_user root
  enable_script_security
  vrrp_notify_priority_changes
  no_email_faults
  vrrp_garp_master_repeat 3
}
vrrp_script flag {
  script "/usr/bin/test -e /"
  interval 1
  timeout 1
  weight 2
  rise 2
  fall 3
}
vrrp_instance V1 {
  state BACKUP
  interface eth0
  version 3
  virtual_router_id 51
  priority 100
  advert_int 0.2
  virtual_ipaddress {
    192.0.2.51/24
    192.0.2.61/24 brd 192.0.2.255 label eth0:1
  }
  virtual_ipaddress_excluded {
    192.0.2.71
  }
  track_script { flag }
  track_interface { lo weight 4 }
  preempt_delay 3
  notify "/usr/bin/true a 'b c'"
  notify_master "/usr/bin/true m"
  notify_deleted "/usr/bin/true d"
  notify_master_rx_lower_pri /usr/bin/true
}
vrrp_instance V2 {
  state BACKUP
  interface eth0
  virtual_router_id 52
  priority 150
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass abc
  }
  unicast_src_ip 192.0.2.1
  unicast_peer { 192.0.2.33 }
  virtual_ipaddress { 192.0.2.52 }
  garp_master_delay 2
  smtp_alert
}
`;

interface Dumps {
  readonly json: readonly Record<string, Record<string, unknown>>[];
  readonly data: readonly string[];
  readonly stats: readonly string[];
}

/** In a directory of its own, which is the one for its dumps. */
const within = ({ name, argv }: Program, dir: string): Program => ({ name, argv: ["env", `TMPDIR=${dir}`, ...argv] });

const scriptSucceeded = (daemon: Daemon) =>
  until("the script has succeeded", 20_000, async () => /VRRP_Script\(flag\) succeeded/.test(await daemon.log()));

async function dumpsOf(of: Program): Promise<Dumps> {
  await using lan = await Lan.create(plainHosts("a"));
  const { dir } = lan;
  await chmod(dir, 0o755);
  const a = lan.host("a");
  const daemon = await a.start(within(of, dir), config, ["--vrrp"]);
  await until("both are master", 40_000, async () => (await a.hasAddress("192.0.2.52")) && a.hasAddress("192.0.2.51"));
  await scriptSucceeded(daemon);
  await writeFile(path.join(dir, "other"), ""); // both may write beside what is there
  process.kill(daemon.pid, "SIGUSR1");
  const data = await writtenFile(daemon, path.join(dir, "keepalived.data"));
  process.kill(daemon.pid, "SIGUSR2");
  const stats = await writtenFile(daemon, path.join(dir, "keepalived.stats"));
  await a.exec(["kill", "-36", String(daemon.pid)]); // SIGRTMIN+2 of glibc
  const json = await writtenFile(daemon, path.join(dir, "keepalived.json"));
  return { json: JSON.parse(json) as Dumps["json"], data: data.split("\n"), stats: stats.split("\n") };
}

/** Changes with time, or with how long the test takes. */
const volatile = new Set(["last_transition", "advert_sent"]);
/** 2.4.3 has them, Debian's 2.2.7 does not. */
const later = /^(auth_ext_|track_process$)/;
/** 2.4.3 hides the password. */
const hidden = "auth_data";

const known = (name: string): boolean => !later.test(name);

const comparable = (fields: Readonly<Record<string, unknown>> = {}): [string, unknown][] =>
  Object.entries(fields)
    .filter(([name]) => known(name))
    .map(([name, value]) => [name, volatile.has(name) || name === hidden ? typeof value : value]);

/** Lines of `.data` whose value is a moment or belongs to the process, and what only one of the two can know. */
const moments =
  /^ +(Last transition|Read timeout|fd_in|Password|Using src_ip = fe80|Master down timer|index|MAC = (?!00:00:5e)|IPv6 address = fe80)/;

const options = { skip: needs("root", "netns", "native", "keepalived"), timeout: 240_000 };

test("dumps beside keepalived's", options, async (t) => {
  const theirs = await dumpsOf(keepalived);
  const ours = await dumpsOf(holdfast("memory"));
  for (const [i, name] of ["V1", "V2"].entries()) {
    // Order counts too: exporters of text formats take fields by it.
    assert.deepEqual(comparable(ours.json[i]?.["data"]), comparable(theirs.json[i]?.["data"]), `data of ${name}`);
    assert.deepEqual(comparable(ours.json[i]?.["stats"]), comparable(theirs.json[i]?.["stats"]), `stats of ${name}`);
  }
  const sections = (data: readonly string[]): string[] => {
    const from = data.indexOf("------< VRRP Topology >------");
    return data.slice(from).filter((line) => !moments.test(line));
  };
  const theirLines = new Set(sections(theirs.data));
  const invented = sections(ours.data).filter((line) => line !== "" && !theirLines.has(line));
  assert.deepEqual(invented, [], "lines that keepalived does not write");
  const written = new Set(sections(ours.data));
  const instances = sections(theirs.data);
  const missing = instances
    .slice(0, instances.indexOf("------< VRRP Sockpool >------"))
    .filter((line) => !written.has(line));
  t.diagnostic(`lines that only keepalived has: ${[...new Set(missing)].join(" |")}`);
  assert.ok(missing.length < 12, missing.join("\n"));
  const extension = /Extension|Missing|Malformed|Unknown Key|Invalid HMAC|Stale|Replay/;
  const counters = (lines: readonly string[]): string[] =>
    lines.filter((line) => !extension.test(line) && line !== "").map((line) => line.replace(/(Sent: )\d+/, "$1N"));
  assert.deepEqual(counters(ours.stats), counters(theirs.stats));
});

/** `data` from the first section after the global definitions on, to the end. */
async function sectionsOf(of: Program): Promise<Pick<Dumps, "json" | "data">> {
  await using lan = await Lan.create([{ name: "a", links: everySectionLinks }]);
  const { dir } = lan;
  await chmod(dir, 0o755);
  await writeFile(path.join(dir, "tracked"), "1\n");
  const a = lan.host("a");
  await a.exec(["ip", "link", "set", "eth3", "down"]);
  const daemon = await a.start(within(of, dir), everySection(dir));
  const last = [
    ["eth0", "192.0.2.51"],
    ["eth0", "192.0.2.52"],
    ["eth1", "203.0.113.53"],
    ["vrrp.54", "203.0.113.54"],
    ["eth0", "2001:db8::1"],
  ] as const;
  for (const [device, address] of last) {
    // A VMAC may still be made.
    const isThere = (): Promise<boolean> => a.hasAddress(address, device).catch(() => false);
    await until(`${address} is there`, 40_000, isThere);
  }
  await scriptSucceeded(daemon);
  const bothSeen = /BFD event: instance B2/; // keepalived's sessions are down from the beginning, and tell so once
  if (of.name === "keepalived") await until("BFD is known", 20_000, async () => bothSeen.test(await daemon.log()));
  process.kill(daemon.pid, "SIGUSR1");
  const data = (await writtenFile(daemon, path.join(dir, "keepalived.data"))).replaceAll(dir, "DIR").split("\n");
  await a.exec(["kill", "-36", String(daemon.pid)]); // as above
  const json = JSON.parse(await writtenFile(daemon, path.join(dir, "keepalived.json"))) as Dumps["json"];
  return { json, data: data.slice(data.indexOf("------< Gratuitous ARP delays >------")) };
}

/** What only keepalived has: its sockets, and what it did to settings of interfaces. */
const theirsOnly = /^ +(fd_in |Seen up|Reset (ARP|promote)|Original (arp|promote)|rp_filter|(Not )?IPv6 forwarding)/;
/** Of the moment, or of this host of this run. */
const ofTheRun: readonly (readonly [RegExp, string])[] = [
  [/next time .*/, "next time T"],
  [/(Last transition|Read timeout) = \d.*/, "$1 = T"],
  [/((?:if)?index(?: =)?) \d+/, "$1 N"],
  [/((?:MAC|src_ip|IPv6 address) =) (fe80::[\da-f:]+|(?!ff|00:00:5e)[\da-f]{2}:[\da-f:]+)$/, "$1 A"],
];

function comparableLines(lines: readonly string[]): readonly string[] {
  const [from, to] = ["Sockpool", "Sync groups"].map((title) => lines.indexOf(`------< VRRP ${title} >------`));
  return lines
    .filter((line, i) => !(from !== undefined && from >= 0 && i >= from && i < (to ?? 0)) && !theirsOnly.test(line))
    .map((line) => ofTheRun.reduce((text, [what, by]) => text.replace(what, by), line));
}

test("dumps beside keepalived's: every section, line by line and in order", options, async () => {
  const theirs = await sectionsOf(keepalived);
  const ours = await sectionsOf(holdfast("memory"));
  assert.deepEqual(comparableLines(ours.data), comparableLines(theirs.data));
  const fields = ({ json }: Pick<Dumps, "json">) =>
    json.map(({ data, stats }) => ({ data: comparable(data), stats: Object.keys(stats ?? {}).filter(known) }));
  assert.deepEqual(fields(ours), fields(theirs));
});
