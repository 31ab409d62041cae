import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../main/config/model.js";
import { garpDumps, type LinkSources, linkDumps } from "../../main/control/link-view.js";
import { vrrpData } from "../../main/observe/vrrp-data.js";
import type { VrrpDump } from "../../main/observe/vrrp-dump.js";
import { ms } from "../../main/units.js";
import type { Link, LinkDetails } from "../../main/vrrp/ports.js";
import { load } from "./config-fake-host.js";
import { live } from "./observe-fixtures.js";

/** What keepalived 2.2.7 wrote for these words, but for names, addresses and moments. */

const text = `
garp_group {
  garp_interval 0.5
  gna_interval 0.25
  interface eth0
}
garp_group {
  gna_interval 1.5
  interfaces { eth1 }
}
track_group TG {
  group { A B }
}
static_ipaddress {
  192.0.2.200/24 dev eth0 track_group TG
  192.0.2.201/24 dev eth0 no_track
}
vrrp_script chk {
  script "/usr/bin/check"
  interval 1
  user root
}
vrrp_track_file tf {
  file /usr/load
}
bfd_instance B1 {
  neighbor_ip 192.0.2.77
  weight 6
}
bfd_instance B2 {
  neighbor_ip 192.0.2.78
}
vrrp_sync_group G {
  group { B C }
  track_interface { eth0 weight 3 }
  track_script { chk weight 4 }
  track_bfd { B1 weight 7 }
  notify_priority_changes true
}
vrrp_instance A {
  interface eth0
  virtual_router_id 1
  nopreempt
  dont_track_primary
  virtual_ipaddress { 192.0.2.51 }
  track_interface { eth1 weight -3 reverse }
  track_script { chk weight 2 }
  track_file { tf weight 2 }
  track_bfd { B1 weight 9 reverse }
  authentication {
    auth_type AH
    auth_pass abc
  }
}
vrrp_instance B {
  interface eth1
  virtual_router_id 2
  garp_master_delay 3
  virtual_ipaddress { 203.0.113.52 dev eth0 }
}
vrrp_instance C {
  interface eth1
  version 3
  virtual_router_id 3
  virtual_ipaddress { fe80::1234 }
}
`;

const details: LinkDetails = {
  kind: undefined,
  lower: undefined,
  master: undefined,
  group: 0,
  mode: undefined,
  table: undefined,
};
const UP = 0x1 | 0x2 | 0x40 | 0x1000;
const broadcast = new Uint8Array(6).fill(255);
const link = (index: number, name: string, more: Partial<Link> = {}, flags = UP): Link => ({
  index,
  name,
  running: true,
  noArp: false,
  multicast: true,
  mtu: 1500,
  details,
  mac: Uint8Array.of(2, 0, 0, 0, 0, index),
  shape: { flags, hardware: 1, broadcast },
  ...more,
});

const lo = link(1, "lo", {
  mac: new Uint8Array(),
  mtu: 65536,
  shape: { flags: 0x1 | 0x8 | 0x40, hardware: 772, broadcast },
});

const addresses: Readonly<Record<number, readonly string[]>> = {
  1: ["127.0.0.1", "::1"],
  2: ["192.0.2.1", "192.0.2.51", "192.0.2.200", "fe80::1", "2001:db8::1"],
  3: ["203.0.113.1", "203.0.113.2", "fe80::1234"],
};

const sources = (links: readonly Link[]): LinkSources => ({
  links: () => links,
  addresses: (index) =>
    (addresses[index] ?? []).map((address) => ({ interfaceIndex: index, address, prefix: 24, tentative: false })),
  delay: (name) => ({ up: ms(name === "eth1" ? 2000 : 0), down: ms(name === "eth1" ? 1000 : 0), running: false }),
  method: (name) => (name === "eth1" ? "ETHTOOL" : undefined),
  freeAt: (name, family) => ms(name === "eth0" && family === "inet" ? 500 : 0),
});

