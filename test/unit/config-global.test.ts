import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Config } from "../../main/config/model.js";
import { testExitCode } from "../../main/config/report.js";
import { ConfWriter } from "../../main/config/show/conf-writer.js";
import { showGlobal } from "../../main/config/show/global.js";
import { showConfig } from "../../main/config/show/show.js";
import { load } from "./config-fake-host.js";

const inGlobal = (lines: string): string => `global_defs {\n${lines}\n}\n`;

function loaded(text: string): Config {
  const result = load(text);
  const found = result.diagnostics.filter(({ code }) => code !== "CFG_LATER" && code !== "CFG_RENAMED");
  assert.deepEqual(found, [], text);
  assert(result.config !== undefined);
  return result.config;
}

function shown(config: Config): string {
  const out = new ConfWriter();
  showGlobal(config, out, { secrets: true });
  return out.toString();
}

/** The value at `path` of the model, such as `global.lvs.timeouts.tcp`. */
const valueAt = (config: Config, path: string): unknown =>
  path.split(".").reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], config);

const ours: readonly (readonly [lines: string, path: string, value: unknown])[] = [
  ["", "global.routerId", "node1"],
  ["router_id lb1\nrouter_id lb2", "global.routerId", "lb2"],
  ["", "global.alerts.checker", undefined],
  [
    "smtp_alert\nsmtp_alert_checker off",
    "global.alerts",
    { vrrp: true, checker: false, faults: true, checkerChanges: true },
  ],
  ["no_email_faults\nno_checker_emails", "global.alerts.faults", false],
  ["no_checker_emails", "global.alerts.checkerChanges", false],
  ["vrrp_mcast_group6 ff02::0:13", "global.instanceDefaults.mcastGroup6", "ff02::13"],
  ["vrrp_garp_extra_if all 60", "global.instanceDefaults.garpExtraIf", { all: true, interval: 60_000 }],
  ["vrrp_garp_master_delay 7", "global.instanceDefaults.garp.lowerPrioDelay", 7000],
  ["vrrp_garp_master_repeat 2\nvrrp_min_garp", "global.instanceDefaults.garp.masterRepeat", 2],
  ["vrrp_min_garp", "global.instanceDefaults.garp.lowerPrioRepeat", 1],
  ["dynamic_interfaces allow_if_changes", "global.instanceDefaults.dynamicInterfaces", "allow_if_changes"],
  ["vmac_prefix vm", "global.instanceDefaults.vmacAddrPrefix", "vm"],
  ["vrrp_startup_delay 1.000001", "global.startup.delay", 1000.001],
  ["vrrp_iptables", "global.vrrpIptables", { inChain: "INPUT", outChain: "OUTPUT" }],
  ["vrrp_iptables KA", "global.vrrpIptables", { inChain: "KA", outChain: undefined }],
  ["vrrp_iptables\nvrrp_ipsets", "global.packetFilter.ipsets", undefined],
  ["vrrp_ipsets a b6", "global.packetFilter.ipsets.interface6", "b_if6"],
  [`vrrp_ipsets ${"s".repeat(30)}`, "global.packetFilter.ipsets.mld", `${"s".repeat(26)}_mld`],
  ["nftables_priority 5\nnftables", "global.packetFilter.nftables", { table: "keepalived", priority: -1 }],
  ["nftables\nnftables_priority 5", "global.packetFilter.nftables.priority", 5],
  ["nftables_ipvs", "global.packetFilter.ipvs", { table: "keepalived_ipvs", priority: -1, startFwmark: 1000 }],
  ["lvs_timeouts udp 30 tcp 2678400", "global.lvs.timeouts", { tcp: 2_678_400_000, tcpFin: undefined, udp: 30_000 }],
  ["lvs_flush_onstop VS", "global.lvs.flushOnStop", "VS"],
  ["lvs_flush_on_stop", "global.lvs.flushOnStop", "all"],
  ["process_names\nvrrp_process_name v", "global.processes.vrrp.name", "v"],
  ["process_names\nvrrp_process_name v", "global.processes.checker.name", "keepalived_lvs"],
  ["checker_rlimit_rttime 1", "global.processes.checker.realTimeLimit", 0.002],
  ["vrrp_rlimit_rtime 500", "global.processes.vrrp.realTimeLimit", 0.5],
  ["max_auto_priority", "global.processes.maxAutoPriority", 99],
  ["bfd_cpu_affinity 3 1 3", "global.processes.bfd.cpus", [1, 3]],
  ["", "global.processes.umask", 0o177],
  ["umask 022", "global.processes.umask", 0o022],
  ["umask 0x1ff", "global.processes.umask", 0o777],
  ["umask 18", "global.processes.umask", 0o022],
  ["umask IWGRP | IWOTH|IXOTH", "global.processes.umask", 0o023],
  ["umask IRWXU |IRWXG", "global.processes.umask", 0o770],
  ["vrrp_netlink_cmd_rcv_bufs 0", "global.buffers.vrrpNetlinkCommand.size", undefined],
  ["process_monitor_rcv_bufs_force", "global.buffers.processMonitor", { size: undefined, force: true }],
  ["vrrp_rx_bufs_policy Mtu", "global.buffers.vrrpReceive", "MTU"],
  ["vrrp_rx_bufs_policy 4096", "global.buffers.vrrpReceive", 4096],
  ["", "global.scripts.user", { name: "root", uid: 0, gid: 0 }],
  [
    "script_user eve adm\nenable_script_security",
    "global.scripts.user",
    { name: "eve", uid: 1000, gid: 4, group: "adm" },
  ],
  ["notify_fifo /run/f eve", "global.fifos.all.owner", { name: "eve", uid: 1000, gid: 1000 }],
  ["enable_snmp_rfc", "global.snmp.rfcV3", true],
  ["snmp_rs_stats_update_interval 0.5", "global.snmp.realServerInterval", 500],
  ["reload_check_config", "global.reload.checkLog", "/dev/null"],
  ["reload_file", "global.reload.markerFile", true],
  ["config_save_dir /tmp/save", "global.files.saveDirectory", "/tmp/save"],
  ["json_version 2", "global.files.jsonVersion", 2],
  ["lvs_sync_daemon eth0", "global.lvs.syncDaemon.id", 0],
  [
    "lvs_sync_daemon eth0 id 7 port 9 group ff02::5",
    "global.lvs.syncDaemon",
    {
      interface: "eth0",
      instance: undefined,
      id: 7,
      maxLength: undefined,
      port: 9,
      ttl: undefined,
      group: "ff02::5",
    },
  ],
];

