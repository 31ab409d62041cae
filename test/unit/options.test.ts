import assert from "node:assert/strict";
import { resolve } from "node:path";
import test from "node:test";
import {
  controlSocketPath,
  firstWords,
  logSinks,
  type Options,
  ownPidFiles,
  parseOptions,
} from "../../main/control/options.js";
import { optionTable } from "../../main/control/options-table.js";
import { signum, usageText, versionText } from "../../main/control/usage.js";
import { toolTable } from "../../main/tools/table.js";

const parse = (...argv: string[]) => parseOptions(argv, {});
const defaults = parse().options;

test("what each option sets", () => {
  const rows: readonly [argv: string[], want: Partial<Options>][] = [
    [[], {}],
    [["-f", "/a"], { configFile: "/a" }],
    [["-f/a"], { configFile: "/a" }],
    [["--use-file=/a"], { configFile: "/a" }],
    [["--use-file", "/a"], { configFile: "/a" }],
    [["--use", "/a"], { configFile: "/a" }],
    [["-P"], { daemons: { vrrp: true, checker: false, bfd: true } }],
    [["-C"], { daemons: { vrrp: false, checker: true, bfd: true } }],
    [["-P", "-C"], { daemons: { vrrp: false, checker: false, bfd: true } }],
    [["-PCB", "--all"], { daemons: { vrrp: true, checker: true, bfd: true } }],
    [["--check"], { daemons: { vrrp: false, checker: true, bfd: true } }],
    [["-nlD"], { dontFork: true, logConsole: true, logDetail: 1 }],
    [["-DD"], { logDetail: 2 }],
    [["-S", "3"], { logFacility: 19 }],
    [["--log-facility=local7"], { logFacility: 23 }],
    [["-S", "user"], { logFacility: 1 }],
    [["-g"], { logFile: "keepalived.log" }],
    [["-g/tmp/x.log"], { logFile: "/tmp/x.log" }],
    [["--log-file=x"], { logFile: "x" }],
    [["-G", "--flush-log-file"], { syslog: false, flushLogFile: true }],
    [["-u", "077"], { umask: 0o77 }],
    [["-u", "0x3f"], { umask: 0o77 }],
    [["-u", "63"], { umask: 0o77 }],
    [["-VIX"], { dontReleaseVrrp: true, dontReleaseIpvs: true, releaseVips: true }],
    [
      ["-p", "a", "-r", "b", "-c", "c", "-b", "d"],
      { pidFile: "a", vrrpPidFile: "b", checkersPidFile: "c", bfdPidFile: "d" },
    ],
    [["-sns"], { namespace: "ns" }],
    [["--namespace=ns"], { namespace: "ns" }],
    [["-i", "node1"], { configId: "node1" }],
    [["-t"], { action: { do: "config-test", output: undefined }, dontFork: true }],
    [["-t=/tmp/out"], { action: { do: "config-test", output: "/tmp/out" }, dontFork: true }],
    [["--config-test=/tmp/out"], { action: { do: "config-test", output: "/tmp/out" }, dontFork: true }],
    [["-t", "-f", "x"], { action: { do: "config-test", output: undefined }, dontFork: true, configFile: "x" }],
    [["-t", "--strict"], { action: { do: "config-test", output: undefined }, dontFork: true, strict: true }],
    [["-v"], { action: { do: "version" } }],
    [["-nh", "-f"], { action: { do: "usage" }, dontFork: true }],
    [["--signum=JSON"], { action: { do: "signum", name: "JSON" } }],
    [["--ignore-sigint"], { ignoreSigint: true }],
    [["--ipvs=memory"], { ipvs: "memory" }],
    [["--log-json", "-"], { logJson: "-" }],
    [["--control-socket=/x"], { controlSocket: "/x" }],
    [["status"], { action: { do: "status" } }],
    [["status", "--help"], { action: { do: "usage", of: "status" } }],
    [["servers", "--control-socket=/x"], { action: { do: "servers" }, controlSocket: "/x" }],
    [["servers", "-h"], { action: { do: "usage", of: "servers" } }],
    [["upgrade"], { action: { do: "upgrade" } }],
    [["give-way"], { action: { do: "give-way" } }],
    [["give-way", "--help"], { action: { do: "usage", of: "give-way" } }],
    [["upgrade", "-h"], { action: { do: "usage", of: "upgrade" } }],
    [["why", "--help"], { action: { do: "usage", of: "why" } }],
    [["why", "VI_1", "-h"], { action: { do: "usage", of: "why" } }],
    [["why", "VI_1"], { action: { do: "why", instance: "VI_1" } }],
    [["why", "FWM", "7", "inet6"], { action: { do: "why", instance: "FWM 7 inet6" } }],
    [["why", "--control-socket", "/x", "VI_1"], { action: { do: "why", instance: "VI_1" }, controlSocket: "/x" }],
    [["why", "--json", "VI_1"], { action: { do: "why", instance: "VI_1" }, statusJson: true }],
    [["why", "--format", "json", "VI_1"], { action: { do: "why", instance: "VI_1" }, statusJson: true }],
    [["why", "--format=text", "--", "--format"], { action: { do: "why", instance: "--format" } }],
    [["status", "--json"], { action: { do: "status" }, statusJson: true }],
    [["status", "-p", "/a.pid"], { action: { do: "status" }, pidFile: "/a.pid" }],
  ];
  for (const [argv, want] of rows)
    assert.deepEqual(parse(...argv), { options: { ...defaults, ...want }, errors: [], warnings: [] }, argv.join(" "));
});