function dumped(links: readonly Link[]): { readonly config: Config; readonly lines: readonly string[] } {
  const { config } = load(text);
  assert.ok(config !== undefined);
  const { vrrpInstances, syncGroups, vrrpScripts, trackers, staticEntries, bfdInstances } = config;
  const dump: VrrpDump = {
    instances: vrrpInstances.map((each) => ({ config: each, live })),
    scripts: vrrpScripts.map((each) => ({ config: each, status: "init", run: "running", result: 0 })),
    groups: syncGroups.map((each) => ({ config: each, state: "MASTER", faults: 0, waiting: 0 })),
    files: trackers.files.map((each) => ({ config: each, status: 1 })),
    bfds: bfdInstances.map((each) => ({ config: each, up: each.name === "B1" })),
    ...{ staticEntries, staticSet: [true, false], trackGroups: trackers.groups },
    garpGroups: garpDumps(config, sources(links), 1_795_473_898_000),
    links: [...linkDumps(config, sources(links))].filter((link) => link !== undefined),
  };
  return { config, lines: [...vrrpData(config.global, dump)].join("").split("\n") };
}

const part = (lines: readonly string[], from: string, to: string): readonly string[] => {
  const [begin, end] = [from, to].map((title) => lines.indexOf(`------< ${title} >------`));
  assert.ok(begin !== undefined && begin >= 0 && end !== undefined && end > begin, `${from} before ${to}`);
  return lines.slice(begin, end);
};

const host = [link(3, "eth1"), link(2, "eth0"), lo];

test("keepalived.data: garp_group, static addresses, track_group", () => {
  const { lines } = dumped(host);
  const untimed = lines.map((line) => line.replace(/\(\w.*\)/, "(T)"));
  assert.deepEqual(part(untimed, "Gratuitous ARP delays", "VRRP Topology"), [
    "------< Gratuitous ARP delays >------",
    "------< GARP delay group 0 >------",
    " GARP interval = 0.5",
    " GARP next time 1795473898.500000 (T)",
    " GNA interval = 0.25",
    " GNA next time 0.000000 (T)",
    " Interfaces",
    "  eth0",
    "------< GARP delay group 1 >------",
    " GNA interval = 1.5",
    " GNA next time 0.000000 (T)",
    " Interfaces",
    "  eth1",
    "------< Static Addresses >------",
    "     192.0.2.200/24 dev eth0 scope global track_group TG set",
    "     192.0.2.201/24 dev eth0 scope global no_track",
    "------< Static Track groups >------",
    " Static Track Group = TG",
    "   VRRP member instances :",
    "     A",
    "     B",
  ]);
  const [next] = lines.filter((line) => line.startsWith(" GARP next time"));
  assert.match(next ?? "", /^ GARP next time 1795473898\.500000 \(\w{3} \w{3} [ \d]\d [\d:]{8}\.500000\)$/);
});

test("keepalived.data: sync groups and what is tracked, each with who tracks it", () => {
  const { lines } = dumped(host);
  assert.deepEqual(part(lines, "VRRP Sync groups", "Interfaces"), [
    "------< VRRP Sync groups >------",
    " VRRP Sync Group = G, MASTER",
    "   Num member fault 0, num member init 0",
    "   VRRP member instances :",
    "     B",
    "     C",
    "   Using smtp notification = no",
    "   Notify priority changes = yes",
    "   Tracked interfaces :",
    "     eth0 weight 3",
    "   Tracked scripts :",
    "     chk weight 4",
    "   Tracked BFDs :",
    "     B1: weight 7",
    "------< VRRP Scripts >------",
    " VRRP Script = chk",
    "   Command = '/usr/bin/check'",
    "   Interval = 1 sec",
    "   Timeout = 1 sec",
    "   Weight = 0",
    "   Rise = 1",
    "   Fall = 1",
    "   Result = 0",
    "   Insecure = no",
    "   Init state = INIT",
    "   Status = BAD",
    "   Script uid:gid = 0:0",
    "   VRRP instances :",
    "   Tracking instances :",
    "     A, weight 2",
    "     B, weight 4",
    "     C, weight 4",
    "   State = running",
    "------< VRRP Track files >------",
    " Track file = tf",
    "   File = /usr/load",
    "   Status = 1",
    "   Weight = 1",
    "   Tracking instances :",
    "     A, weight 2",
    "------< VRRP Track BFDs >------",
    " VRRP Track BFD = B1",
    "   Weight = 6",
    "   Bfd is up",
    "   Tracking VRRP instances :",
    "   Tracking instances :",
    "     A, weight 9 reverse",
    "     B, weight 7",
    "     C, weight 7",
    " VRRP Track BFD = B2",
    "   Weight = 0",
    "   Bfd is down",
    "   Tracking VRRP instances :",
  ]);
});

