import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../main/config/model.js";
import { fileDump, groupDump, instanceDump, processDump } from "../../main/control/vrrp-view.js";
import { stateDumpName } from "../../main/observe/dump-names.js";
import { routeText, ruleText } from "../../main/observe/route-text.js";
import { vrrpData } from "../../main/observe/vrrp-data.js";
import { addressText, type TrackProcessDump, type VrrpDump } from "../../main/observe/vrrp-dump.js";
import { vrrpJson } from "../../main/observe/vrrp-json.js";
import type { MemberView } from "../../main/vrrp/sync-group.js";
import type { Fault } from "../../main/vrrp/tracking.js";
import { SimClock } from "../simulation/sim-clock.js";
import { SimRouter } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";
import { load } from "./config-fake-host.js";
import { global, instance, live, script } from "./observe-fixtures.js";

function loaded(text: string): Config {
  const { config } = load(text);
  assert.ok(config !== undefined);
  return config;
}

const inInstance = (block: string, line: string): Config["vrrpInstances"][number] => {
  const text = `vrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress { 10.0.0.1 }\n ${block} {\n${line}\n}\n}\n`;
  const [found] = loaded(text).vrrpInstances;
  assert.ok(found !== undefined, line);
  return found;
};

/** Lines of a file, and what Debian's keepalived (2.2.7) shows of them. */
const routes: readonly (readonly [line: string, shown: string])[] = [
  [
    "10.6.0.0/24 via 192.0.2.9 dev eth0 metric 5 src 192.0.2.101 table 100 scope link onlink",
    "prepend 10.6.0.0/24 src 192.0.2.101 via inet 192.0.2.9 dev eth0 table 100 proto 18 scope 253 metric 5 onlink",
  ],
  ["default via 192.0.2.9", "prepend 0.0.0.0/0 via inet 192.0.2.9 proto 18 no_track"],
  ["unreachable 10.11.0.0/24 metric 7 add", "add unreachable 10.11.0.0/24 proto 18 metric 7 no_track"],
  [
    "10.12.0.1 via 192.0.2.9 encap ip id 5 dst 1.2.3.4 src 2.3.4.5 tos 4 ttl 7",
    "prepend 10.12.0.1 encap ip id 5 dst 1.2.3.4 src 2.3.4.5 tos 4 ttl 7 via inet 192.0.2.9 proto 18 no_track",
  ],
  [
    "10.10.0.0/24 nexthop via 192.0.2.8 dev eth0 weight 5 nexthop via 192.0.2.7 weight 2",
    "prepend 10.10.0.0/24 proto 18 nexthop via inet 192.0.2.8 dev eth0 weight 5 nexthop via inet 192.0.2.7 weight 2 no_track",
  ],
  [
    "10.7.1.0/24 dev eth0 mtu lock 1400 fastopen_no_cookie 1 ttl-propagate enabled",
    "prepend 10.7.1.0/24 dev eth0 proto 18 mtu lock 1400 fastopen_no_cookie 1 ttl-propagate enabled",
  ],
  [
    "fd02::/64 dev eth0 expires 500 metric 4 pref low table 44 scope global",
    "prepend fd02::/64 dev eth0 table 44 proto 18 scope 0 metric 4 expires 500sec pref low",
  ],
  ["multicast 224.1.0.0/24 dev eth0", "add multicast 224.1.0.0/24 dev eth0 proto 18"],
  ["198.51.101.0/24 via 192.0.2.9 dev eth0 no_track", "prepend 198.51.101.0/24 via inet 192.0.2.9 dev eth0 no_track"],
];

for (const [line, shown] of routes) {
  test(`route: ${shown}`, () => {
    const [route] = inInstance("virtual_routes", line).routes;
    assert.equal(route && routeText(route), shown);
  });
}

