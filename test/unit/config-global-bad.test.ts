import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../main/config/load.js";
import { testExitCode } from "../../main/config/report.js";
import { fakeHost, instance, load, MAIN_FILE, service } from "./config-fake-host.js";

/** One row per kind of mistake in `global_defs`: exit code of `-t`, code, what the sentence says, what it advises. */
interface Row {
  readonly lines: string;
  readonly exit: 0 | 2 | 5 | 6;
  readonly code: string;
  readonly says: RegExp;
  readonly advises: RegExp;
}

const row = (lines: string, [exit, code]: readonly [Row["exit"], string], says: RegExp, advises: RegExp): Row => ({
  lines,
  exit,
  code,
  says,
  advises,
});

const missing = (keyword: string): Row =>
  row(keyword, [2, "CFG_MISSING_PARAMETER"], new RegExp(`\`${keyword}\``), new RegExp(`write: ${keyword} <`));
const forgiven = (keyword: string, says: RegExp): Row =>
  row(keyword, [5, "CFG_BAD_VALUE"], says, new RegExp(`write: ${keyword} `));

const mail = [
  missing("smtp_server"),
  missing("smtp_connect_timeout"),
  forgiven("router_id", /routerid name missing/),
  forgiven("notification_email_from", /notification_email_from missing/),
  row(
    "notification_email_from Eve <eve@b.example>",
    [5, "CFG_BAD_VALUE"],
    /'<eve@b.example>'.*ignored/,
    /double quotes/,
  ),
  row("notification_email {\n }", [5, "CFG_ADJUSTED"], /empty notification_email block/, /<address>/),
  row("notification_email { [eve] }", [0, "CFG_ADVICE"], /does not look like a mail address/, /one address per word/),
  row(
    "smtp_server a..b",
    [5, "CFG_BAD_VALUE"],
    /'a\.\.b' is neither an address nor a host name/,
    /<address \| host name>/,
  ),
  row("smtp_server 10.0.0.300", [5, "CFG_BAD_VALUE"], /neither an address nor a host name/, /write/),
  row("smtp_server mail.invalid", [5, "CFG_BAD_VALUE"], /no host ever has/, /write/),
  row("smtp_server 127.0.0.1 0", [5, "CFG_BAD_VALUE"], /'0' is not an integer between 1 and 65535/, /1\.\.65535/),
  row("smtp_connect_timeout 0", [5, "CFG_ADJUSTED"], /1 s is used/, /smtp_connect_timeout 1/),
  row("smtp_connect_timeout 4295", [5, "CFG_BAD_VALUE"], /4295/, /0\.\.4294/),
];