test("keepalived.data: lines of an instance", () => {
  const { lines } = dumped(host);
  const at = (name: string): readonly string[] => {
    const begin = lines.indexOf(` VRRP Instance = ${name}`);
    const length = lines.slice(begin + 1).findIndex((line) => !line.startsWith("  "));
    return lines.slice(begin, begin + 1 + length);
  };
  const has = (name: string, wanted: readonly string[]): void =>
    assert.deepEqual(
      at(name).filter((line) => wanted.includes(line)),
      wanted,
    );
  has("A", [
    "   Flags:",
    "   Read timeout = DISABLED",
    "   Interface = eth0",
    "   VRRP interface tracking disabled",
    "   Multicast address 224.0.0.18",
    "   Authentication type = IPSEC_AH",
    "   Tracked BFDs :",
    "     B1: weight 9 reverse",
    "   Notify priority changes = false",
  ]);
  assert.ok(!at("A").some((line) => line.includes("Password")), "the key of AH has no line");
  has("B", ["   Sync group = G", "   Flags: none", "   Gratuitous ARP delay = 3", "   Notify priority changes = true"]);
  has("C", ["   Sync group = G", "   Using Native IPv6", "   Multicast address ff02::12, ifindex 3"]);
});

test("keepalived.data: a backup shows the master that it follows", () => {
  const { config } = dumped(host);
  const shown = (name: string, masterAddress?: string): readonly string[] => {
    const instance = config.vrrpInstances.find((each) => each.name === name);
    assert.ok(instance !== undefined);
    const backup = { ...live, state: "BACKUP", masterPriority: 120, masterAdvertInterval: ms(250) } as const;
    const dump: VrrpDump = { instances: [{ config: instance, live: { ...backup, masterAddress } }], scripts: [] };
    return [...vrrpData(config.global, dump)].join("").split("\n");
  };
  const master = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.startsWith("   Master "));
  const timer = "   Master down timer = 3406250 usecs";
  assert.deepEqual(master(shown("A", "192.0.2.9")), [
    "   Master router = 192.0.2.9",
    "   Master priority = 120",
    timer,
  ]);
  assert.deepEqual(master(shown("C")), [
    "   Master router = (none)",
    "   Master priority = 120",
    "   Master advert int = 0.25 sec",
    timer,
    "   Master advert interval = 250 milli-sec",
  ]);
});