test("what is wrong is said in keepalived's words, all of it", () => {
  const rows: readonly [argv: string[], errors: string[], warnings?: string[]][] = [
    [["-Z"], ["Unknown option -Z"]],
    [["-nZq"], ["Unknown option -Z", "Unknown option -q"]],
    [["--foo"], ["Unknown option --foo"]],
    [["--foo=bar"], ["Unknown option --foo=bar"]],
    [["--vrrp=x"], ["Unknown option --vrrp=x"]],
    [["--ch"], ["Unknown option --ch"]],
    [["--=x"], ["Unknown option --=x"]],
    [["-f"], ["Missing parameter for option -f"]],
    [["-f", ""], ["Missing parameter for option -f"]],
    [["--use-file="], ["Missing parameter for option --use-file"]],
    [["--pid"], ["Missing parameter for option --pid"]],
    [
      ["-Z", "--use-file=", "-q"],
      ["Unknown option -Z", "Missing parameter for option --use-file", "Unknown option -q"],
    ],
    [["--ipvs=disk"], ["Invalid IPVS back end 'disk' - use auto, kernel or memory"]],
    [["-S", "9"], [], ["Invalid log facility '9'"]],
    [["-u", "zz"], [], ["Invalid --umask option zz"]],
    [["-u", "08"], [], ["Invalid --umask option 08"]],
    [["-u", "07777"], [], ["Invalid --umask option 07777"]],
    [["a", "-n", "b", "--", "-Z"], [], ["Unexpected argument(s): a b -Z"]],
    [["chekc", "a.conf"], ["Unknown word 'chekc' - did you mean 'check'?"], ["Unexpected argument(s): chekc a.conf"]],
    [["-x", "-x", "--snmp"], [], ["Option -x has no effect yet - ignored"]],
    [["-m", "-M"], [], []],
    [["-n", "-T"], [], ["Option -T has to be the first one - ignored"]],
    [["-s", ""], ["Missing parameter for option -s"]],
  ];
  for (const [argv, errors, warnings = []] of rows) {
    const parsed = parse(...argv);
    assert.deepEqual({ errors: parsed.errors, warnings: parsed.warnings }, { errors, warnings }, argv.join(" "));
  }
});