const vrrp = [
  row("vrrp_version", [2, "CFG_MISSING_PARAMETER"], /`vrrp_version`/, /write: vrrp_version 2\|3/),
  missing("vrrp_mcast_group4"),
  row("vrrp_mcast_group4 10.0.0.1", [5, "CFG_BAD_VALUE"], /is not an IPv4 multicast address - ignoring/, /multicast/),
  row("vrrp_mcast_group4 ff02::12", [5, "CFG_BAD_VALUE"], /is not an IPv4 multicast address - ignoring/, /multicast/),
  row("vrrp_mcast_group4 224.0.0.9/24", [0, "CFG_ADVICE"], /read as 224\.0\.0\.9/, /vrrp_mcast_group4 224\.0\.0\.9$/),
  row("vrrp_mcast_group6 255.0.0.1", [5, "CFG_BAD_VALUE"], /is not an IPv6 multicast address/, /multicast/),
  row("vrrp_mcast_group6 ff05::1", [5, "CFG_ADJUSTED"], /should be link-local/, /ff02::\/16/),
  row("vrrp_down_timer_adverts 0", [5, "CFG_BAD_VALUE"], /between 1 and 100/, /1\.\.100/),
  row("vrrp_garp_master_refresh x", [5, "CFG_BAD_VALUE"], /using 0/, /vrrp_garp_master_refresh/),
  row("vrrp_garp_master_refresh 4294967295", [0, "CFG_ADVICE"], /24 days are used/, /0 for never/),
  row("vrrp_garp_lower_prio_repeat 2147483648", [5, "CFG_BAD_VALUE"], /2147483647/, /0\.\.2147483647/),
  row("vrrp_garp_master_repeat 0", [5, "CFG_ADJUSTED"], /1 is used/, /vrrp_garp_master_repeat 1/),
  row("vrrp_garp_interval 2", [0, "CFG_ADVICE"], /very large - 2 seconds/, /each/),
  row("vrrp_garp_extra_if", [5, "CFG_BAD_VALUE"], /without time/, /\[all\] <seconds: 1\.\.86400>/),
  row("vrrp_garp_extra_if 0", [5, "CFG_BAD_VALUE"], /'0' is not an integer between 1 and 86400/, /\[all\]/),
  row("vrrp_garp_extra_if 5 x", [5, "CFG_BAD_VALUE"], /'x' is not an integer/, /\[all\]/),
  row("vrrp_vmac_garp_intvl 5", [5, "CFG_DEPRECATED"], /use 'vrrp_garp_extra_if'/, /vrrp_garp_extra_if/),
  row("dynamic_interfaces all", [5, "CFG_BAD_VALUE"], /'all'.*set all the same/, /allow_if_changes/),
  row("vrrp_startup_delay 0.0001", [5, "CFG_BAD_VALUE"], /between 0\.001 and 4294/, /seconds/),
  row("vrrp_startup_delay 60", [0, "CFG_ADVICE"], /very large - 60 seconds/, /no instance runs/),
  row("vmac_prefix a\n vmac_prefix b", [5, "CFG_REPEATED"], /the first one is used/, /remove/),
  missing("vmac_prefix"),
  forgiven("default_interface", /requires interface name/),
];

const filter = [
  row("vrrp_iptables A A", [0, "CFG_ADVICE"], /names one chain twice/, /different chains/),
  row(`vrrp_iptables ${"c".repeat(28)}`, [5, "CFG_BAD_VALUE"], /1 to 27 characters/, /<in chain>/),
  row("vrrp_iptables\n vrrp_iptables", [5, "CFG_REPEATED"], /first one is used/, /remove/),
  row("vrrp_ipsets a a", [5, "CFG_BAD_VALUE"], /stand once - using the defaults/, /once/),
  row(`vrrp_ipsets ${"s".repeat(31)}`, [5, "CFG_BAD_VALUE"], /1 to 30 characters/, /./),
  row('nftables ""', [5, "CFG_BAD_VALUE"], /1 to 254 characters/, /nftables <table>/),
  row("nftables a\n nftables b", [5, "CFG_REPEATED"], /first one is used/, /remove/),
  missing("nftables_priority"),
  row("nftables_ipvs_start_fwmark 0", [5, "CFG_BAD_VALUE"], /between 1 and 4294967295/, /1\.\.4294967295/),
];