test("keepalived.data: interfaces, and who tracks them", () => {
  const { lines } = dumped(host);
  assert.deepEqual(lines.slice(lines.indexOf("------< Interfaces >------")), [
    "------< Interfaces >------",
    " Name = lo",
    "   index = 1",
    "   IPv4 address = 127.0.0.1",
    "   IPv6 address = (none)",
    "   State = UP, RUNNING, no broadcast, loopback, no multicast",
    "   Delayed state change running = false",
    "   Up debounce timer = 0us",
    "   Down debounce timer = 0us",
    "   MTU = 65536",
    "   HW Type = LOOPBACK",
    "   NIC netlink status update",
    " Name = eth0",
    "   index = 2",
    "   IPv4 address = 192.0.2.1",
    "   IPv6 address = fe80::1",
    "   MAC = 02:00:00:00:00:02",
    "   MAC broadcast = ff:ff:ff:ff:ff:ff",
    "   State = UP, RUNNING",
    "   Delayed state change running = false",
    "   Up debounce timer = 0us",
    "   Down debounce timer = 0us",
    "   MTU = 1500",
    "   HW Type = ETHERNET",
    "   NIC netlink status update",
    "   Gratuitous ARP interval 500ms",
    "   Gratuitous NA interval 250ms",
    "   Tracking VRRP instances :",
    "     A, weight 255",
    "     B, weight 0",
    "     C, weight 3",
    " Name = eth1",
    "   index = 3",
    "   IPv4 address = 203.0.113.1",
    "   Additional IPv4 addresses :",
    "     203.0.113.2",
    "   IPv6 address = (none)",
    "   MAC = 02:00:00:00:00:03",
    "   MAC broadcast = ff:ff:ff:ff:ff:ff",
    "   State = UP, RUNNING",
    "   Delayed state change running = false",
    "   Up debounce timer = 2000000us",
    "   Down debounce timer = 1000000us",
    "   MTU = 1500",
    "   HW Type = ETHERNET",
    "   NIC support ETHTOOL GLINK interface",
    "   Gratuitous NA interval 1500ms",
    "   Gratuitous ARP aggregation group 1",
    "   Tracking VRRP instances :",
    "     A, weight -3 reverse",
    "     B, weight 0",
    "     C, weight 0",
    "",
  ]);
});

test("interfaces that are down, virtual, or of a VRF", () => {
  const macvlan = { ...details, kind: "macvlan", lower: 2, mode: 1 };
  const shown = (one: Link): readonly string[] => {
    const { lines } = dumped([link(2, "eth0", {}, 0x1 | 0x2 | 0x1000), one]);
    return lines.slice(lines.indexOf(` Name = ${one.name}`));
  };
  assert.ok(shown(link(9, "m", { details: macvlan }, 0x1002)).includes("   State = not UP, not RUNNING"));
  const private_ = "   VMAC type private, underlying interface = eth0, state = UP, not RUNNING";
  assert.ok(shown(link(9, "m", { details: macvlan })).includes(private_));
  const ipvlan = { ...macvlan, kind: "ipvlan", mode: 0 };
  const l2 = "   IPVLAN type L2 bridge, underlying interface = eth0, state = UP, not RUNNING";
  assert.ok(shown(link(9, "i", { details: ipvlan })).includes(l2));
  assert.ok(
    shown(link(9, "v", { details: { ...details, kind: "vrf", table: 70 } })).includes("   VRF master table 70"),
  );
});

test("without garp_group, vrrp_garp_interval makes one of each interface that has addresses", () => {
  const globals = "global_defs {\n vrrp_garp_interval 0.1\n}\n";
  const instance = (name: string, dev: string, id: number, address: string): string =>
    `vrrp_instance ${name} {\n interface ${dev}\n virtual_router_id ${id}\n virtual_ipaddress { ${address} }\n}\n`;
  const blocks = instance("A", "eth0", 1, "10.0.0.1") + instance("B", "eth1", 2, "10.0.0.2 dev ens33");
  const links = [link(2, "eth0"), link(3, "eth1"), link(4, "ens33")];
  const named = (source: string): unknown => {
    const { config } = load(source);
    assert.ok(config !== undefined);
    return garpDumps(config, sources(links), 0).map(({ config: { garpInterval, interfaces, shared } }) => {
      return [garpInterval, interfaces, shared];
    });
  };
  assert.deepEqual(named(blocks), []);
  assert.deepEqual(named(globals + blocks), [
    [100, ["eth0"], false],
    [100, ["eth1"], false],
    [100, ["ens33"], false],
  ]);
});