test("first words: all tools, their help, and those that ask the daemon", () => {
  const questions = ["status", "servers", "why", "upgrade", "give-way"];
  assert.deepEqual(new Set(firstWords), new Set([...Object.keys(toolTable), "help", ...questions]));
});

test("every option of the table is recognised in both spellings", () => {
  for (const { short, long, argument } of optionTable) {
    const spellings = [...(short === undefined ? [] : [`-${short}`]), ...(long === undefined ? [] : [`--${long}`])];
    for (const spelling of spellings) {
      const argv = argument === "required" ? [spelling, "0"] : [spelling];
      const errors = parse(...argv).errors.filter((error) => !error.startsWith("Invalid"));
      assert.deepEqual(errors, [], spelling);
    }
  }
});

test("HOLDFAST_IPVS counts unless --ipvs is given", () => {
  assert.equal(parseOptions([], { HOLDFAST_IPVS: "memory" }).options.ipvs, "memory");
  assert.equal(parseOptions(["--ipvs", "kernel"], { HOLDFAST_IPVS: "memory" }).options.ipvs, "kernel");
  assert.equal(parseOptions([], { HOLDFAST_IPVS: "x" }).errors.length, 1);
});

test("the control socket lies beside the pid file", () => {
  const rows = [
    [["-n"], "/run/keepalived.sock"],
    [["-p", "/run/a/b.pid"], "/run/a/b.sock"],
    [["-p", "/run/a/b.pid", "--control-socket", "/x"], "/x"],
  ] as const;
  for (const [argv, want] of rows) assert.equal(controlSocketPath(parse(...argv).options), want);
});

test("pid files are named so that a launcher in another directory finds them", () => {
  const { options } = parse("-p", "a.pid", "--vrrp_pid", "/b.pid", "--checkers_pid", "run/c.pid");
  const named = ownPidFiles(options).map(({ path }) => path);
  assert.deepEqual(named, [resolve("a.pid"), "/b.pid", resolve("run/c.pid")]);
});

test("where the log goes", () => {
  const nothing = { console: false, file: undefined, flushFile: false, syslogFacility: undefined, json: undefined };
  const rows = [
    [[], { syslogFacility: 3 }],
    [["-l"], { syslogFacility: 3 }],
    [["-nlG"], { console: true }],
    [["-G", "-gx.log"], { file: "/dumps/x.log" }],
    [["-G", "-g/y.log", "--flush-log-file"], { file: "/y.log", flushFile: true }],
    [["-t", "-l"], {}],
    [["-G", "--log-json=-"], { json: "-" }],
  ] as const;
  for (const [argv, want] of rows)
    assert.deepEqual(logSinks(parse(...argv).options, "/dumps"), { ...nothing, ...want }, argv.join(" "));
});

test("the version text is what exporters and Ansible parse", () => {
  const lines = versionText("keepalived", "0.1.0").split("\n");
  assert.equal(lines[0], "Keepalived v2.4.3 (07/20,2026)");
  assert.match(lines[0] ?? "", /[kK]eepalived v(.*) /);
  assert.ok(lines.length > 2);
  assert.match(versionText("keepalived", "0.1.0"), /configure options:.*--enable-json/);
  assert.match(versionText("holdfast", "0.1.0"), /^holdfast v0\.1\.0 /);
});

test("the usage text lists every option", () => {
  const usage = usageText("holdfast");
  for (const { long } of optionTable) assert.ok(usage.includes(`--${long}`), long);
});

test("--signum", () => {
  const rows = { STOP: 15, RELOAD: 1, DATA: 10, STATS: 12, STATS_CLEAR: 63, JSON: 36, TDUMP: 64 };
  for (const [name, value] of Object.entries(rows)) assert.deepEqual(signum(name, 34), { kind: "number", value });
  assert.deepEqual(signum("JSON", 35), { kind: "number", value: 37 });
  for (const name of ["FOO", "", "toString"])
    assert.deepEqual(signum(name, 34), { kind: "unknown", sentence: `Unknown sigfunc ${name}` });
});
