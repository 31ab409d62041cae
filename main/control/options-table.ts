import type { Action, OptionsDraft } from "./options-draft.js";

/** The command line as data: parser and usage text read this table, keepalived 2.4.3's and ours. */

/** What an option with a value does with it. A returned sentence is a warning. */
type Apply = (draft: OptionsDraft, value: string) => string | undefined;

export interface OptionSpec {
  readonly short?: string;
  readonly long?: string;
  readonly argument: "none" | "required" | "optional";
  /** Shown in the usage text. */
  readonly metavar?: string;
  readonly help: string;
  /** Accepted for compatibility, without effect: one warning. */
  readonly inert?: true;
  readonly apply?: Apply;
  /** `value` is empty when the option has none. */
  readonly action?: (value: string) => Action;
}

type FlagName = { [K in keyof OptionsDraft]: OptionsDraft[K] extends boolean ? K : never }[keyof OptionsDraft];
type TextName = {
  [K in keyof OptionsDraft]: OptionsDraft[K] extends string | undefined ? K : never;
}[keyof OptionsDraft];

/** For options that only set one member. */
const flag = (name: FlagName, value = true): Apply => {
  return (draft) => {
    draft[name] = value;
    return undefined;
  };
};

const text = (name: TextName, fallback = ""): Apply => {
  return (draft, value) => {
    draft[name] = value === "" ? fallback : value;
    return undefined;
  };
};

const daemons = (change: Partial<OptionsDraft["daemons"]>): Apply => {
  return (draft) => {
    draft.daemons = { ...draft.daemons, ...change };
    return undefined;
  };
};

const facilities: ReadonlyMap<string, number> = new Map([
  ["user", 1],
  ["daemon", 3],
  ...Array.from({ length: 8 }, (_, n): [string, number] => [`local${n}`, 16 + n]),
  ...Array.from({ length: 8 }, (_, n): [string, number] => [String(n), 16 + n]),
]);

function setFacility(draft: OptionsDraft, value: string): string | undefined {
  const facility = facilities.get(value);
  if (facility === undefined) return `Invalid log facility '${value}'`;
  draft.logFacility = facility;
  return undefined;
}

/** strtoul(3) with base 0: `077` is octal, `0x3f` hexadecimal, `63` decimal. */
function setUmask(draft: OptionsDraft, value: string): string | undefined {
  const octal = /^0[0-7]*$/.test(value);
  const known = octal || /^(?:0[xX][0-9a-fA-F]+|[1-9]\d*)$/.test(value);
  const umask = octal ? Number.parseInt(value, 8) : Number(value);
  if (!known || umask > 0o777) return `Invalid --umask option ${value}`;
  draft.umask = umask;
  return undefined;
}

const none = "none";
const required = "required";
const optional = "optional";
const inert = true;

