import assert from "node:assert/strict";
import { test } from "node:test";
import { findingLines, hasErrors, testExitCode } from "../../main/config/report.js";
import { instance, load, MAIN_FILE, service } from "./config-fake-host.js";

/** One row per kind of bad input: line, code and severity, what the sentence says, what it advises, exit code of -t. */
interface Row {
  readonly name: string;
  readonly text: string;
  readonly line: number | undefined;
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly says: RegExp;
  readonly advises: RegExp;
  readonly exit: number;
}

const row = (
  name: string,
  text: string,
  [line, code, severity, exit]: readonly [number | undefined, string, "error" | "warning", number],
  says: RegExp,
  advises: RegExp,
): Row => ({ name, text, line, code, severity, says, advises, exit });

const rows: readonly Row[] = [
  row(
    "unknown keyword",
    instance("prioriy 5"),
    [5, "CFG_UNKNOWN_KEYWORD", "error", 5],
    /^Unknown keyword 'prioriy'$/,
    /'priority'/,
  ),
  row(
    "unknown block",
    "vrrp_instnce A {\n x {\n }\n}\n",
    [1, "CFG_UNKNOWN_KEYWORD", "error", 5],
    /'vrrp_instnce'/,
    /'vrrp_instance'/,
  ),
  row(
    "name of an object's member",
    instance("constructor 1"),
    [5, "CFG_UNKNOWN_KEYWORD", "error", 5],
    /'constructor'/,
    /./,
  ),
  row(
    "number out of range",
    instance("priority 300"),
    [5, "CFG_BAD_VALUE", "error", 5],
    /'300'.*between 1 and 255.*default 100/,
    /priority <1\.\.255>/,
  ),
  row(
    "not a number",
    instance("garp_master_repeat many"),
    [5, "CFG_BAD_VALUE", "error", 5],
    /'many' is not an integer/,
    /write/,
  ),
  row("number with a tail", instance("garp_master_repeat 3x"), [5, "CFG_ADJUSTED", "warning", 5], /3 is used/, /write/),
  row(
    "bad switch",
    instance("smtp_alert maybe"),
    [5, "CFG_BAD_VALUE", "error", 5],
    /'maybe' is not on, off/,
    /write one of/,
  ),
  row("bad choice", instance("version 4"), [5, "CFG_BAD_VALUE", "error", 5], /not one of 2, 3/, /2, 3/),
  row(
    "missing value",
    instance("priority"),
    [5, "CFG_MISSING_PARAMETER", "error", 2],
    /^\*\*\* Configuration line starting `priority`/,
    /write: priority/,
  ),
  row(
    "missing value that is forgiven",
    "global_defs {\n router_id\n}\n",
    [2, "CFG_BAD_VALUE", "error", 5],
    /routerid name missing/,
    /router_id/,
  ),
  row(
    "missing script",
    instance("notify_master"),
    [5, "CFG_MISSING_PARAMETER", "error", 2],
    /`notify_master`/,
    /command/,
  ),
  row(
    "open quote",
    instance('mcast_src_ip "10.0.0.1'),
    [5, "CFG_QUOTE", "error", 2],
    /^Unterminated quote 'mcast_src_ip "10/,
    /close the quote/,
  ),
  row(
    "missing {",
    "global_defs\n router_id x\n}\n",
    [1, "CFG_BRACE", "error", 5],
    /^Missing '\{' at beginning of configuration block$/,
    /global_defs/,
  ),
  row(
    "missing }",
    "global_defs {\n router_id x\n",
    [1, "CFG_BRACE", "error", 5],
    /^There are 1 missing '\}'s or extra '\{'s$/,
    /'global_defs'/,
  ),
  row("extra }", "global_defs {\n}\n}\n", [3, "CFG_BRACE", "error", 5], /^Extra '\}' found$/, /remove/),
  row(
    "stray {",
    "global_defs {\n {\n x\n }\n}\n",
    [2, "CFG_BRACE", "error", 5],
    /^Unexpected '\{' - ignoring$/,
    /skipped/,
  ),
  row(
    "{ after a plain keyword",
    instance("priority 5 {\n x\n}"),
    [5, "CFG_BRACE", "error", 5],
    /^Unexpected '\{'/,
    /'priority' begins no block/,
  ),
  row("NUL byte", "global_defs {\n router_id a\0b\n}\n", [2, "CFG_TEXT", "error", 5], /NUL byte/, /remove/),
  row(
    "undefined name",
    instance(`priority ${"$"}{PRIO}`),
    [5, "CFG_SUBSTITUTION", "error", 5],
    /'\$\{PRIO\}' is not defined/,
    /\$PRIO=/,
  ),
  row(
    "runaway definition",
    `$A=a${"$"}{A}\nvrrp_instance $A {\n}\n`,
    [2, "CFG_SUBSTITUTION", "error", 5],
    /grows too long/,
    /itself/,
  ),
  row(
    "repetition",
    "~SEQ(I) x $I\n",
    [1, "CFG_SUBSTITUTION", "error", 5],
    /Invalid ~SEQ.*end is missing/,
    /write: ~SEQ/,
  ),
  row(
    "include that is missing",
    "include none.conf\n",
    [1, "CFG_INCLUDE", "warning", 0],
    /^Config files missing 'none\.conf'\.$/,
    /\/etc\/holdfast/,
  ),
  row(
    "include that must exist",
    "includem none.conf\n",
    [1, "CFG_INCLUDE_REFUSED", "error", 6],
    /^Config files missing/,
    /\/etc\/holdfast/,
  ),
  row(
    "file that includes itself",
    `include ${MAIN_FILE}\n`,
    [1, "CFG_INCLUDE_REFUSED", "error", 6],
    /includes itself/,
    /./,
  ),
  row(
    "second value",
    instance("notify /usr/bin/notify\nnotify /usr/bin/notify"),
    [6, "CFG_REPEATED", "error", 6],
    /given twice; the first/,
    /remove/,
  ),
  row(
    "instance without VRID",
    "vrrp_instance A {\n interface eth0\n virtual_ipaddress { 10.0.0.1 }\n}\n",
    [1, "CFG_INCOMPLETE", "error", 5],
    /^\(A\) the virtual router id must be set$/,
    /virtual_router_id/,
  ),
  row(
    "instance without interface",
    "vrrp_instance A {\n virtual_router_id 1\n virtual_ipaddress { 10.0.0.1 }\n}\n",
    [1, "CFG_INCOMPLETE", "error", 5],
    /^\(A\) Unknown interface!$/,
    /interface NAME/,
  ),
  row(
    "interface that is missing",
    instance("").replace("eth0", "eth7"),
    [2, "CFG_INTERFACE", "error", 5],
    /^WARNING - interface eth7 for vrrp_instance A doesn't exist$/,
    /ip link/,
  ),
  row(
    "VIP on a missing interface",
    instance("virtual_ipaddress_excluded { 10.0.0.9 dev eth7 }"),
    [5, "CFG_INTERFACE", "error", 5],
    /interface eth7 for ip address 10\.0\.0\.9/,
    /dynamic_interfaces/,
  ),
  row(
    "tracked interface that is missing",
    instance("track_interface { eth7 }"),
    [5, "CFG_INTERFACE", "error", 5],
    /^\(A\) tracked interface eth7 doesn't exist$/,
    /correct/,
  ),
  row(
    "bad VIP",
    instance("virtual_ipaddress_excluded { 10.0.0.300 }"),
    [5, "CFG_BAD_VALUE", "error", 5],
    /^VRRP parsed invalid IP 10\.0\.0\.300/,
    /ADDRESS/,
  ),
  row(
    "VIP of the other family",
    instance("virtual_ipaddress { fe80::1 }"),
    [5, "CFG_BAD_VALUE", "error", 5],
    /address family must match/,
    /excluded/,
  ),
  row(
    "bad prefix",
    instance("virtual_ipaddress_excluded { 10.0.0.9/33 }"),
    [5, "CFG_BAD_VALUE", "error", 5],
    /^Invalid address prefix len 33 .* using 32$/,
    /between 0 and 32/,
  ),
  row(
    "VRID used twice",
    instance("") + instance("", "B"),
    [7, "CFG_DUPLICATE", "error", 5],
    /^A and B both use VRID 1 with IPv4 on interface eth0$/,
    /another VRID/,
  ),
  row(
    "name used twice",
    instance("") + instance("", "A", 2),
    [7, "CFG_DUPLICATE", "error", 5],
    /^vrrp instance A already defined$/,
    /own name/,
  ),
  row(
    "track script that is unknown",
    instance("track_script { chk }"),
    [5, "CFG_UNKNOWN_NAME", "error", 5],
    /^\(A\) track script chk not found, ignoring\.\.\.$/,
    /vrrp_script chk/,
  ),
  row(
    "unicast to link-local peers without an interface",
    "vrrp_instance A {\nvirtual_router_id 51\nunicast_src_ip 2001:db8::1\nunicast_peer {\nfe80::2\n}\nvirtual_ipaddress {\n2001:db8::9 dev eth0\n}\n}",
    [1, "CFG_INCOMPLETE", "error", 5],
    /^\(A\) fe80::2 is link-local: unicast needs an interface with it$/,
    /interface NAME/,
  ),
  row(
    "keyword of a later version",
    "global_defs {\n enable_traps\n}\n",
    [2, "CFG_LATER", "warning", 0],
    /'enable_traps' in global_defs is accepted, without effect/,
    /^$/,
  ),
  row(
    "real server twice",
    service("real_server 10.0.0.2 80 {\n}"),
    [7, "CFG_DUPLICATE", "error", 5],
    /real server \[10\.0\.0\.2\]:tcp:80 is duplicated/,
    /remove/,
  ),
  row(
    "no real server",
    "virtual_server 10.0.0.1 80 {\n}\n",
    [1, "CFG_ADJUSTED", "warning", 5],
    /^Virtual server \[10\.0\.0\.1\]:none:80 has no real servers - ignoring$/,
    /real_server/,
  ),
  row(
    "bad service address",
    "virtual_server 10.0.0 80 {\n}\n",
    [1, "CFG_BAD_VALUE", "error", 5],
    /invalid address 10\.0\.0 - skipping/,
    /ADDRESS PORT/,
  ),
  row(
    "bad port",
    "virtual_server 10.0.0.1 99999 {\n}\n",
    [1, "CFG_BAD_VALUE", "error", 5],
    /invalid port 99999/,
    /65535/,
  ),
  row(
    "HTTP check without url",
    service("", "HTTP_GET {\n}"),
    [7, "CFG_INCOMPLETE", "error", 5],
    /no urls specified/,
    /url \{ path/,
  ),
  row(
    "bad digest",
    service("", "HTTP_GET {\nurl {\npath /\ndigest abc\n}\n}"),
    [10, "CFG_BAD_VALUE", "error", 5],
    /not an MD5 sum/,
    /32 hex/,
  ),
  row(
    "bad status code",
    service("", "HTTP_GET {\nurl {\npath /\nstatus_code 20\n}\n}"),
    [10, "CFG_BAD_VALUE", "error", 5],
    /^Invalid HTTP_GET status code '20'$/,
    /200-299/,
  ),
  row(
    "quorum out of reach",
    service("quorum 5"),
    [1, "CFG_ADJUSTED", "warning", 5],
    /quorum 5 for \[10\.0\.0\.1\]:tcp:80 exceeds total weight of real servers 1/,
    /quorum 1/,
  ),
  row(
    "script that does not exist",
    instance("notify /usr/bin/none"),
    [5, "CFG_SCRIPT", "warning", 0],
    /^Disabling notify script of vrrp_instance A since not found/,
    /create \/usr\/bin\/none/,
  ),
  row(
    "script that is not executable",
    instance("notify /usr/bin/plain"),
    [5, "CFG_SCRIPT", "warning", 0],
    /root may not execute \/usr\/bin\/plain/,
    /chmod a\+rx/,
  ),
  row(
    "script of another user",
    instance("notify /home/eve/script"),
    [5, "CFG_SCRIPT_SECURITY", "warning", 6],
    /'\/home\/eve\/script': \/home\/eve belongs to eve, not to root \(mode 0755\)/,
    /chown root \/home\/eve/,
  ),
  row(
    "script writable by others",
    instance("notify /usr/bin/open"),
    [5, "CFG_SCRIPT_SECURITY", "warning", 6],
    /\/usr\/bin\/open is writable by everyone \(owner root, group gid 0, mode 0757\)/,
    /chmod o-w/,
  ),
  row(
    "script in a folder writable by others",
    instance("notify /srv/shared/script"),
    [5, "CFG_SCRIPT_SECURITY", "warning", 6],
    /\/srv\/shared is writable by everyone/,
    /chmod o-w \/srv\/shared/,
  ),
  row(
    "script in a folder writable by a group and others",
    instance("notify /srv/team/script"),
    [5, "CFG_SCRIPT_SECURITY", "warning", 6],
    /\/srv\/team is writable by everyone and group gid 50 \(owner root, group gid 50, mode 0777\)/,
    /chmod go-w \/srv\/team/,
  ),
  row(
    "script user that is unknown",
    instance("notify /usr/bin/notify mallory"),
    [5, "CFG_SCRIPT", "warning", 0],
    /script user 'mallory'/,
    /useradd.*arguments stand in the command's quotes/,
  ),
];

for (const { name, text, line, code, severity, says, advises, exit } of rows) {
  test(`bad input: ${name}`, () => {
    const result = load(text);
    const found = result.diagnostics.find((d) => d.code === code && says.test(d.message));
    assert.ok(found, `want ${code}, got ${findingLines(result.diagnostics).join("\n")}`);
    assert.deepEqual({ line: found.at?.line, severity: found.severity }, { line, severity });
    assert.match(found.hint ?? "", advises);
    assert.equal(testExitCode(result), exit);
    assert.notEqual(result.config, undefined, "the daemon starts with what it understood");
  });
}

test("a file that is missing leaves no configuration", () => {
  const result = load("");
  assert.deepEqual([result.missing, hasErrors(result), testExitCode(result)], [false, false, 0]);
});

test("findings never quote a line that may hold a password", () => {
  for (const lines of ["authentication {\nauth_pas hunter2\n}", 'authentication {\nauth_pass "hunter2\n}']) {
    const { diagnostics } = load(instance(lines));
    assert.ok(diagnostics.length > 0);
    assert.doesNotMatch(JSON.stringify(diagnostics), /hunter2/);
  }
});

test("a word of megabytes gives a line of readable length", () => {
  const { diagnostics } = load("x".repeat(5_000_000));
  const [line = "", ...more] = findingLines(diagnostics);
  assert.deepEqual([more.length, line.length < 1000], [0, true]);
  assert.match(line, /line too long - ignoring/);
});

test("a flood of findings is cut off and counted", () => {
  const { diagnostics } = load("x\n".repeat(5000));
  assert.equal(diagnostics.length, 1001);
  assert.match(diagnostics.at(-1)?.message ?? "", /^4000 more findings/);
});
