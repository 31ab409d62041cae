import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiagnosticCode } from "../../main/config/diagnostics.js";
import { findingLines, testExitCode } from "../../main/config/report.js";
import { instance, load } from "./config-fake-host.js";

/** One row per kind of mistake on the VRRP side: exit code of `-t`, code, what the sentence says, what it advises. */
type Rest = readonly [exit: 0 | 2 | 4 | 5 | 6, code: DiagnosticCode, says: RegExp, advises: RegExp];
type Row = readonly [text: string, ...Rest];

const trackers = `global_defs {\nenable_script_security\nscript_user root\n}
vrrp_script chk {\nscript /usr/bin/check\n}
vrrp_script heavy {\nscript /usr/bin/check\nweight 5\n}
track_file load {\nfile /tmp/load\n}
vrrp_track_process web {\nprocess nginx\n}
bfd_instance peer {\nneighbor_ip 10.0.0.9\n}\n`;

const inInstance = (lines: string, ...rest: Rest): Row => [trackers + instance(lines), ...rest];
const address = (line: string, ...rest: Rest): Row => inInstance(`virtual_ipaddress_excluded {\n${line}\n}`, ...rest);
const both = instance("") + instance("", "B", 2);
const inGroup = (lines: string, ...rest: Rest): Row => [
  `${trackers}vrrp_sync_group G {\n${lines}\n}\n${both}`,
  ...rest,
];
const file = (lines: string, ...rest: Rest): Row => [`track_file F {\n${lines}\n}\n`, ...rest];
const process = (lines: string, ...rest: Rest): Row => [`vrrp_track_process P {\n${lines}\n}\n`, ...rest];
const block = (name: string, lines: string, ...rest: Rest): Row => [`${name} {\n${lines}\n}\n`, ...rest];

const hmacKey = "0123456789abcdef0123456789abcdef";
const inHmac = (lines: string, ...rest: Rest): Row => inInstance(`auth_hmac {\nkey 1 ${hmacKey}\n${lines}\n}`, ...rest);

const missing = (keyword: string): RegExp => new RegExp(`^\\*\\*\\* Configuration line starting \`${keyword}\``);

