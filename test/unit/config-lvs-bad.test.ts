import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiagnosticCode } from "../../main/config/diagnostics.js";
import { findingLines, testExitCode } from "../../main/config/report.js";
import { load, service } from "./config-fake-host.js";

/** One row per kind of mistake on the LVS side: exit code of `-t`, code, what the sentence says, what it advises. */
type Row = readonly [text: string, exit: 0 | 2 | 5 | 6, code: DiagnosticCode, says: RegExp, advises: RegExp];

const inServer = (lines: string, exit: Row[1], code: DiagnosticCode, says: RegExp, advises: RegExp): Row => [
  service(lines),
  exit,
  code,
  says,
  advises,
];

const check = (
  type: string,
  lines: string,
  [exit, code, says, advises]: readonly [Row[1], DiagnosticCode, RegExp, RegExp],
): Row => [service("", `${type} {\n${lines}\n}`), exit, code, says, advises];

const url = (lines: string, ...more: readonly [Row[1], DiagnosticCode, RegExp, RegExp]): Row =>
  check("SSL_GET", `url {\npath /\n${lines}\n}`, more);

const session = (
  lines: string,
  ...[exit, code, says, advises]: readonly [Row[1], DiagnosticCode, RegExp, RegExp]
): Row => [`bfd_instance b {\nneighbor_ip 192.0.2.1\n${lines}\n}\n`, exit, code, says, advises];

const group = (entries: string, lines: string, port = " 80"): string =>
  `virtual_server_group G {\n${entries}\n}\nvirtual_server group G {\nlb_algo rr\nlb_kind DR\n${lines}\nreal_server 10.0.0.2${port} {\n}\n}\n`;

const entry = (
  text: string,
  ...[exit, code, says, advises]: readonly [Row[1], DiagnosticCode, RegExp, RegExp]
): Row => [`virtual_server_group G {\n10.0.0.1 80\n${text}\n}\n`, exit, code, says, advises];

const missing = (keyword: string): RegExp => new RegExp(`^\\*\\*\\* Configuration line starting \`${keyword}\``);

