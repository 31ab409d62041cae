import assert from "node:assert/strict";
import { test } from "node:test";
import { globalData } from "../../main/observe/global-data.js";
import { load } from "./config-fake-host.js";

const linesOf = (text: string): readonly string[] => {
  const { config } = load(text);
  assert.ok(config !== undefined);
  return globalData(config.global).split("\n");
};

const words = `global_defs {
  router_id test
  script_user root
  enable_script_security
  smtp_connect_timeout 7
  checker_log_all_failures
  dynamic_interfaces allow_if_changes
  default_interface eth1
  lvs_timeouts tcp 100 tcpfin 20 udp 30
  lvs_flush
  lvs_flush_on_stop VS
  startup_script "/usr/bin/check"
  startup_script_timeout 5
  shutdown_script "/usr/bin/check"
  no_email_faults
  vrrp_startup_delay 2.5
  log_unknown_vrids
  vrrp_garp_extra_if all 5
  vrrp_garp_master_delay 3
  max_auto_priority 20
  min_auto_priority_delay 5000
  vrrp_priority -5
  vrrp_no_swap
  vrrp_rt_priority 30
  vrrp_rlimit_rttime 20000
  vrrp_process_name vvv
  process_name ppp
  snmp_socket udp:1.2.3.4:705
  enable_traps
  dbus_service_name org.foo.Vrrp1
  vrrp_netlink_cmd_rcv_bufs 100000
  vrrp_netlink_cmd_rcv_bufs_force true
  rs_init_notifies
  no_checker_emails
  vrrp_rx_bufs_policy MTU
  vrrp_rx_bufs_multiplier 5
  umask 027
  vmac_prefix vm
  vmac_addr_prefix va
  reload_time_file /var/reload
  reload_repeat
  data_use_instance
  nftables foo
  nftables_priority -5
  nftables_counters
  nftables_ifindex
}
`;

/** As keepalived 2.2.7 wrote them for these words, in its order. */
const written = [
  " Parent process name = ppp",
  " VRRP process name = vvv",
  " Router ID = test",
  " Checkers log all failures = true",
  " No test config before reload",
  " Reload time file = /var/reload (repeat)",
  " Use instance name in data dumps",
  " Startup script = '/usr/bin/check', uid:gid 0:0, timeout 5",
  " Shutdown script = '/usr/bin/check', uid:gid 0:0 timeout 10",
  " Dynamic interfaces = true",
  " Allow interface changes = true",
  " Send emails for fault transitions = off",
  " LVS TCP timeout = 100",
  " LVS TCP FIN timeout = 20",
  " Disable local IGMP = no",
  " LVS flush = true",
  " LVS flush on stop = VS",
  " FIFO write vrrp states on reload = false",
  " Gratuitous ARP delay = 3",
  " Gratuitous ARP for each secondary i/f = 5s",
  " VRRP default protocol version = 2",
  " nftables table name = foo",
  " nftables base chain priority = -5",
  " nftables force use ifindex for link local IPv6",
  " nftables with counters",
  " VRRP check unicast_src = false",
  " Max auto priority = 20",
  " Min auto priority delay = 5000 usecs",
  " VRRP process priority = -5",
  " VRRP don't swap = true",
  " VRRP realtime priority = 30",
  " VRRP realtime limit = 20000",
  " Checker process priority = 0",
  " BFD realtime priority = 0",
  " SNMP vrrp disabled",
  " SNMP traps enabled",
  " SNMP socket = udp:1.2.3.4:705",
  " DBus disabled",
  " DBus service name = org.foo.Vrrp1",
  " Script security enabled",
  " Default script uid:gid 0:0",
  " vrrp_netlink_cmd_rcv_bufs = 100000",
  " vrrp_netlink_cmd_rcv_bufs_force = 1",
  " vrrp_netlink_monitor_rcv_bufs = 0",
  " lvs_netlink_monitor_rcv_bufs_force = 0",
  " rs_init_notifies = 1",
  " no_checker_emails = 1",
  " rx_bufs_policy = MTU",
  " rx_bufs_multiples = 5",
  " umask = 027",
  " vrrp_startup_delay = 2.5",
  " log_unknown_vrids",
  " VMAC prefix = vm",
  " VMAC address prefix = va",
];

test("global definitions have a line for each word, in keepalived's order", () => {
  const lines = linesOf(words);
  assert.deepEqual(
    lines.filter((line) => written.includes(line)),
    written,
  );
});

test("global definitions that nobody wrote", () => {
  const lines = linesOf("global_defs {\n}\n");
  const absent = [/process name/, /Startup script/, /Allow interface/, /timeout =/, /rx_bufs_policy/, /VMAC .*prefix/];
  for (const each of absent) assert.ok(!lines.some((line) => each.test(line)), String(each));
  for (const line of [
    " Dynamic interfaces = false",
    " Max auto priority = 0",
    " SNMP socket = default (unix:/var/agentx/master)",
  ])
    assert.ok(lines.includes(line), line);
});