const rules: readonly (readonly [line: string, shown: string])[] = [
  [
    "from 10.6.0.0/24 to 10.7.0.0/24 table 100 preference 5",
    "from 10.6.0.0/24 to 10.7.0.0/24 priority 5 tos 0x0 protocol 18 lookup 100",
  ],
  [
    "from 10.6.0.0/24 iif eth0 oif eth1 tos 8 fwmark 5/0xff preference 6 table main",
    "from 10.6.0.0/24 priority 6 tos 0x8 fwmark 0x5/0xff iif eth0 oif eth1 protocol 18 lookup 254",
  ],
  ["to 10.0.0.0/8 goto 7 preference 4", "from all to 10.0.0.0/8 priority 4 tos 0x0 protocol 18 goto 7"],
  [
    "from 10.2.0.0/24 uidrange 5-9 ipproto tcp sport 5-6 dport 80-81 suppress_prefixlength 5 preference 11 table 200",
    "from 10.2.0.0/24 priority 11 tos 0x0 suppress_prefixlen 5 uidrange 5-9 protocol 18 ipproto 6 sport 5-6 dport 80-81 lookup 200",
  ],
  ["from 10.3.0.0/24 nop preference 13", "from 10.3.0.0/24 priority 13 tos 0x0 protocol 18 nop"],
  [
    "from 10.3.0.0/24 tunnel-id 44 prohibit preference 14",
    "from 10.3.0.0/24 priority 14 tos 0x0 tunnel-id 44 protocol 18 type prohibit",
  ],
  ["from 192.0.2.201 table 100 no_track priority 1001", "from 192.0.2.201 priority 1001 tos 0x0 lookup 100 no_track"],
  ["fwmark 7 table 5 preference 16", "from all priority 16 tos 0x0 fwmark 0x7 protocol 18 lookup 5"],
  ["from fd00::1 l3mdev preference 17", "from fd00::1 priority 17 tos 0x0 l3mdev protocol 18 lookup 0"],
];

for (const [line, shown] of rules) {
  test(`rule: ${shown}`, () => {
    const [rule] = inInstance("virtual_rules", line).rules;
    assert.equal(rule && ruleText(rule), shown);
  });
}

/** Debian's keepalived again. */
const addresses: readonly (readonly [line: string, shown: string])[] = [
  ["192.0.2.102 peer 10.9.9.9 dev eth0", "192.0.2.102 dev eth0 scope global peer 10.9.9.9/32 set"],
  [
    "fd00::1/64 mngtmpaddr noprefixroute home preferred_lft 0",
    "fd00::1/64 dev eth0 scope global home mngtmpaddr noprefixroute deprecated set",
  ],
  ["fd00::2 dev eth0 preferred_lft 500", "fd00::2 dev eth0 scope global preferred_lft 500 set"],
  ["10.9.9.58/24 no_track", "10.9.9.58/24 dev eth0 scope global no_track set"],
  ["fd00::3/64 preferred_lft forever", "fd00::3/64 dev eth0 scope global preferred_lft forever set"],
];

for (const [line, shown] of addresses) {
  test(`address: ${shown}`, () => {
    const [address] = inInstance("virtual_ipaddress_excluded", line).excludedAddresses;
    assert.equal(address && addressText(address, "eth0", true), shown);
  });
}

const everything = `
static_ipaddress {
  10.1.1.1/24 dev eth0
}
static_routes {
  10.5.0.0/24 via 192.0.2.9 dev eth0
}
vrrp_track_process p {
  process cat a b
  param_match exact
  weight 3 reverse
  quorum 2
  fork_delay 1.5
}
vrrp_sync_group G {
  group { A B }
  notify_master "/usr/bin/notify gm"
  smtp_alert
}
vrrp_instance A {
  interface eth0
  virtual_router_id 1
  virtual_ipaddress { 10.0.0.1 }
  virtual_routes { 10.6.0.0/24 via 192.0.2.9 dev eth0 }
  virtual_rules { from 10.6.0.0/24 table 100 preference 5 }
  track_process { p }
  notify_deleted "/usr/bin/notify gone"
  notify_master_rx_lower_pri /usr/bin/notify
}
vrrp_instance B {
  interface eth0
  virtual_router_id 2
  unicast_peer { 192.0.2.33 }
  virtual_ipaddress { 10.0.0.2 }
}
`;