for (const [lines, path, value] of ours) {
  test(`global_defs { ${lines.replaceAll("\n", "; ")} } means ${path} = ${JSON.stringify(value)}`, () => {
    assert.deepEqual(valueAt(loaded(inGlobal(lines)), path), value);
  });
}

const roots: readonly (readonly [lines: string, path: string, value: unknown])[] = [
  ["", "process.ipvsNamespace", "own"],
  ["net_namespace_ipvs", "process.ipvsNamespace", "default"],
  ["net_namespace_ipvs dmz", "process.ipvsNamespace", { name: "dmz" }],
  ["instance edge", "process.usePidDir", true],
  ["", "process.childWaitTime", undefined],
  ["child_wait_time 4294967295", "process.childWaitTime", 4_294_967_295_000],
  ["linkbeat_use_polling", "process.linkbeatUsePolling", true],
];

for (const [lines, path, value] of roots) {
  test(`${lines || "an empty file"} means ${path} = ${JSON.stringify(value)}`, () => {
    assert.deepEqual(valueAt(loaded(`${lines}\n`), path), value);
  });
}

test("lvs_sync_daemon takes the virtual router id of its instance, wherever that stands", () => {
  const text = `${inGlobal("lvs_sync_daemon eth0 A ttl 4")}vrrp_instance A {\n interface eth0\n virtual_router_id 9\n virtual_ipaddress { 10.0.0.1 }\n}\n`;
  const { syncDaemon } = loaded(text).global.lvs;
  assert.deepEqual([syncDaemon?.instance, syncDaemon?.id, syncDaemon?.ttl], ["A", 9, 4]);
});

test("what has no effect is said once, and is no error", () => {
  const result = load(inGlobal("bfd_no_swap\nbfd_no_swap\nreload_check_config /var/log/x"));
  const found = result.diagnostics.map(({ code, message }) => `${code} ${message}`);
  assert.deepEqual(found, [
    "CFG_LATER 'bfd_no_swap' in global_defs is accepted, without effect in this version (and in 1 more place)",
  ]);
  assert.equal(result.diagnostics[0]?.hint, "BFD runs in the main thread: write vrrp_no_swap");
  assert.equal(testExitCode(result), 0);
});

/** Lines that may stand together in any order, except that nftables forgets what was said before it. */
const anyLines = ours.map(([lines]) => lines).filter((lines) => lines !== "" && !/sync_daemon/.test(lines));
const once = /^(vrrp_iptables|vrrp_ipsets|nftables|nftables_ipvs|vmac_prefix|vmac_addr_prefix|notify_fifo)\b/;

/** Those that count once are kept once. */
function together(blocks: readonly string[]): string {
  const seen = new Set<string>();
  const lines = blocks
    .flatMap((block) => block.split("\n"))
    .filter((line) => {
      const [, name] = once.exec(line) ?? [];
      if (name === undefined || !seen.has(name)) {
        if (name !== undefined) seen.add(name);
        return true;
      }
      return false;
    });
  return inGlobal(lines.join("\n"));
}

test("reading what is shown gives the same, for any settings of global_defs", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(anyLines), fc.subarray(roots.map(([lines]) => lines)), (blocks, top) => {
      const before = loaded(`${oneEach(top).join("\n")}\n${together(blocks)}`);
      const after = loaded(shown(before));
      assert.deepEqual([after.global, after.process], [before.global, before.process]);
      assert.equal(shown(after), shown(before));
    }),
    { numRuns: 200 },
  );
});

/** net_namespace_ipvs counts once. */
const oneEach = (lines: readonly string[]): readonly string[] =>
  lines.filter((line, i) => lines.findIndex((other) => other.split(" ")[0] === line.split(" ")[0]) === i);

test("names with blanks and odd characters survive", () => {
  const before = loaded(
    inGlobal('router_id "a # b"\nvmac_prefix "x{y"\nnotify_fifo "/run/my fifo"\nstate_dump_file "/a b"'),
  );
  const after = loaded(shown(before));
  assert.deepEqual(after.global, before.global);
  assert.equal(after.global.routerId, "a # b");
});

test("the golden file with every setting, shown and read again, is the same configuration", () => {
  const file = new URL("../../../test/golden/config/global-everything.conf", import.meta.url);
  const [text = ""] = readFileSync(file, "utf8").split("\n======== result");
  const before = load(text).config;
  assert(before !== undefined);
  const after = load(showConfig(before, { secrets: true })).config;
  assert.deepEqual(withoutPlaces(after), withoutPlaces(before));
});

const withoutPlaces = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutPlaces);
  const members = Object.entries(value).filter(([name]) => name !== "at");
  return Object.fromEntries(members.map(([name, member]) => [name, withoutPlaces(member)]));
};