const instances: readonly Row[] = [
  inInstance("state MASTER\nstate BACKUP", 5, "CFG_REPEATED", /state BACKUP after state MASTER/, /remove one/),
  inInstance("version 2\nversion 3", 5, "CFG_BAD_VALUE", /version 3 conflicts/, /once/),
  inInstance("native_ipv6", 5, "CFG_BAD_VALUE", /native_ipv6 with IPv4 addresses/, /addresses say/),
  inInstance("timer_expired_backup 255", 5, "CFG_BAD_VALUE", /'255' is not an integer between 1 and 254/, /1\.\.254/),
  inInstance("timer_expired_backup", 5, "CFG_ADJUSTED", /only for nopreempt/, /nopreempt/),
  inInstance(
    "nopreempt\nthread_timer_expired",
    5,
    "CFG_DEPRECATED",
    /thread_timer_expired is deprecated/,
    /timer_expired_backup/,
  ),
  inInstance(
    "priority 255\nnopreempt",
    5,
    "CFG_ADJUSTED",
    /nopreempt is incompatible with priority 255/,
    /remove nopreempt/,
  ),
  inInstance(
    "priority 255\ntrack_script { heavy }",
    5,
    "CFG_ADJUSTED",
    /tracked script heavy with weight 5 due to address_owner/,
    /weight/,
  ),
  inInstance("track_interface { eth0 }", 5, "CFG_ADJUSTED", /since own interface/, /dont_track_primary/),
  inInstance("debug 5", 5, "CFG_BAD_VALUE", /debug '5'/, /0\.\.4/),
  inInstance("garp_extra_if all", 5, "CFG_BAD_VALUE", /garp_extra_if specified without time/, /\[all\]/),
  inInstance("vmac_garp_intvl 5", 5, "CFG_DEPRECATED", /vmac_garp_intvl is deprecated/, /garp_extra_if/),
  inInstance("kernel_rx_buf_size 4 5", 5, "CFG_BAD_VALUE", /invalid kernel_rx_buf_size/, /kernel_rx_buf_size </),
  inInstance("notify_deleted\nnotify_deleted", 5, "CFG_REPEATED", /'notify_deleted' is given twice/, /remove/),
  inInstance("linkbeat_use_polling", 5, "CFG_DEPRECATED", /linkbeat_use_polling is deprecated/, /linkbeat_interfaces/),
  inInstance(
    "lvs_sync_daemon_interface eth0",
    5,
    "CFG_DEPRECATED",
    /lvs_sync_daemon_interface is deprecated/,
    /lvs_sync_daemon in/,
  ),
  inInstance(
    "lvs_sync_daemon_interface",
    2,
    "CFG_MISSING_PARAMETER",
    missing("lvs_sync_daemon_interface"),
    /interface/,
  ),
  inInstance("authentication {\nauth_pass x\n}", 0, "CFG_ADVICE", /without auth_type/, /auth_type PASS/),
  inInstance(
    "mcast_dst_ip 192.0.2.19",
    5,
    "CFG_BAD_VALUE",
    /192.0.2.19 is not a multicast address - ignoring/,
    /group/,
  ),
  inInstance("mcast_dst_ip ff02::77", 5, "CFG_BAD_VALUE", /not of the family of the instance/, /an IPv4 group/),
  inInstance(
    "mcast_dst_ip 224.0.0.19\nunicast_peer {\n192.0.2.2\n}",
    5,
    "CFG_BAD_VALUE",
    /cannot be used with unicast peers/,
    /unicast_peer/,
  ),
  inInstance("v3_checksum_as_v2 maybe", 5, "CFG_BAD_VALUE", /maybe/, /on, off/),
  inHmac("", 5, "CFG_BAD_VALUE", /active_key is not given - adverts are neither signed nor checked/, /active_key/),
  inHmac("active_key 2", 5, "CFG_BAD_VALUE", /active_key 2 is not defined/, /active_key/),
  inHmac("active_key 1\nkey 2 short", 5, "CFG_BAD_VALUE", /key \S+ has 5 bytes, not 32 to 64/, /openssl rand/),
  inHmac("active_key 1\nkey 2 hex:123", 5, "CFG_BAD_VALUE", /key \S+ has no \S+ digits after/, /two digits/),
  inHmac(`active_key 1\nkey 1 ${hmacKey}`, 5, "CFG_BAD_VALUE", /key \S+ is given twice/, /another id/),
  inHmac("active_key 1\nkey 2 file:/nowhere", 5, "CFG_BAD_VALUE", /cannot be read: ENOENT/, /check path/),
  inHmac("active_key 1\nmode strict", 5, "CFG_BAD_VALUE", /strict/, /enforce, permissive/),
  inHmac("active_key 1\ntime_window 301", 5, "CFG_BAD_VALUE", /301/, /1\.\.300/),
  inHmac(
    "active_key 1\n}\nauthentication {\nauth_type PASS\nauth_pass x",
    5,
    "CFG_ADJUSTED",
    /authentication and auth_hmac/,
    /remove/,
  ),
  inInstance(
    "strict_mode\nno_virtual_ipaddress",
    5,
    "CFG_ADJUSTED",
    /no_virtual_ipaddress is incompatible/,
    /strict_mode/,
  ),
  [
    "vrrp_instance A {\nvirtual_router_id 1\nvrf red\nunicast_src_ip 10.0.0.9\nunicast_peer { 10.0.0.8 }\nvirtual_ipaddress { 10.0.0.1 }\n}\n",
    5,
    "CFG_INTERFACE",
    /interface red for vrrp_instance A doesn't exist/,
    /in FAULT until/,
  ],
  [
    "vrrp_instance A {\nvirtual_router_id 1\nuse_vmac\nunicast_src_ip 10.0.0.9\nunicast_peer { 10.0.0.8 }\nvirtual_ipaddress { 10.0.0.1 }\n}\n",
    5,
    "CFG_ADJUSTED",
    /\(A\) use_vmac needs an interface below it - ignoring/,
    /interface NAME/,
  ],
];

