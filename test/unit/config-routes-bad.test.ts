import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiagnosticCode } from "../../main/config/diagnostics.js";
import { findingLines, testExitCode } from "../../main/config/report.js";
import { load } from "./config-fake-host.js";

/** Routes and rules: the line, the exit code of keepalived -t, code, what is said, what is advised. */
type Row = readonly [line: string, exit: 0 | 2 | 5, code: DiagnosticCode, says: RegExp, advises: RegExp];

const missing = (keyword: string): RegExp => new RegExp(`^\\*\\*\\* Configuration line starting \`${keyword}\``);
const D = "10.1.0.0/16 dev eth0";

const routes: readonly Row[] = [
  ["dev eth0", 5, "CFG_INCOMPLETE", /must have a destination/, /write: <address>/],
  ["inet 10.1.0.0/16 dev eth0", 5, "CFG_ADVICE", /'10\.1\.0\.0\/16' after inet is skipped/, /twice/],
  ["inet6 inet6 10.1.0.0/16 dev eth0", 5, "CFG_BAD_VALUE", /Cannot mix IPv4 and IPv6/, /each family/],
  ["10.1.0.0/16 inet6 inet6 dev eth0", 5, "CFG_BAD_VALUE", /inet6 specified for IPv4 route/, /remove/],
  ["10.1 dev eth0", 5, "CFG_UNKNOWN_KEYWORD", /unknown route keyword 10\.1/, /destination/],
  [`${D} metrc 5`, 5, "CFG_UNKNOWN_KEYWORD", /unknown route keyword metrc/, /'metric'/],
  ["10.1.0.0/99 dev eth0", 5, "CFG_ADJUSTED", /invalid prefix length.*32 is used/, /./],
  ["to 10.1.0.0/99 dev eth0", 5, "CFG_ADJUSTED", /invalid prefix length/, /./],
  ["blackhole", 2, "CFG_MISSING_PARAMETER", missing("blackhole"), /default\|any/],
  ["7", 2, "CFG_MISSING_PARAMETER", missing("7"), /default\|any/],
  ["blackhole to 10.1.0.0/16", 5, "CFG_UNKNOWN_KEYWORD", /unknown route keyword to/, /./],
  [`${D} src 10.1`, 5, "CFG_BAD_VALUE", /src '10\.1' of a route.*left out/, /src </],
  [`${D} src fe80::1`, 5, "CFG_BAD_VALUE", /Cannot mix/, /each family/],
  [`${D} from 10.0.0.0/8`, 5, "CFG_BAD_VALUE", /from address only supported with IPv6/, /rule/],
  [`${D} via`, 2, "CFG_MISSING_PARAMETER", missing("via"), /address/],
  [`${D} via inet`, 2, "CFG_MISSING_PARAMETER", missing("inet"), /address/],
  [`${D} via inet6 10.0.0.1`, 5, "CFG_BAD_VALUE", /is not of family inet6/, /via/],
  [`${D} via fe80::1`, 5, "CFG_BAD_VALUE", /Cannot mix/, /each family/],
  [`${D} gw 10.0.0.1`, 5, "CFG_DEPRECATED", /gw is deprecated/, /via/],
  [`${D} via 10.0.0.1 or 10.0.0.2`, 5, "CFG_DEPRECATED", /or is deprecated/, /nexthop/],
  [`${D} as to 10.0.0.1`, 5, "CFG_BAD_VALUE", /for MPLS only/, /remove/],
  [`${D} as to`, 2, "CFG_MISSING_PARAMETER", missing("as"), /address/],
  [`${D} tos 256`, 5, "CFG_UNKNOWN_NAME", /TOS value 256/, /write a number/],
  [`${D} table mian`, 5, "CFG_UNKNOWN_NAME", /Routing table mian not found/, /'main'/],
  [`${D} protocol bgpp no_track`, 5, "CFG_UNKNOWN_NAME", /Protocol bgpp not found/, /'bgp'/],
  [`${D} protocol static`, 5, "CFG_ADJUSTED", /cannot be tracked if protocol/, /no_track/],
  [`${D} scope lnik`, 5, "CFG_UNKNOWN_NAME", /Scope lnik not found/, /'link'/],
  [`${D} metric 0x10`, 5, "CFG_ADJUSTED", /metric '0x10' of a route.*0 is used/, /./],
  ["10.1.0.0/16 dev eth7", 5, "CFG_INTERFACE", /interface eth7 for a route/, /dynamic_interfaces/],
  [`${D} vrf eth7`, 5, "CFG_INTERFACE", /VRF eth7 not found/, /correct/],
  [
    "10.1.0.0/16 via 10.0.0.1",
    5,
    "CFG_ADJUSTED",
    /cannot track route 10\.1\.0\.0\/16 with no interface/,
    /dev <interface>/,
  ],
  [`${D} expires 5`, 5, "CFG_BAD_VALUE", /expires is only valid for IPv6/, /remove/],
  [`${D} pref low`, 5, "CFG_BAD_VALUE", /pref is only valid for IPv6/, /remove/],
  [`fe80::/64 dev eth0 pref lowest`, 5, "CFG_BAD_VALUE", /pref 'lowest'/, /low\|medium/],
  ["fe80::/64 dev eth0 realms 1", 5, "CFG_BAD_VALUE", /realms is only valid for IPv4/, /remove/],
  [`${D} realms 1/2/3`, 5, "CFG_UNKNOWN_NAME", /Invalid realms 1\/2\/3/, /number/],
  [`${D} mtu lock`, 2, "CFG_MISSING_PARAMETER", missing("lock"), /0\.\./],
  [`${D} mtu x`, 5, "CFG_BAD_VALUE", /Invalid mtu x for route/, /\[lock\]/],
  [`${D} window lock 5`, 5, "CFG_BAD_VALUE", /window 'lock'/, /window </],
  [`${D} rtt 1e3`, 5, "CFG_BAD_VALUE", /Invalid rtt 1e3/, /\[s\|ms\]/],
  [`${D} rtt 100ms`, 5, "CFG_ADJUSTED", /less than 0\.2 s/, /./],
  [`${D} rto_min 121s`, 5, "CFG_ADJUSTED", /more than 120 s/, /./],
  [`${D} features sack`, 5, "CFG_BAD_VALUE", /features 'sack'/, /ecn/],
  [`${D} quickack 2`, 5, "CFG_BAD_VALUE", /quickack '2'/, /0\.\.1/],
  [`${D} ttl-propagate on`, 5, "CFG_BAD_VALUE", /ttl-propagate 'on'/, /enabled\|disabled/],
  [`${D} encap`, 5, "CFG_BAD_VALUE", /Missing encap type/, /mpls/],
  [`${D} encap mlps 5`, 5, "CFG_BAD_VALUE", /Unknown encap type - mlps/, /'mpls'/],
  [`${D} encap mpls 100/x`, 5, "CFG_BAD_VALUE", /encap mpls '100\/x'/, /label/],
  [`${D} encap mpls`, 2, "CFG_MISSING_PARAMETER", missing("mpls"), /label/],
  [`${D} encap ila 1:2:3`, 5, "CFG_BAD_VALUE", /encap ila '1:2:3'/, /hex/],
  [`${D} encap ip ttl 5`, 5, "CFG_INCOMPLETE", /address or id missing for ip encapsulation/, /id <number>/],
  [`${D} encap ip id 18446744073709551616`, 5, "CFG_BAD_VALUE", /at most 64 bits/, /id/],
  [`${D} encap ip6 dst 10.0.0.1`, 5, "CFG_BAD_VALUE", /is not an IPv6 address/, /dst/],
  [`${D} nexthop via 10.0.0.1 weight 0`, 5, "CFG_BAD_VALUE", /weight '0' of a next hop/, /1\.\.256/],
  [
    `${D} nexthop via 10.0.0.1 wieght 3`,
    5,
    "CFG_UNKNOWN_KEYWORD",
    /trailing nonsense after nexthops - wieght/,
    /'weight'/,
  ],
  [`${D} nexthop via fe80::1`, 5, "CFG_BAD_VALUE", /Address family mismatch for next hop/, /each family/],
  [`${D} nexthop dev eth7`, 5, "CFG_INTERFACE", /eth7 for a next hop/, /correct/],
  [`${D} track_group g`, 5, "CFG_UNKNOWN_NAME", /track_group g not found/, /write before/],
];