const lvs = [
  row("lvs_timeouts", [5, "CFG_BAD_VALUE"], /requires at least one option/, /tcp <seconds>/),
  row("lvs_timeouts tcp", [5, "CFG_BAD_VALUE"], /requires at least one option/, /tcp <seconds>/),
  row(
    "lvs_timeouts tcp 5 udp",
    [5, "CFG_BAD_VALUE"],
    /No value specified for lvs_timeouts udp - ignoring/,
    /after udp/,
  ),
  row("lvs_timeouts tcp 2678401", [5, "CFG_BAD_VALUE"], /between 0 and 2678400/, /tcp </),
  row("lvs_timeouts sctp 30", [5, "CFG_UNKNOWN_KEYWORD"], /Unknown option sctp/, /tcp/),
  row("lvs_timeouts 1 2", [5, "CFG_UNKNOWN_KEYWORD"], /Unknown option 1 /, /tcp/),
  row("lvs_flush_on_stop all", [5, "CFG_BAD_VALUE"], /not one of VS/, /VS/),
  row("lvs_flush_onstop", [0, "CFG_RENAMED"], /lvs_flush_on_stop/, /lvs_flush_on_stop/),
  row("lvs_sync_daemon", [5, "CFG_BAD_VALUE"], /requires interface/, /<interface>/),
  row("lvs_sync_daemon abcdefghijklmnop", [5, "CFG_BAD_VALUE"], /1 to 15 characters/, /<interface>/),
  row("lvs_sync_daemon eth0 inst", [2, "CFG_MISSING_PARAMETER"], /`inst`/, /<vrrp instance>/),
  row("lvs_sync_daemon eth0 id", [5, "CFG_BAD_VALUE"], /No value specified for lvs_sync_daemon id/, /id/),
  row("lvs_sync_daemon eth0 A 5", [5, "CFG_BAD_VALUE"], /'5'.*the sync id - ignoring/, /eth0 A id 5/),
  row("lvs_sync_daemon eth0 inst A inst B", [5, "CFG_REPEATED"], /already been specified as A/, /one instance/),
  row("lvs_sync_daemon eth0 id 1 tll 5", [5, "CFG_UNKNOWN_KEYWORD"], /'tll'/, /'ttl'/),
  row("lvs_sync_daemon eth0 group 10.0.0.1", [5, "CFG_BAD_VALUE"], /not a multicast address/, /multicast/),
  row("lvs_sync_daemon eth0\n lvs_sync_daemon eth1", [5, "CFG_REPEATED"], /first one is used/, /remove/),
  row("checker_threads 0", [5, "CFG_BAD_VALUE"], /between 1 and 256/, /checker_threads/),
  row("checker_max_in_flight 0", [5, "CFG_BAD_VALUE"], /between 1 and 1000000/, /checker_max_in_flight/),
  row("checker_max_processes 0", [5, "CFG_BAD_VALUE"], /between 1 and 100000/, /checker_max_processes/),
  row("checker_max_in_flight_per_host x", [5, "CFG_BAD_VALUE"], /between 1 and 1000000/, /per_host/),
  row("lvs_reconcile always", [5, "CFG_BAD_VALUE"], /presence, full, off/, /presence/),
];

const processes = [
  row("process_name abcdefghijklmnopq", [5, "CFG_ADJUSTED"], /'abcdefghijklmno' is used/, /1\.\.15/),
  missing("process_name"),
  row("lvs_process_name a", [0, "CFG_RENAMED"], /checker_process_name/, /checker_process_name/),
  forgiven("vrrp_priority", /No vrrp process priority specified/),
  row("vrrp_priority 20", [5, "CFG_BAD_VALUE"], /'20'.*using 0/, /-20\.\.19/),
  forgiven("checker_rt_priority", /No checker process real-time priority/),
  row("checker_rt_priority 100", [5, "CFG_ADJUSTED"], /99 is used/, /1\.\.99/),
  row("checker_rt_priority x", [5, "CFG_BAD_VALUE"], /not an integer between 1 and 99/, /1\.\.99/),
  row("bfd_cpu_affinity", [5, "CFG_BAD_VALUE"], /bfd process/, /counted from 0/),
  row("bfd_cpu_affinity 0 0x1", [5, "CFG_BAD_VALUE"], /'0x1'.*using all of them/, /counted from 0/),
  missing("vrrp_rlimit_rttime"),
  row("vrrp_rlimit_rttime 0", [5, "CFG_BAD_VALUE"], /using the least/, /microseconds/),
  row("vrrp_rlimit_rtime 5", [0, "CFG_RENAMED"], /vrrp_rlimit_rttime/, /vrrp_rlimit_rttime/),
  row("max_auto_priority 100", [5, "CFG_BAD_VALUE"], /between -1 and 99/, /-1\.\.99/),
  row("late_timer_warning 10", [5, "CFG_BAD_VALUE"], /between 1000 and 60000000/, /microseconds/),
  forgiven("min_auto_priority_delay", /requires delay time/),
  row("min_auto_priority_delay 0", [5, "CFG_BAD_VALUE"], /between 1 and 10000000/, /microseconds/),
  missing("umask"),
  ...["01000", "1000", "08", "0x", "022 | IRUSR", "022 x", "irusr", "IRUSR|", "|IRUSR", "IRUSR IWUSR", '""', "-1"].map(
    (mask) => row(`umask ${mask}`, [5, "CFG_BAD_VALUE"], /is no mask - ignoring/, /octal.*IRWXO/),
  ),
];