function everythingDumped(): { readonly config: Config; readonly dump: VrrpDump } {
  const config = loaded(everything);
  const view = (name: string, faults: readonly Fault[]): MemberView => ({
    name,
    wantsMaster: true,
    own: { faults, waiting: [] },
  });
  const members = [view("A", []), view("B", [{ kind: "no-source-address" }])];
  const processes = config.trackers.processes.map(
    (process): TrackProcessDump => ({ config: process, running: 1, haveQuorum: false, delayed: "fork" }),
  );
  const dump: VrrpDump = {
    instances: config.vrrpInstances.map((each) => ({ config: each, live: { ...live, virtualSet: [true] } })),
    scripts: [],
    groups: config.syncGroups.map((group) => groupDump({ config: group, state: "FAULT", members })),
    processes,
    staticEntries: config.staticEntries,
  };
  return { config, dump };
}

test("keepalived.data: groups, static entries, routes, rules, trackers, notifies", () => {
  const { config, dump } = everythingDumped();
  const lines = [...vrrpData(config.global, dump)].join("").split("\n");
  const wanted = [
    "------< Static Addresses >------",
    "     10.1.1.1/24 dev eth0 scope global",
    "------< Static Routes >------",
    "     prepend 10.5.0.0/24 via inet 192.0.2.9 dev eth0 proto 18",
    "   Sync group = G",
    "   Flags: none",
    "   Virtual Routes :",
    "     prepend 10.6.0.0/24 via inet 192.0.2.9 dev eth0 proto 18",
    "   Virtual Rules :",
    "     from 10.6.0.0/24 priority 5 tos 0x0 protocol 18 lookup 100",
    "   Notify deleted = Deleted",
    "   Deleted state transition script = '/usr/bin/notify' 'gone', uid:gid 0:0",
    "   Master rx lower pri state transition script = '/usr/bin/notify', uid:gid 0:0",
    "   Notify priority changes = false",
    "     Using unicast",
    "     192.0.2.33 min_ttl 0 max_ttl 255",
    "   Notify deleted = Fault",
    "------< VRRP Sync groups >------",
    " VRRP Sync Group = G, FAULT",
    "   Num member fault 1, num member init 0",
    "     B",
    "   Master state transition script = '/usr/bin/notify' 'gm', uid:gid 0:0",
    "------< VRRP Track processes >------",
    " VRRP Track process = p",
    "   Parameters = a b",
    "   Min processes = 2",
    "   Fork delay = 1.500000s",
    "   Fork delay timer running",
  ];
  assert.deepEqual(
    wanted.filter((line) => !lines.includes(line)),
    [],
  );
});

test("keepalived.json: fields of routes, rules, scripts and trackers; version 2 is an object", () => {
  const { dump } = everythingDumped();
  type Element = { readonly data: Readonly<Record<string, unknown>> };
  const first = JSON.parse([...vrrpJson(dump)].join("")) as readonly Element[];
  const data = first[0]?.data ?? {};
  assert.deepEqual(data["vroutes"], ["prepend 10.6.0.0/24 via inet 192.0.2.9 dev eth0 proto 18"]);
  assert.deepEqual(data["vrules"], ["from 10.6.0.0/24 priority 5 tos 0x0 protocol 18 lookup 100"]);
  assert.deepEqual(data["track_process"], ["p"]);
  assert.equal(data["notify_deleted"], true);
  assert.equal(data["script_deleted"], "'/usr/bin/notify' 'gone'");
  assert.equal(data["script_master_rx_lower_pri"], "'/usr/bin/notify'");
  const second = JSON.parse([...vrrpJson(dump, 2)].join("")) as Readonly<Record<string, readonly unknown[]>>;
  assert.deepEqual(Object.keys(second), ["vrrp", "track_process"]);
  assert.deepEqual(second["vrrp"], first);
  assert.deepEqual(second["track_process"], [
    {
      process: "cat",
      parameters: "a b",
      param_match: "exact",
      min_processes: 2,
      current_processes: 1,
      have_quorum: false,
      weight: -3,
      terminate_delay: 0,
      fork_delay: 1.5,
      fork_delay_timer_running: true,
      terminate_delay_timer_running: false,
      full_command: true,
    },
  ]);
});