const R = "table 7 preference 1";

const rules: readonly Row[] = [
  ["preference 5", 5, "CFG_INCOMPLETE", /No action specified for rule/, /table/],
  ["table 7", 5, "CFG_ADJUSTED", /no preference specified - setting to 16384/, /preference/],
  [`foo ${R}`, 5, "CFG_UNKNOWN_KEYWORD", /Unknown rule option foo/, /write: from/],
  [`ip_proto tcp ${R}`, 5, "CFG_UNKNOWN_KEYWORD", /Unknown rule option ip_proto/, /'ipproto'/],
  [`from 10.0.0.0/99 ${R}`, 5, "CFG_ADJUSTED", /invalid prefix length/, /./],
  [`from fe80::/64 to 10.0.0.0/8 ${R}`, 5, "CFG_BAD_VALUE", /mixed IPv4 and IPv6/, /each family/],
  [`inet6 inet6 from 10.0.0.0/8 ${R}`, 5, "CFG_BAD_VALUE", /mixed IPv4 and IPv6/, /each family/],
  [`from 10.0.0.0/8 inet6 inet6 ${R}`, 5, "CFG_BAD_VALUE", /mixed IPv4 and IPv6/, /remove/],
  ["table 0 preference 1", 5, "CFG_BAD_VALUE", /Table 0 is not valid/, /1\.\./],
  ["lookup lcoal preference 1", 5, "CFG_UNKNOWN_NAME", /Routing table lcoal not found/, /'local'/],
  ["table 7 l3mdev preference 1", 5, "CFG_BAD_VALUE", /more than one of/, /one rule for each/],
  ["goto 5 preference 5", 5, "CFG_BAD_VALUE", /preference 5 >= goto target 5/, /later/],
  ["goto 5", 5, "CFG_INCOMPLETE", /specified without preference/, /preference/],
  ["type table 7 preference 1", 5, "CFG_UNKNOWN_KEYWORD", /Unknown rule option table/, /./],
  ["type", 2, "CFG_MISSING_PARAMETER", missing("type"), /goto\|nop/],
  ["realms 5 blackhole preference 1", 5, "CFG_BAD_VALUE", /suppressor\/realm specified for non table/, /table/],
  [`preference -1 ${R}`, 5, "CFG_BAD_VALUE", /preference '-1'/, /0\.\./],
  [`fwmark 5/x ${R}`, 5, "CFG_BAD_VALUE", /fwmark '5\/x'/, /mask/],
  [`tos x ${R}`, 5, "CFG_UNKNOWN_NAME", /TOS value x is invalid/, /number/],
  [`suppress_ifgroup x ${R}`, 5, "CFG_UNKNOWN_NAME", /suppress_group x/, /number/],
  [`ipproto tpc ${R}`, 5, "CFG_BAD_VALUE", /Invalid ipproto tpc/, /protocols/],
  [`sport 80 ${R}`, 5, "CFG_BAD_VALUE", /sport '80'.*LOW-HIGH - ignoring/, /<low>-<high>/],
  [`dport 9-8 ${R}`, 0, "CFG_ADVICE", /the kernel refuses the rule/, /<low>-<high>/],
  [`uidrange 5 ${R}`, 5, "CFG_BAD_VALUE", /uidrange '5'.*left out/, /<low>-<high>/],
  [`tunnel-id 18446744073709551616 ${R}`, 5, "CFG_BAD_VALUE", /at most 64 bits/, /tunnel-id/],
  [`iif eth7 ${R}`, 5, "CFG_INTERFACE", /interface eth7 for rule/, /correct/],
  [`protocol static ${R}`, 5, "CFG_BAD_VALUE", /protocol 'static'/, /0\.\.255/],
  [`protocol 5 ${R}`, 5, "CFG_ADJUSTED", /cannot be tracked if protocol/, /no_track/],
  [`realms 1 from fe80::/64 ${R}`, 5, "CFG_BAD_VALUE", /realms is only valid for IPv4/, /remove/],
];