const buffers = [
  forgiven("vrrp_netlink_cmd_rcv_bufs", /size missing/),
  row("lvs_netlink_monitor_rcv_bufs 4294967296", [5, "CFG_BAD_VALUE"], /4294967295/, /bytes/),
  row("process_monitor_rcv_bufs_force 1", [5, "CFG_BAD_VALUE"], /'1' is not on, off/, /on/),
  row("vrrp_rx_bufs_policy", [5, "CFG_BAD_VALUE"], /missing/, /MTU, ADVERT/),
  row("vrrp_rx_bufs_policy MTU 5", [5, "CFG_BAD_VALUE"], /ignoring/, /MTU, ADVERT/),
  row("vrrp_rx_bufs_policy 5x", [5, "CFG_BAD_VALUE"], /'5x' is not MTU/, /<bytes>/),
  row("vrrp_rx_bufs_policy 5 MTU", [5, "CFG_BAD_VALUE"], /beside a size/, /<bytes>/),
  row("vrrp_rx_bufs_policy mtu advert", [5, "CFG_BAD_VALUE"], /using MTU/, /MTU, ADVERT/),
  row("vrrp_rx_bufs_multiplier 3 3", [5, "CFG_BAD_VALUE"], /ignoring/, /3/),
  row("vrrp_rx_bufs_multiplier 0", [5, "CFG_BAD_VALUE"], /above 0/, /3/),
];

const scripts = [
  forgiven("script_user", /No script username/),
  row("script_user nosuch", [5, "CFG_UNKNOWN_NAME"], /script user 'nosuch'/, /useradd/),
  row("script_user nosuch\n script_user root", [5, "CFG_UNKNOWN_NAME"], /script user 'nosuch'/, /useradd/),
  forgiven("startup_script", /startup script missing/),
  forgiven("shutdown_script", /shutdown script missing/),
  forgiven("startup_script_timeout", /requires value/),
  row("shutdown_script_timeout 1001", [5, "CFG_BAD_VALUE"], /between 1 and 1000/, /1\.\.1000/),
  row("startup_script /usr/bin/notify", [6, "CFG_SCRIPT_SECURITY"], /SECURITY VIOLATION/, /enable_script_security/),
  row("startup_script /usr/bin/gone", [0, "CFG_SCRIPT"], /Disabling startup script/, /create/),
  row("startup_script /usr/bin/notify nosuch", [5, "CFG_UNKNOWN_NAME"], /'nosuch'/, /useradd/),
  row(
    "enable_script_security\n startup_script /usr/bin/notify",
    [5, "CFG_UNKNOWN_NAME"],
    /keepalived_script/,
    /script_user/,
  ),
  row("startup_script a\n startup_script b", [5, "CFG_REPEATED"], /first one is used/, /remove/),
  forgiven("vrrp_notify_fifo", /No vrrp_notify_fifo name/),
  forgiven("lvs_notify_fifo_script", /No lvs_notify_fifo_script/),
  row("notify_fifo /run/f nosuch", [0, "CFG_SCRIPT"], /user 'nosuch'/, /useradd/),
  row("notify_fifo /run/f eve nosuch", [0, "CFG_SCRIPT"], /group 'nosuch'/, /groupadd/),
  row("notify_fifo_script /usr/bin/notify", [0, "CFG_ADVICE"], /there is no notify_fifo/, /notify_fifo <path>/),
  row("notify_fifo a\n notify_fifo_script b", [0, "CFG_ADVICE"], /nothing is configured/, /remove notify_fifo_script/),
  row("enable_script_security\n notify_fifo /run/f", [5, "CFG_UNKNOWN_NAME"], /\(notify_fifo\)/, /script_user above/),
  row(
    "enable_script_security\n notify_fifo_script a\n script_user eve",
    [5, "CFG_UNKNOWN_NAME"],
    /\(notify_fifo_script\)/,
    /move script_user above/,
  ),
  row("notify_fifo a\n notify_fifo b", [5, "CFG_REPEATED"], /first one is used/, /remove/),
];