const services: readonly Row[] = [
  ["virtual_server group {\n}\n", 2, "CFG_MISSING_PARAMETER", missing("virtual_server"), /group NAME/],
  ["virtual_server fwmark {\n}\n", 2, "CFG_MISSING_PARAMETER", missing("virtual_server"), /fwmark NUMBER/],
  ["virtual_server {\n}\n", 2, "CFG_MISSING_PARAMETER", missing("virtual_server"), /ADDRESS PORT/],
  ["virtual_server fwmark 0x10 {\n}\n", 5, "CFG_BAD_VALUE", /'0x10' must be in \[0, 4294967295\]/, /fwmark <0/],
  ["virtual_server fwmrk 1 {\n}\n", 5, "CFG_BAD_VALUE", /invalid address fwmrk/, /did you mean 'fwmark'/],
  [
    "virtual_server group G {\nreal_server 10.0.0.2 80 {\n}\n}\n",
    0,
    "CFG_ADVICE",
    /group G does not exist/,
    /virtual_server_group G/,
  ],
  [
    group("2001:db8::1 80", "protocol TCP"),
    0,
    "CFG_ADVICE",
    /holds 2001:db8::1, which is not of the family/,
    /one group for IPv4/,
  ],
  [group("10.0.0.1 90", "protocol TCP"), 5, "CFG_ADJUSTED", /\[10\.0\.0\.1,90\].*ports don't match/, /lb_kind NAT/],
  [group("fwmark 3", ""), 5, "CFG_ADJUSTED", /has port specified - clearing/, /real_server 10\.0\.0\.2$/],
  [group("fwmark 3", "protocol TCP", ""), 5, "CFG_ADJUSTED", /protocol will be ignored/, /remove protocol/],
  [group("fwmark 3", "ha_suspend", ""), 5, "CFG_ADJUSTED", /cannot use ha_suspend with fwmarks/, /remove ha_suspend/],
  [service("").replace("80 {", "80 surplus {"), 0, "CFG_ADVICE", /'surplus' before the \{/, /remove it/],
  [
    service("").replace("10.0.0.1 80", "10.0.0.1-9 80"),
    0,
    "CFG_ADVICE",
    /10\.0\.0\.1-9 is read as 10\.0\.0\.1/,
    /virtual_server_group/,
  ],
  [
    service("").replace("10.0.0.1 80", "10.0.0.1"),
    5,
    "CFG_ADJUSTED",
    /zero port only valid for persistent/,
    /persistence_timeout 360/,
  ],
  [
    service("real_server 10.0.0.3 {\nweight 0\n}", "weight 0"),
    5,
    "CFG_ADJUSTED",
    /total weight of real servers 0/,
    /above 0/,
  ],
  [
    service("", "").replace("10.0.0.2", "2001:db8::2"),
    5,
    "CFG_BAD_VALUE",
    /real server 2001:db8::2 don't match/,
    /TUN joins/,
  ],
  [
    service("").replace("NAT", "DR").replace("10.0.0.2 80", "10.0.0.2 8080"),
    5,
    "CFG_ADJUSTED",
    /ports don't match - resetting/,
    /lb_kind NAT/,
  ],
];

const dispatching: readonly Row[] = [
  inServer("lb_algo wwr", 5, "CFG_BAD_VALUE", /'wwr' is not one of rr, wrr/, /did you mean 'wrr'/),
  inServer("sh-port", 5, "CFG_BAD_VALUE", /sh-port only applies to sh scheduler/, /lb_algo sh before it/),
  inServer("mh-fallback", 5, "CFG_BAD_VALUE", /mh-fallback only applies to mh scheduler/, /lb_algo mh before it/),
  inServer("hashed", 5, "CFG_BAD_VALUE", /hashed only applies to sh/, /lb_algo sh/),
  inServer("ops", 5, "CFG_ADJUSTED", /one packet scheduling requires UDP/, /protocol UDP/),
  inServer("lb_kind dr", 5, "CFG_BAD_VALUE", /unknown \[dr\] routing method/, /write: DR/),
  inServer("lb_kind", 2, "CFG_MISSING_PARAMETER", missing("lb_kind"), /NAT\|DR\|TUN/),
  inServer("lb_kind TUN foo", 5, "CFG_BAD_VALUE", /Invalid tunnel option foo/, /ipip\|gue\|gre/),
  inServer("lb_kind TUN type", 5, "CFG_BAD_VALUE", /Missing tunnel type/, /type ipip/),
  inServer("lb_kind TUN type grue", 5, "CFG_BAD_VALUE", /Unknown tunnel type grue/, /type ipip/),
  inServer("lb_kind TUN type gue", 5, "CFG_BAD_VALUE", /gue tunnels require port/, /port <1/),
  inServer("lb_kind TUN type gue port", 5, "CFG_BAD_VALUE", /Missing port/, /port <1/),
  inServer("lb_kind TUN type gue port 70000", 5, "CFG_BAD_VALUE", /Invalid gue tunnel port 70000/, /port <1/),
  inServer("lb_kind TUN type gre port 5", 5, "CFG_BAD_VALUE", /otherwise cannot have port/, /port <1/),
  inServer("lb_kind TUN csum", 5, "CFG_BAD_VALUE", /ipip tunnels do not support checksum/, /csum/),
  inServer("lb_kind TUN type gre remcsum", 5, "CFG_BAD_VALUE", /gre tunnels do not support remote/, /remcsum/),
  inServer("persistence_engine abcdefghijklmnopq", 5, "CFG_BAD_VALUE", /1 to 16 characters/, /16 characters/),
  inServer("persistence_timeout 0", 5, "CFG_BAD_VALUE", /between 1 and 2678400/, /persistence_timeout/),
  inServer("persistence_granularity 64", 0, "CFG_ADVICE", /is the mask 0\.0\.0\.64/, /255\.255\.255\.0/),
  inServer("persistence_granularity x", 5, "CFG_BAD_VALUE", /Invalid IPv4 persistence_granularity/, /255\.255\.255\.0/),
  inServer("ip_family inet6", 5, "CFG_BAD_VALUE", /inet6 conflicts with server family/, /remove/),
  inServer("protocol ICMP", 5, "CFG_BAD_VALUE", /not one of TCP, UDP, SCTP/, /TCP, UDP, SCTP/),
  inServer("snmp_name a b", 5, "CFG_BAD_VALUE", /snmp_name missing or extra/, /"NAME"/),
  inServer("snmp_name a\nsnmp_name b", 5, "CFG_REPEATED", /given twice; the last/, /remove/),
  inServer("virtualhost", 5, "CFG_BAD_VALUE", /virtualhost missing/, /virtualhost <text>/),
  inServer("quorum 0", 5, "CFG_BAD_VALUE", /between 1 and 4294967295 - 1 is used/, /quorum/),
  inServer("hysteresis 1", 5, "CFG_ADJUSTED", /hysteresis 1 >= quorum 1; setting hysteresis to 0/, /hysteresis 0/),
  inServer("sorry_server_inhibit", 5, "CFG_BAD_VALUE", /before or without sorry_server/, /sorry_server before it/),
  inServer("sorry_server_lvs_method DR", 5, "CFG_BAD_VALUE", /forwarding used without sorry_server/, /before it/),
  inServer("sorry_server 10.0.0", 5, "CFG_BAD_VALUE", /invalid address 10\.0\.0/, /sorry_server ADDRESS/),
  inServer("sorry_server fe80::1", 5, "CFG_BAD_VALUE", /sorry server fe80::1 don't match/, /TUN joins/),
  inServer(
    "sorry_server 10.0.0.9 81\nsorry_server_lvs_method DR",
    5,
    "CFG_ADJUSTED",
    /sorry server 10\.0\.0\.9 ports/,
    /9 80$/,
  ),
  inServer("fall 0", 5, "CFG_BAD_VALUE", /between 1 and 4294967295/, /fall/),
  inServer("rise 0", 5, "CFG_BAD_VALUE", /between 1 and 4294967295/, /rise/),
  inServer("retry 2\nfall 2", 0, "CFG_ADVICE", /fall counts/, /remove retry: it is fall - 1/),
  inServer("fall 2\nretry 2", 0, "CFG_ADVICE", /retry counts/, /remove fall: it is retry \+ 1/),
  inServer("fast_interval 0", 5, "CFG_BAD_VALUE", /'0'/, /fast_interval/),
  inServer("fast_interval 61", 0, "CFG_ADVICE", /61 s is longer than delay_loop of 60 s/, /below delay_loop/),
  inServer("jitter -1", 5, "CFG_BAD_VALUE", /'-1'/, /jitter/),
  inServer("retry 0", 5, "CFG_BAD_VALUE", /between 1 and 4294967295/, /retry/),
  inServer("delay_loop 0", 5, "CFG_BAD_VALUE", /'0'/, /delay_loop/),
];

const groups: readonly Row[] = [
  ["virtual_server_group {\n}\n", 2, "CFG_MISSING_PARAMETER", missing("virtual_server_group"), /NAME/],
  ["virtual_server_group a b {\n}\n", 5, "CFG_BRACE", /extra parameters b/, /double quotes/],
  ["virtual_server_group G {\n}\n", 5, "CFG_INCOMPLETE", /group G has no entries - removing/, /ADDRESS PORT/],
  [
    "virtual_server_group G {\n10.0.0.1\nfe80::1\nfwmark 1\n}\n",
    5,
    "CFG_BAD_VALUE",
    /IPv4, IPv6 and fwmark/,
    /fwmark NUMBER inet/,
  ],
  [`${"virtual_server_group G {\n10.0.0.1\n}\n".repeat(2)}`, 0, "CFG_ADVICE", /G is given twice/, /own name/],
  entry("fwmark", 2, "CFG_MISSING_PARAMETER", missing("fwmark"), /\[inet\|inet6\]/),
  entry("fwmark x", 5, "CFG_BAD_VALUE", /\(G\): fwmark 'x'/, /fwmark NUMBER/),
  entry("fwmark 1 inte", 5, "CFG_BAD_VALUE", /family inte unknown/, /did you mean 'inet'/),
  entry("10.0.0.x 80", 5, "CFG_BAD_VALUE", /IP address 10\.0\.0\.x \/port\/80/, /<address>/),
  entry("10.0.0.1 99999", 5, "CFG_BAD_VALUE", /\/port\/99999/, /<port>/),
  entry("10.0.0.5-1", 5, "CFG_BAD_VALUE", /end is not greater/, /<last octet>/),
  entry("10.0.0.5-300", 5, "CFG_BAD_VALUE", /'300' too large/, /<last octet>/),
  entry("fe80::1-1ffff", 5, "CFG_BAD_VALUE", /'1ffff' too large/, /<last octet>/),
  entry("10.0.0.5-fe80::1", 5, "CFG_BAD_VALUE", /mixes IPv4 and IPv6/, /<address>/),
  entry("10.0.0.1/24", 5, "CFG_BAD_VALUE", /mask bits not empty - 10\.0\.0\.1\/24/, /<prefix>/),
  entry("10.0.0.0/33", 5, "CFG_BAD_VALUE", /10\.0\.0\.0\/33/, /<prefix>/),
];

const checks: readonly Row[] = [
  check("TCP_CHECK", "bind_if abcdefghijklmnop", [5, "CFG_BAD_VALUE", /1 to 15 characters/, /bind_if <interface>/]),
  check("TCP_CHECK", "fwmark 4294967296", [5, "CFG_BAD_VALUE", /'4294967296'/, /fwmark/]),
  check("TCP_CHECK", "bindto fe80::1", [
    5,
    "CFG_BAD_VALUE",
    /bindto address fe80::1 does not match/,
    /10\.0\.0\.2 is checked/,
  ]),
  check("TCP_CHECK", "bindto 10.0.0.9\nconnect_ip fe80::1", [
    5,
    "CFG_BAD_VALUE",
    /connect_ip address fe80::1/,
    /before bindto/,
  ]),
  check("TCP_CHECK", "connect_ip fe80::1", [
    5,
    "CFG_INCOMPLETE",
    /link local address fe80::1 requires a bind_if/,
    /bind_if INTERFACE/,
  ]),
  check("PING_CHECK", "connect_ip fe80::1", [5, "CFG_INCOMPLETE", /requires a bind_if/, /bind_if INTERFACE/]),
  check("PING_CHECK", "close_with fin", [5, "CFG_UNKNOWN_KEYWORD", /'close_with'/, /./]),
  check("TCP_CHECK", "close_with abort", [5, "CFG_BAD_VALUE", /'abort' is not one of reset, fin/, /./]),
  check("TCP_CHECK", "session_resumption", [5, "CFG_UNKNOWN_KEYWORD", /'session_resumption'/, /./]),
  check("TCP_CHECK", "fast_interval 61", [0, "CFG_ADVICE", /61 s is longer than delay_loop of 60 s/, /below/]),
  check("TCP_CHECK", "fast_interval 2\ndelay_loop 1", [
    0,
    "CFG_ADVICE",
    /2 s is longer than delay_loop of 1 s/,
    /below/,
  ]),
  check("TCP_CHECK", "nb_get_retry 1", [5, "CFG_DEPRECATED", /use 'retry'/, /retry/]),
  check("TCP_CHECK", "connect_port 0", [5, "CFG_BAD_VALUE", /between 1 and 65535/, /connect_port/]),
  check("TCP_CHECK surplus", "", [0, "CFG_ADVICE", /'surplus' before the \{ of TCP_CHECK/, /remove/]),
  [
    "virtual_server fwmark 1 {\nlb_algo rr\nlb_kind DR\nreal_server 10.0.0.2 {\nTCP_CHECK {\n}\n}\n}\n",
    0,
    "CFG_ADVICE",
    /no port to connect to/,
    /connect_port/,
  ],
  check("HTTP_GET", "url {\n}", [5, "CFG_INCOMPLETE", /url without a path/, /path \//]),
  check("HTTP_GET", "url {\npath /\ntls_compliant\n}", [
    5,
    "CFG_UNKNOWN_KEYWORD",
    /'tls_compliant'/,
    /not a keyword of url/,
  ]),
  check("HTTP_GET", "url {\npath /\n}\nhttp_protocol 2", [5, "CFG_BAD_VALUE", /'2' is not one of 1\.0/, /1\.1/]),
  check("HTTP_GET", "url {\npath /\n}\nhttp_protocol", [5, "CFG_BAD_VALUE", /Missing http_protocol version/, /1\.1/]),
  check("HTTP_GET", "url {\npath /\n}\nsni_name a\nsni_name", [
    5,
    "CFG_BAD_VALUE",
    /sni_name without a name/,
    /remove/,
  ]),
  url("regex", 5, "CFG_BAD_VALUE", /regex without a pattern/, /regex "pattern"/),
  url('regex "a b" c', 5, "CFG_BAD_VALUE", /more than one word.*'c'/, /quotes/),
  url("regex a\nregex b", 5, "CFG_REPEATED", /given twice; the last/, /remove/),
  url("regex_no_match", 0, "CFG_ADVICE", /without regex/, /regex "pattern"/),
  url("regex a\nregex_options caselss", 0, "CFG_ADVICE", /unknown regex option 'caselss'/, /did you mean 'caseless'/),
  url("regex a\nregex_min_offset", 0, "CFG_ADVICE", /needs one number - 0 is used/, /regex_min_offset 0/),
  url("regex a\nregex_stack 5 3", 0, "CFG_ADVICE", /the smaller one first/, /regex_stack 32768/),
  check("SMTP_CHECK", "helo_name", [5, "CFG_BAD_VALUE", /helo name missing/, /helo_name <text>/]),
  check("SMTP_CHECK", "host {\nhelo_name x\n}", [5, "CFG_UNKNOWN_KEYWORD", /'helo_name'/, /not a keyword of host/]),
  check("SMTP_CHECK", "host {\n}", [0, "CFG_RENAMED", /host is deprecated/, /another SMTP_CHECK/]),
  check("DNS_CHECK", "type AAA", [5, "CFG_BAD_VALUE", /'AAA' is not one of A, NS/, /did you mean 'AAAA'/]),
  check("DNS_CHECK", "name a..b", [5, "CFG_BAD_VALUE", /'a\.\.b' has empty label/, /one dot/]),
  check("DNS_CHECK", "name a\nname b", [5, "CFG_REPEATED", /given twice; the first/, /remove/]),
  check("DNS_CHECK", `name ${"a".repeat(64)}.b`, [0, "CFG_ADVICE", /longer than DNS allows/, /63 characters/]),
  check("UDP_CHECK", "payload", [5, "CFG_BAD_VALUE", /requires a payload/, /hex/]),
  check("UDP_CHECK", "payload 0x12", [5, "CFG_BAD_VALUE", /Invalid hex string for UDP_CHECK payload/, /hex/]),
  check("UDP_CHECK", "require_reply 0y", [5, "CFG_BAD_VALUE", /Invalid hex string for UDP_CHECK reply/, /hex/]),
  check("UDP_CHECK", "min_reply_length 300", [
    5,
    "CFG_BAD_VALUE",
    /300 > max_reply_length 255 - will always fail/,
    /max_reply_length 300/,
  ]),
  check("MISC_CHECK", "", [5, "CFG_INCOMPLETE", /No script path/, /misc_path "/]),
  check("MISC_CHECK", "misc_path /usr/bin/none", [
    0,
    "CFG_SCRIPT",
    /misc_path of real_server 10\.0\.0\.2 .* not found/,
    /create/,
  ]),
  check("MISC_CHECK", "misc_path /usr/bin/none arg", [0, "CFG_ADVICE", /'arg' after the command/, /same quotes/]),
  check("MISC_CHECK", "misc_path /usr/bin/open", [6, "CFG_SCRIPT_SECURITY", /open is writable by everyone/, /chmod/]),
  check("MISC_CHECK", "misc_path /usr/bin/check\nuser mallory", [5, "CFG_UNKNOWN_NAME", /user 'mallory'/, /useradd/]),
  check("MISC_CHECK", "user", [5, "CFG_BAD_VALUE", /No user specified/, /user <text>/]),
  check("MISC_CHECK", "misc_timeout 1.5", [5, "CFG_ADJUSTED", /'1\.5'/, /<0\.\.4294>/]),
  check("MISC_CHECK", "connect_timeout 1", [5, "CFG_UNKNOWN_KEYWORD", /'connect_timeout'/, /./]),
  check("FILE_CHECK", "", [5, "CFG_INCOMPLETE", /no track_file specified/, /track_file NAME/]),
  check("FILE_CHECK", "track_file f", [5, "CFG_UNKNOWN_NAME", /track_file f not found/, /before this block/]),
  check("FILE_CHECK", "weight 3 foo", [5, "CFG_BAD_VALUE", /'foo' is not one of reverse, noreverse/, /reverse/]),
  check("FILE_CHECK", "weight", [5, "CFG_BAD_VALUE", /weight missing/, /weight/]),
  check("BFD_CHECK", "", [5, "CFG_INCOMPLETE", /No name has been specified/, /name BFD_INSTANCE/]),
  check("BFD_CHECK", "name b", [5, "CFG_UNKNOWN_NAME", /BFD b not configured/, /before this block/]),
  check("BFD_CHECK", "name a\nname b", [5, "CFG_BAD_VALUE", /BFD b already specified as a/, /one line/]),
  check("BFD_CHECK", "name a b", [5, "CFG_BAD_VALUE", /No or too many names/, /one line/]),
  [
    `${service("", "BFD_CHECK {\nname b\n}")}bfd_instance b {\nneighbor_ip 10.0.0.9\n}\n`,
    5,
    "CFG_UNKNOWN_NAME",
    /not configured/,
    /stands below/,
  ],
  [
    `bfd_instance b {\nneighbor_ip 10.0.0.9\n}\n${service("", "BFD_CHECK {\nname b\n}\nBFD_CHECK {\nname b\n}")}`,
    5,
    "CFG_DUPLICATE",
    /already monitoring b/,
    /remove/,
  ],
];

const others: readonly Row[] = [
  ["bfd_instance {\n}\n", 2, "CFG_MISSING_PARAMETER", missing("bfd_instance"), /NAME/],
  [`bfd_instance ${"b".repeat(32)} {\n}\n`, 5, "CFG_BAD_VALUE", /name too long/, /shorter/],
  ["bfd_instance b {\n}\n", 5, "CFG_INCOMPLETE", /no neighbor address set/, /neighbor_ip ADDRESS/],
  ["bfd_instance b {\nneighbor_ip x\n}\n", 5, "CFG_BAD_VALUE", /malformed neighbor address x/, /neighbor_ip ADDRESS/],
  [
    `${"bfd_instance b {\nneighbor_ip 10.0.0.1\n}\n".repeat(2)}`,
    5,
    "CFG_BAD_VALUE",
    /b already configured/,
    /own name/,
  ],
  [
    "bfd_instance b {\nneighbor_ip 10.0.0.1\n}\nbfd_instance c {\nneighbor_ip 10.0.0.1\nsource_ip 10.0.0.2\n}\n",
    5,
    "CFG_DUPLICATE",
    /c has duplicate source\/neighbor address/,
    /follow b/,
  ],
  session("source_ip fe80::1", 5, "CFG_BAD_VALUE", /not of the same family/, /two IPv4/),
  [
    "bfd_instance b {\nneighbor_ip fe80::2\nsource_ip 2001:db8::1\n}\n",
    0,
    "CFG_ADVICE",
    /b: fe80::2 is a link-local address/,
    /fd00::\/8/,
  ],
  [
    "bfd_instance b {\nneighbor_ip 2001:db8::2\nsource_ip fe80::1\n}\n",
    0,
    "CFG_ADVICE",
    /b: fe80::1 is a link-local address/,
    /both ends/,
  ],
  session("min_rx 0.5", 5, "CFG_BAD_VALUE", /'0\.5' is not between 1 and 4294967 milliseconds/, /min_rx/),
  session("min_tx 1.2345", 5, "CFG_ADJUSTED", /more than 3 decimals/, /ms/),
  session("idle_tx 10001", 0, "CFG_ADVICE", /idle_tx 10001 ms is very long/, /milliseconds/),
  session("ttl 5\nmax_hops 6", 5, "CFG_ADJUSTED", /max_hops exceeds ttl/, /max_hops 5/),
  session("weight 5 revers", 5, "CFG_BAD_VALUE", /'revers'/, /reverse/),
  ["SSL {\npassword\n}\n", 5, "CFG_BAD_VALUE", /SSL password missing/, /password <text>/],
  ["SSL {\nkey a\nkey b\n}\n", 5, "CFG_REPEATED", /'key' is given twice; the last/, /remove/],
  ["SSL {\n}\nSSL {\n}\n", 5, "CFG_REPEATED", /SSL context already specified - replacing/, /one block/],
];

for (const [text, exit, code, says, advises] of [...services, ...dispatching, ...groups, ...checks, ...others]) {
  test(`LVS mistake: ${text.replace(/\s+/g, " ").slice(0, 110)}`, () => {
    const result = load(text);
    const found = result.diagnostics.find((d) => d.code === code && says.test(d.message));
    assert.ok(found, `want ${code} ${says}, got ${findingLines(result.diagnostics).join("\n")}`);
    assert.match(found.hint ?? "", advises);
    assert.ok(found.at !== undefined && found.at.line >= 1);
    assert.equal(testExitCode(result), exit, findingLines(result.diagnostics).join("\n"));
  });
}