export const optionTable: readonly OptionSpec[] = [
  {
    short: "f",
    long: "use-file",
    argument: required,
    metavar: "FILE",
    apply: text("configFile"),
    help: "Configuration file",
  },
  { short: "P", long: "vrrp", argument: none, apply: daemons({ checker: false }), help: "VRRP only, no health checks" },
  { short: "C", long: "check", argument: none, apply: daemons({ vrrp: false }), help: "Health checks only, no VRRP" },
  { short: "B", long: "no_bfd", argument: none, apply: daemons({ bfd: false }), help: "No BFD" },
  {
    long: "all",
    argument: none,
    apply: daemons({ vrrp: true, checker: true, bfd: true }),
    help: "Everything, even without configuration for it",
  },
  {
    short: "l",
    long: "log-console",
    argument: none,
    apply: flag("logConsole"),
    help: "Log to standard error too (with -n)",
  },
  {
    short: "D",
    long: "log-detail",
    argument: none,
    apply: (draft) => {
      draft.logDetail += 1;
      return undefined;
    },
    help: "Log more; twice: still more",
  },
  {
    short: "S",
    long: "log-facility",
    argument: required,
    metavar: "0-7|local0-7|user|daemon",
    apply: setFacility,
    help: "Facility for syslog (default daemon)",
  },
  {
    short: "g",
    long: "log-file",
    argument: optional,
    metavar: "FILE",
    apply: text("logFile", "keepalived.log"),
    help: "Log to a file too (default keepalived.log in TMPDIR)",
  },
  {
    long: "flush-log-file",
    argument: none,
    apply: flag("flushLogFile"),
    help: "Write out each line of the log file at once",
  },
  { short: "G", long: "no-syslog", argument: none, apply: flag("syslog", false), help: "Do not log to syslog" },
  {
    long: "log-json",
    argument: required,
    metavar: "FILE|-",
    apply: text("logJson"),
    help: "Log JSON lines to a file or standard output",
  },
  {
    short: "u",
    long: "umask",
    argument: required,
    metavar: "MASK",
    apply: setUmask,
    help: "Mode bits that files do not get (default 0177)",
  },
  {
    short: "X",
    long: "release-vips",
    argument: none,
    apply: flag("releaseVips"),
    help: "Always remove the virtual addresses when stopping",
  },
  {
    short: "V",
    long: "dont-release-vrrp",
    argument: none,
    apply: flag("dontReleaseVrrp"),
    help: "Keep virtual addresses when stopping",
  },
  {
    short: "I",
    long: "dont-release-ipvs",
    argument: none,
    apply: flag("dontReleaseIpvs"),
    help: "Keep IPVS entries when stopping",
  },
  {
    short: "R",
    long: "dont-respawn",
    argument: none,
    apply: flag("dontRespawn"),
    help: "End instead of restarting after a crash",
  },
  { short: "n", long: "dont-fork", argument: none, apply: flag("dontFork"), help: "Stay in the foreground" },
  {
    short: "d",
    long: "dump-conf",
    argument: none,
    apply: flag("dumpConfig"),
    help: "Log the configuration at start",
  },
  { short: "p", long: "pid", argument: required, metavar: "FILE", apply: text("pidFile"), help: "Pid file" },
  {
    short: "r",
    long: "vrrp_pid",
    argument: required,
    metavar: "FILE",
    apply: text("vrrpPidFile"),
    help: "Pid file of VRRP",
  },
  {
    short: "c",
    long: "checkers_pid",
    argument: required,
    metavar: "FILE",
    apply: text("checkersPidFile"),
    help: "Pid file of the checks",
  },
  {
    short: "b",
    long: "bfd_pid",
    argument: required,
    metavar: "FILE",
    apply: text("bfdPidFile"),
    help: "Pid file of BFD",
  },
  {
    short: "a",
    long: "address-monitoring",
    argument: none,
    apply: flag("addressMonitoring"),
    help: "Log addresses that come or go",
  },
  { short: "x", long: "snmp", argument: none, inert, help: "SNMP" },
  { short: "A", long: "snmp-agent-socket", argument: required, metavar: "SOCKET", inert, help: "AgentX master" },
  {
    short: "s",
    long: "namespace",
    argument: required,
    metavar: "NAME",
    apply: text("namespace"),
    help: "Network namespace to work in; wins over net_namespace",
  },
  { short: "m", long: "core-dump", argument: none, help: "Dump core after a crash" },
  {
    short: "M",
    long: "core-dump-pattern",
    argument: optional,
    metavar: "PATTERN",
    help: "Set the kernel's core pattern (default core) until the end",
  },
  {
    short: "e",
    long: "all-config",
    argument: none,
    apply: flag("allConfig"),
    help: "A missing include file is an error",
  },
  {
    short: "i",
    long: "config-id",
    argument: required,
    metavar: "ID",
    apply: text("configId"),

    help: "Which @ID lines to read (default: host name)",
  },
  {
    short: "t",
    long: "config-test",
    argument: optional,
    metavar: "FILE",
    action: (value) => ({ do: "config-test", output: value === "" ? undefined : value }),
    help: "Check the configuration, write what is wrong to FILE or standard error, and exit",
  },
  {
    long: "strict",
    argument: none,
    apply: flag("strict"),
    help: "With -t: words without effect in this version are errors",
  },
  {
    long: "signum",
    argument: required,
    metavar: "NAME",
    action: (name) => ({ do: "signum", name }),
    help: "Print the number of the signal for STOP, RELOAD, DATA, STATS, STATS_CLEAR, JSON or TDUMP",
  },
  { long: "ignore-sigint", argument: none, apply: flag("ignoreSigint"), help: "Do not stop on SIGINT" },
  {
    long: "take-over",
    argument: none,
    apply: flag("takeOver"),
    help: "Take the place of the keepalived that runs, without a failover; without one: no effect",
  },
  { long: "perf", argument: optional, metavar: "all|run|end", inert, help: "Record performance data" },
  { long: "debug", argument: optional, metavar: "LETTERS", inert, help: "Debug output" },
  {
    short: "T",
    long: "genhash",
    argument: none,
    apply: () => "Option -T has to be the first one - ignored",
    help: "Print the digest of a page for HTTP_GET (first option; see -T -h)",
  },
  { short: "L", long: "mem-check-log", argument: none, inert, help: "Memory check log" },
  { long: "no-mem-check", argument: none, inert, help: "No memory check" },
  { short: "O", long: "openssl-mem-check", argument: none, inert, help: "Memory check of OpenSSL" },
  { long: "config-fd", argument: required, metavar: "N", inert, help: "Internal to keepalived" },
  {
    long: "ipvs",
    argument: required,
    metavar: "auto|kernel|memory",
    apply: text("ipvs"),
    help: "Where virtual servers are programmed (default auto; or HOLDFAST_IPVS)",
  },
  {
    long: "control-socket",
    argument: required,
    metavar: "PATH",
    apply: text("controlSocket"),
    help: "Socket for `holdfast status` and `why` (default: beside the pid file)",
  },
  {
    long: "json",
    argument: none,
    apply: flag("statusJson"),
    help: "With `status` and `why`: print the document as JSON",
  },
  { short: "v", long: "version", argument: none, action: () => ({ do: "version" }), help: "Print the version" },
  { short: "h", long: "help", argument: none, action: () => ({ do: "usage" }), help: "Print this text" },
];