const observe = [
  forgiven("snmp_socket", /needs an address/),
  row("snmp_socket a b", [5, "CFG_BAD_VALUE"], /more than one word/, /snmp_socket <address>/),
  row("snmp_socket a\n snmp_socket b", [5, "CFG_REPEATED"], /first one is used/, /remove/),
  row("enable_snmp_keepalived", [0, "CFG_RENAMED"], /enable_snmp_vrrp/, /enable_snmp_vrrp/),
  row("snmp_rs_stats_update_interval 31", [5, "CFG_BAD_VALUE"], /between 0\.001 and 30/, /30/),
  forgiven("dbus_service_name", /dbus_service_name missing/),
  forgiven("dbus_no_interface_name", /dbus_no_interface_name missing/),
];

const files = [
  row("reload_time_file", [5, "CFG_BAD_VALUE"], /exactly one path/, /<path>/),
  row("reload_time_file /a /b", [5, "CFG_BAD_VALUE"], /exactly one path/, /<path>/),
  row('state_dump_file ""', [5, "CFG_BAD_VALUE"], /exactly one path/, /<path>/),
  row("include_check readable", [5, "CFG_BAD_VALUE"], /'readable' is not an include check/, /read, match/),
  row("include_check read match", [5, "CFG_BAD_VALUE"], /second check without a sign/, /\+match/),
  missing("config_save_dir"),
  row("config_save_dir /usr/bin/check", [5, "CFG_BAD_VALUE"], /is not a directory/, /directory/),
  row("config_save_dir /gone/save", [5, "CFG_BAD_VALUE"], /no directory \/gone/, /mkdir -p \/gone/),
  forgiven("tmp_config_directory", /missing directory name/),
  row("tmp_config_directory /a\n tmp_config_directory /b", [5, "CFG_REPEATED"], /first one is used/, /remove/),
  row("json_version 3", [5, "CFG_BAD_VALUE"], /not one of 1, 2/, /1, 2/),
  missing("random_seed"),
  row("random_seed 4294967296", [5, "CFG_BAD_VALUE"], /4294967295/, /random_seed/),
  row("no_email_faults off", [0, "CFG_SURPLUS"], /'off' after no_email_faults is ignored/, /a line of its own/),
];

const groups = { mail, vrrp, filter, lvs, processes, buffers, scripts, observe, files };

for (const [name, rows] of Object.entries(groups)) {
  for (const { lines, exit, code, says, advises } of rows) {
    test(`global_defs, ${name}: ${lines.replaceAll("\n", ";")}`, () => {
      const loaded = load(`global_defs {\n ${lines}\n}\n`);
      const found = loaded.diagnostics.filter((finding) => finding.code !== "CFG_LATER");
      const finding = found.find((candidate) => candidate.code === code && says.test(candidate.message));
      assert(finding !== undefined, `found ${JSON.stringify(found.map((f) => [f.code, f.message]))}`);
      assert.match(finding.hint ?? "", advises);
      assert.equal(testExitCode(loaded), exit);
      if (finding.at !== undefined) assert.equal(finding.at.line, lines.split("\n").length === 1 ? 2 : finding.at.line);
    });
  }
}