const links: readonly Row[] = [
  inInstance("use_vmac a b", 5, "CFG_BAD_VALUE", /name 'b' already specified/, /one name/),
  inInstance("use_vmac longer-than-fifteen", 5, "CFG_BAD_VALUE", /too long or invalid/, /15/),
  inInstance("use_vmac name", 2, "CFG_MISSING_PARAMETER", missing("name"), /interface/),
  inInstance("use_vmac group", 2, "CFG_MISSING_PARAMETER", missing("group"), /group/),
  inInstance("use_vmac group nosuch", 5, "CFG_UNKNOWN_NAME", /link group nosuch is not found/, /write a number/),
  inInstance("use_vmac 00:00:5e:00:01:07", 5, "CFG_BAD_VALUE", /RFC5798/, /default/),
  inInstance("use_vmac 01:02:03:04:05:06", 5, "CFG_BAD_VALUE", /is multicast/, /even/),
  inInstance("use_vmac 02:03:04", 5, "CFG_BAD_VALUE", /is not 5 or 6 octets/, /02:01/),
  inInstance("vmac_xmit_base", 5, "CFG_ADJUSTED", /only valid with a vmac/, /use_vmac/),
  inInstance("use_vmac\npromote_secondaries", 5, "CFG_ADJUSTED", /automatically set for vmacs/, /remove/),
  inInstance(
    "use_vmac\nunicast_peer { 10.0.0.2 }",
    5,
    "CFG_ADJUSTED",
    /requires vmac_xmit_base - setting/,
    /vmac_xmit_base/,
  ),
  inInstance("use_ipvlan", 5, "CFG_INCOMPLETE", /IPv4 ipvlan requires a source ip address/, /use_ipvlan </),
  inInstance("use_ipvlan fe80::1", 5, "CFG_BAD_VALUE", /MUST match vrrp instance family/, /IPv4/),
  inInstance(
    "use_ipvlan 10.0.0.5 bridge vepa",
    5,
    "CFG_REPEATED",
    /type already specified - ignoring 'vepa'/,
    /remove/,
  ),
  inInstance("use_ipvlan 10.0.0.5 10.0.0.6", 5, "CFG_REPEATED", /address already specified/, /remove/),
  inInstance("use_ipvlan 10.0.0.5\nuse_ipvlan 10.0.0.6", 5, "CFG_REPEATED", /'use_ipvlan' is given twice/, /remove/),
  inInstance("vrf eth1", 5, "CFG_BAD_VALUE", /VRF interface and interface/, /interface or vrf/),
  [
    instance("use_vmac v") + instance("use_vmac v", "B", 2),
    5,
    "CFG_DUPLICATE",
    /name v is used by A already/,
    /own name/,
  ],
];

const peers: readonly Row[] = [
  inInstance(
    "unicast_peer { 10.0.0.2 min_ttl 9 max_ttl 8 }",
    5,
    "CFG_BAD_VALUE",
    /all packets will be discarded/,
    /change/,
  ),
  inInstance("unicast_peer { 10.0.0.2 min_ttl 256 }", 5, "CFG_BAD_VALUE", /min_ttl '256'/, /0\.\.255/),
  inInstance("unicast_peer { 10.0.0.2 max_ttl }", 5, "CFG_BAD_VALUE", /max_ttl is missing a value/, /write/),
  inInstance("unicast_peer { 10.0.0.2 mx_ttl 5 }", 5, "CFG_UNKNOWN_KEYWORD", /'mx_ttl'/, /max_ttl/),
  inInstance("unicast_ttl 5", 5, "CFG_ADJUSTED", /unicast_ttl without unicast peers/, /unicast_peer/),
  inInstance("old_unicast_checksum always", 5, "CFG_BAD_VALUE", /'always' is not one of never/, /never/),
  inInstance("mcast_src_ip fe80::1", 5, "CFG_BAD_VALUE", /not of the family/, /IPv4/),
];