test("an instance on a VMAC is shown by it", () => {
  const dump: VrrpDump = {
    instances: [{ config: instance, live: { ...live, virtualDevice: "vrrp.51" } }],
    scripts: [],
  };
  const json = [...vrrpJson(dump)].join("");
  assert.match(json, /"vmac_ifname":"vrrp.51","ifp_ifname":"vrrp.51"/);
  assert.match(json, /10\.9\.0\.2 dev vrrp.51@v0 scope global/);
  assert.equal(
    [...vrrpData(global, { ...dump, scripts: [{ config: script, status: "good", run: "idle", result: 1 }] })].length,
    5,
  );
});

test("a running instance: its VMAC", () => {
  const text =
    "vrrp_instance A {\n interface eth0\n virtual_router_id 51\n use_vmac vrrp.51\n virtual_ipaddress { 10.0.0.1 }\n virtual_routes {\n10.7.1.0/24 dev eth0\n}\n}\n";
  const clock = new SimClock();
  const sim = new SimRouter("us", "192.0.2.1", clock, new SimSegment(clock));
  sim.router.start(loaded(text));
  const [found] = sim.router.snapshot();
  assert.ok(found !== undefined);
  const shown = instanceDump(found, 0).live;
  assert.equal(shown.virtualDevice, "vrrp.51");
});

test("tracked files and processes", () => {
  const file = { name: "f", path: "/f", weight: 1, reverse: false, init: undefined };
  assert.deepEqual(fileDump({ config: file, value: undefined }), { config: file, status: 0 });
  assert.equal(fileDump({ config: file, value: 7 }).status, 7);
  const config = { name: "p", quorum: 2, quorumMax: 3 } as TrackProcessDump["config"];
  const rows = [
    [undefined, false, undefined, 0, "none"],
    [2, true, undefined, 2, "none"],
    [1, true, 5, 1, "terminate"],
    [4, true, 5, 4, "fork"],
    [2, false, 5, 2, "fork"],
  ] as const;
  for (const [count, up, changesAt, running, delayed] of rows) {
    const dump = processDump({ config, state: { count, up, changesAt } });
    assert.deepEqual([dump.running, dump.haveQuorum, dump.delayed], [running, up, delayed]);
  }
});

test("names of state dumps", () => {
  const rows = [
    [{}, {}, "keepalived.data", "keepalived_check.data"],
    [{}, { instanceName: "foo" }, "keepalived.data", "keepalived_check.data"],
    [{ useInstance: true }, { instanceName: "foo" }, "keepalived.foo.data", "keepalived_check.foo.data"],
    [
      { useInstance: true },
      { instanceName: "foo", netNamespace: "ns" },
      "keepalived.ns_foo.data",
      "keepalived_check.ns_foo.data",
    ],
    [{ stateDump: "/run/ha/" }, {}, "/run/ha/keepalived.data", "/run/ha/keepalived_check.data"],
    [{ stateDump: "/run/h.a/state" }, {}, "/run/h.a/state", "/run/h.a/state_check"],
    [{ stateDump: "state.txt" }, {}, "state.txt", "state_check.txt"],
  ] as const;
  for (const [files, process, vrrp, check] of rows) {
    const settings = { stateDump: undefined, useInstance: false, ...files };
    const names = { netNamespace: undefined, instanceName: undefined, ...process };
    assert.deepEqual([stateDumpName("", settings, names), stateDumpName("_check", settings, names)], [vrrp, check]);
  }
});