const roots = [
  missing("child_wait_time"),
  row("child_wait_time -1", [5, "CFG_BAD_VALUE"], /between 0 and 4294967295/, /seconds/),
  forgiven("instance", /instance name missing/),
  forgiven("net_namespace", /net_namespace name missing/),
  row("instance a/b", [5, "CFG_BAD_VALUE"], /instance 'a\/b' has a \/ - ignoring/, /without/),
  row("instance a\ninstance b", [5, "CFG_REPEATED"], /first one is used/, /remove/),
  row("net_namespace_ipvs a\nnet_namespace_ipvs b", [5, "CFG_REPEATED"], /first one is used/, /remove/),
  row("global_defs x {\n}", [5, "CFG_BRACE"], /global_defs has extra parameters x/, /global_defs \{/),
  row("use_pid_dirs", [5, "CFG_UNKNOWN_KEYWORD"], /use_pid_dirs/, /'use_pid_dir'/),
];

for (const { lines, exit, code, says, advises } of roots) {
  test(`outside any block: ${lines.replaceAll("\n", ";")}`, () => {
    const loaded = load(`${lines}\n`);
    const finding = loaded.diagnostics.find((candidate) => candidate.code === code && says.test(candidate.message));
    assert(finding !== undefined, `found ${JSON.stringify(loaded.diagnostics)}`);
    assert.match(finding.hint ?? "", advises);
    assert.equal(testExitCode(loaded), exit);
  });
}

test("a processor that the host has not got clears the set", () => {
  const text = "global_defs {\n vrrp_cpu_affinity 0 7\n checker_cpu_affinity 1 0 1\n}\n";
  const usual = fakeHost({ [MAIN_FILE]: text });
  const stat: typeof usual.stat = (path) => {
    if (/^\/sys\/devices\/system\/cpu(\/cpu[01])?$/.test(path))
      return { kind: "directory", uid: 0, gid: 0, mode: 0o755 };
    return usual.stat(path);
  };
  const loaded = loadConfig(MAIN_FILE, { ...usual, stat });
  const processes = loaded.config?.global.processes;
  assert.deepEqual([processes?.vrrp.cpus, processes?.checker.cpus], [[], [0, 1]]);
  assert(loaded.diagnostics.some(({ message }) => /no processor 7 - using all/.test(message)));
  assert.equal(testExitCode(loaded), 5);
});

test("readers of pipes count as scripts as soon as there is something to tell them", () => {
  const fifo = (keyword: string): string =>
    `global_defs {\n ${keyword} /run/f\n ${keyword}_script /usr/bin/notify\n}\n`;
  const exit = (text: string): number => testExitCode(load(text));
  assert.deepEqual(
    [
      fifo("notify_fifo") + instance(""),
      fifo("vrrp_notify_fifo") + instance(""),
      fifo("lvs_notify_fifo") + instance(""),
    ].map(exit),
    [6, 6, 0],
  );
  assert.equal(exit(fifo("lvs_notify_fifo") + service("")), 6);
  const stranger = load(`${fifo("notify_fifo").replace("bin/notify", "bin/notify nosuch")}${instance("")}`);
  assert.match(stranger.diagnostics.map(({ message }) => message).join(), /Unable to resolve script user 'nosuch'/);
  assert.equal(testExitCode(stranger), 0);
});

test("a script above enable_script_security runs as whoever runs the daemon", () => {
  const loaded = load("global_defs {\n startup_script /usr/bin/notify\n enable_script_security\n}\n");
  assert.equal(loaded.config?.global.scripts.startup?.user.name, "root");
  assert.equal(testExitCode(loaded), 0);
});

test("lvs_sync_daemon with a name that no instance has is dropped; keepalived only logs it", () => {
  const loaded = load(
    "global_defs {\n lvs_sync_daemon eth0 inst VI_2\n}\nvrrp_instance VI_1 {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress { 10.0.0.1 }\n}\n",
  );
  assert.equal(loaded.config?.global.lvs.syncDaemon, undefined);
  const finding = loaded.diagnostics.find(({ code }) => code === "CFG_ADVICE");
  assert.match(`${finding?.message} ${finding?.hint}`, /no vrrp_instance VI_2.*'VI_1'/);
  assert.equal(testExitCode(loaded), 0);
});