const tracks: readonly Row[] = [
  inInstance("track_script { chk weight 254 }", 5, "CFG_ADJUSTED", /253 is used/, /./),
  inInstance("track_script { chk weight 300 }", 5, "CFG_BAD_VALUE", /must be in \[-253, 253\]/, /range/),
  inInstance("track_script { chk weight }", 5, "CFG_BAD_VALUE", /weight without a number/, /weight </),
  inInstance(
    "track_script { chk reverse }",
    5,
    "CFG_UNKNOWN_KEYWORD",
    /option reverse - the entry is left out/,
    /weight|reverse/,
  ),
  inInstance(
    "track_script { chk weight 5 revers }",
    5,
    "CFG_UNKNOWN_KEYWORD",
    /option revers - ignoring the word/,
    /'reverse'/,
  ),
  inInstance(
    "track_file { load weight 5 revers }",
    5,
    "CFG_UNKNOWN_KEYWORD",
    /revers - the entry is left out/,
    /'reverse'/,
  ),
  inInstance("track_interface { eth1 weight 5 noreverse }", 5, "CFG_UNKNOWN_KEYWORD", /noreverse/, /reverse/),
  inInstance("track_file { laod }", 5, "CFG_UNKNOWN_NAME", /track file laod not found/, /'load'/),
  inInstance("track_process { wep }", 5, "CFG_UNKNOWN_NAME", /track process wep not found/, /'web'/),
  inInstance("track_bfd { nope }", 5, "CFG_UNKNOWN_NAME", /track bfd nope not found/, /bfd_instance nope/),
  inInstance("track_bfd { peer weight 254 }", 5, "CFG_BAD_VALUE", /must be in \[-253, 253\]/, /range/),
  [instance("track_file { load }") + trackers, 5, "CFG_ADJUSTED", /load is declared further on/, /before/],
  [instance("track_script { chk }") + trackers, 5, "CFG_ADJUSTED", /chk is declared further on/, /before/],
];