for (const [block, rows] of [
  ["static_routes", routes],
  ["static_rules", rules],
] as const) {
  for (const [line, exit, code, says, advises] of rows) {
    test(`${block}: ${line}`, () => {
      const result = load(`${block} {\n${line}\n}\n`);
      const found = result.diagnostics.find((one) => one.code === code && says.test(one.message));
      assert.ok(found, `want ${code} ${says}, got ${findingLines(result.diagnostics).join("\n")}`);
      assert.match(found.hint ?? "-", advises);
      assert.equal(testExitCode(result), exit, findingLines(result.diagnostics).join("\n"));
    });
  }
}

test("names of tables come from the host's files, and global_defs says where they are", () => {
  const files = { "/opt/ip/rt_tables": "# mine\n0x64 isp\n", "/usr/share/iproute2/rt_realms": "7 site # here\n" };
  const text =
    "static_routes {\n10.0.0.0/8 dev eth0 table isp realms site/1\n}\nglobal_defs {\niproute_etc_dir /opt/ip\n}\n";
  const route = load(text, files).config?.staticEntries.routes[0];
  assert.deepEqual([route?.table, route?.realms], [100, { from: 7, to: 1 }]);
});

test("a rule without a preference goes before the one above, in each family", () => {
  const text = "static_rules {\nnop\nfrom fe80::/64 nop\nnop\n}\n";
  const rules = load(text).config?.staticEntries.rules.map(({ family, preference }) => [family, preference]);
  assert.deepEqual(rules, [
    ["inet", 16384],
    ["inet6", 16384],
    ["inet", 16383],
  ]);
});