const addresses: readonly Row[] = [
  address("10.0.0.9\n10.0.0.9", 5, "CFG_DUPLICATE", /address 10\.0\.0\.9 is given twice/, /remove/),
  address("10.0.0.9 dev eth0 dev eth1", 5, "CFG_REPEATED", /device more than once/, /line of its own/),
  address("10.0.0.9 scope nowere", 5, "CFG_BAD_VALUE", /scope 'nowere'.*unknown/, /nowhere/),
  address("10.0.0.9 label 1234567890123456", 5, "CFG_BAD_VALUE", /label '1234567890123456'.*left out/, /15/),
  address("fe80::1 label x", 5, "CFG_BAD_VALUE", /label of fe80::1 is for IPv4 only/, /remove/),
  address("10.0.0.9 brd +", 5, "CFG_BAD_VALUE", /at most 30/, /prefix/),
  address("10.0.0.9 peer 10.0.0.8 brd 10.0.0.255", 5, "CFG_BAD_VALUE", /goes not with peer/, /without peer/),
  address("10.0.0.9/24 peer 10.0.0.8", 5, "CFG_BAD_VALUE", /prefix when specifying peer/, /peer 10\.0\.0\.8\//),
  address("10.0.0.9 peer fe80::1", 5, "CFG_BAD_VALUE", /does not match address family/, /family/),
  address("10.0.0.9 peer 10.0.0.8 peer 10.0.0.7", 5, "CFG_BAD_VALUE", /is a second one/, /remove/),
  address("10.0.0.9 preferred_lft ever", 5, "CFG_BAD_VALUE", /preferred_lft 'ever'/, /forever/),
  address("10.0.0.9 dev", 5, "CFG_BAD_VALUE", /^No dev parameter specified for 10\.0\.0\.9$/, /dropped/),
  address("10.0.0.9 no_trak", 5, "CFG_UNKNOWN_KEYWORD", /'no_trak' for ip address/, /'no_track'/),
  inInstance(
    "use_vmac_addr\nvirtual_ipaddress_excluded { 10.0.0.9 use_vmac }",
    5,
    "CFG_ADJUSTED",
    /by use_vmac_addr/,
    /remove/,
  ),
  block("static_ipaddress", "10.0.0.9 dev eth0 use_vmac", 5, "CFG_UNKNOWN_KEYWORD", /'use_vmac'/, /./),
  block(
    "static_ipaddress",
    "10.0.0.9 dev eth0 track_group g",
    5,
    "CFG_UNKNOWN_NAME",
    /track_group g not found/,
    /write before/,
  ),
];

const groups: readonly Row[] = [
  inGroup(
    "group { A B C }",
    5,
    "CFG_UNKNOWN_NAME",
    /Virtual router C specified in sync group G doesn't exist/,
    /vrrp_instance C/,
  ),
  [
    `vrrp_sync_group G {\ngroup { A B }\n}\n${instance("priority 255")}${instance("", "B", 2)}`,
    0,
    "CFG_ADVICE",
    /Sync group G has some member\(s\) as address owner and some not/,
    /give A a priority below 255/,
  ],
  inGroup("group { A A B }", 5, "CFG_DUPLICATE", /A cannot exist in more than one sync group/, /belongs to G/),
  inGroup("group { A }", 5, "CFG_ADJUSTED", /only 1 virtual router/, /two/),
  inGroup("group { X }", 5, "CFG_INCOMPLETE", /no matching virtual router found/, /exist/),
  inGroup("smtp_alert", 5, "CFG_INCOMPLETE", /has no virtual router\(s\)/, /group \{/),
  inGroup("group { A B }\ngroup { A }", 5, "CFG_REPEATED", /'group' is given twice/, /remove/),
  inGroup(
    "group { A B }\nglobal_tracking",
    5,
    "CFG_DEPRECATED",
    /global_tracking is deprecated/,
    /sync_group_tracking_weight/,
  ),
  inGroup("group { A B }\ntrack_interface { eth0 }", 5, "CFG_ADJUSTED", /on VRRP instance and sync group/, /remove/),
  [
    `vrrp_sync_group G {\ngroup { A B }\n}\nvrrp_sync_group H {\ngroup { B A }\n}\n${both}`,
    5,
    "CFG_DUPLICATE",
    /B cannot exist in more than one sync group; ignoring H/,
    /belongs to G/,
  ],
  [`vrrp_sync_group G {\n}\nvrrp_sync_group G {\n}\n`, 5, "CFG_DUPLICATE", /sync group G already defined/, /own name/],
  [
    `${trackers}vrrp_sync_group G {\ngroup { A B }\n}\n${instance("track_script { heavy }")}${instance("", "B", 2)}`,
    5,
    "CFG_ADJUSTED",
    /script heavy with weight 5 due to sync group G/,
    /weight/,
  ],
  block("track_group T", "", 5, "CFG_INCOMPLETE", /track_group T has no members/, /group \{/),
  block("track_group T", "group { A }", 0, "CFG_ADVICE", /instance A doesn't exist/, /./),
];

const others: readonly Row[] = [
  file("weight 5", 5, "CFG_INCOMPLETE", /No file set/, /file/),
  file("file", 5, "CFG_BAD_VALUE", /track file name missing/, /file/),
  file("file /nowhere/x", 5, "CFG_BAD_VALUE", /directory \/nowhere does not exist/, /create/),
  file("file /tmp/x\nfile /tmp/y", 5, "CFG_REPEATED", /'file' is given twice; the first/, /remove/),
  file("file /tmp/x\nweight", 5, "CFG_BAD_VALUE", /No weight specified/, /weight </),
  file("file /tmp/x\nweight 2\nweight 3", 5, "CFG_REPEATED", /weight already specified/, /once/),
  file("file /tmp/x\nweight 255", 5, "CFG_BAD_VALUE", /must be in \[-254, 254\]/, /range/),
  file("file /tmp/x\nweight 2 back", 5, "CFG_UNKNOWN_KEYWORD", /weight option back/, /reverse/),
  file("file /tmp/x\ninit_file x", 5, "CFG_BAD_VALUE", /init_file option x/, /overwrite/),
  file("file /tmp/x\ninit_file 300", 5, "CFG_ADJUSTED", /300 is outside/, /range/),
  process("quorum 1", 5, "CFG_INCOMPLETE", /process name not specified/, /process </),
  process("process", 2, "CFG_MISSING_PARAMETER", missing("process"), /command/),
  process("process a\nparam_match exakt", 5, "CFG_BAD_VALUE", /'exakt' is not one of initial, partial/, /./),
  process("process a\nquorum 3\nquorum_max 2", 5, "CFG_BAD_VALUE", /quorum_max 2 of P is below quorum 3/, /lower/),
  process("process a\nquorum_max 2\nquorum 3", 5, "CFG_BAD_VALUE", /quorum 3 of P exceeds quorum_max 2/, /raise/),
  process("process a\ndelay 0", 5, "CFG_BAD_VALUE", /delay '0' is not between/, /seconds/),
  block("garp_group", "interface eth0", 5, "CFG_INCOMPLETE", /does not have any delay set/, /garp_interval/),
  block(
    "garp_group",
    "garp_interval 1\ninterfaces { eth0 eth0 }",
    5,
    "CFG_DUPLICATE",
    /already specified for eth0/,
    /one group/,
  ),
  block(
    "garp_group",
    "garp_interval 1\ninterfaces { }",
    5,
    "CFG_ADJUSTED",
    /empty garp_group interfaces block/,
    /interfaces \{/,
  ),
  block("garp_group", "garp_interval 0.1\ninterface eth7", 5, "CFG_INTERFACE", /eth7 for garp_group/, /correct/),
  block("linkbeat_interfaces", "eth7", 4, "CFG_INTERFACE_MISSING", /unknown interface eth7/, /ip link/),
  block("linkbeat_interfaces", "eth0 mii", 5, "CFG_BAD_VALUE", /'mii' is not one of/, /'MII'/),
  block("interface_up_down_delays", "eth7 1", 4, "CFG_INTERFACE_MISSING", /unknown interface eth7/, /ip link/),
  block("interface_up_down_delays", "eth0", 0, "CFG_ADVICE", /one or two numbers/, /down/),
  block("interface_up_down_delays", "eth0 256", 5, "CFG_BAD_VALUE", /from 0 to 255/, /down/),
  ["vrrp_sync_group {\n}\n", 5, "CFG_INCOMPLETE", /vrrp_sync_group must have a name/, /NAME/],
  ["vrrp_instance {\n}\n", 5, "CFG_INCOMPLETE", /vrrp_instance must have a name/, /NAME/],
  ["track_file {\n}\n", 2, "CFG_MISSING_PARAMETER", missing("track_file"), /NAME/],
  ["track_file a b {\nfile /tmp/x\n}\n", 0, "CFG_ADVICE", /'b' after track_file a is ignored/, /double quotes/],
  ["vrrp_instance a b {\n}\n", 5, "CFG_BRACE", /extra parameters b/, /double quotes/],
  ["vrrp_script a {\nscript\n}\n", 5, "CFG_BAD_VALUE", /No command specified/, /script/],
  [
    "static_ipaddress {\n10.0.0.9\n}\nglobal_defs {\ndefault_interface eth7\n}\n",
    4,
    "CFG_INTERFACE_MISSING",
    /eth7/,
    /ip link/,
  ],
  [instance("").replace("eth0", "lo"), 5, "CFG_INTERFACE", /reaches nobody but this host/, /network interface/],
];

for (const [text, exit, code, says, advises] of [
  ...instances,
  ...links,
  ...peers,
  ...tracks,
  ...addresses,
  ...groups,
  ...others,
]) {
  test(`bad VRRP input: ${code} ${says.source.slice(0, 60)}`, () => {
    const result = load(text);
    const found = result.diagnostics.find((one) => one.code === code && says.test(one.message));
    assert.ok(found, `want ${code} ${says}, got ${findingLines(result.diagnostics).join("\n")}`);
    assert.match(found.hint ?? "-", advises);
    assert.equal(testExitCode(result), exit, findingLines(result.diagnostics).join("\n"));
  });
}

const unicastSix = (interfaceName: string, source: string, peer: string): string =>
  `vrrp_instance U {\ninterface ${interfaceName}\nvirtual_router_id 9\nversion 3\nunicast_src_ip ${source}\nunicast_peer {\n${peer}\n}\nvirtual_ipaddress {\nfe80::9\n}\n}\n`;
const macvlanSix = (lines: string): string =>
  `vrrp_instance M {\ninterface eth0\nvirtual_router_id 8\nversion 3\nuse_vmac\n${lines}\nvirtual_ipaddress {\nfe80::8\n}\n}\n`;

for (const [name, text, warns] of [
  ["on the same interface", unicastSix("eth0", "fe80::1", "fe80::2") + macvlanSix(""), true],
  ["vmac_xmit_base", unicastSix("eth0", "fe80::1", "fe80::2") + macvlanSix("vmac_xmit_base"), false],
  ["on another interface", unicastSix("eth1", "fe80::1", "fe80::2") + macvlanSix(""), false],
  ["between other addresses", unicastSix("eth0", "2001:db8::1", "2001:db8::2") + macvlanSix(""), false],
] as const)
  test(`unicast between link-local addresses beside a VMAC for IPv6: ${name}`, () => {
    const found = load(text).diagnostics.filter(({ message }) => message.includes("unicast to link-local"));
    assert.equal(found.length, warns ? 1 : 0, findingLines(load(text).diagnostics).join("\n"));
    for (const { severity, hint = "" } of found) assert.match(`${severity}: ${hint}`, /^warning: write vmac_xmit_base/);
  });
