import { constants, release, type as systemType, version as systemVersion } from "node:os";
import { optionTable } from "./options-table.js";

/** The version whose behaviour and files tools may expect, and the date that its version line shows. */
const COMPATIBLE = "2.4.3";
const COMPATIBLE_DATE = "07/20,2026";

const WIDTH = 34;

/** -h; goes to standard error, as keepalived's does. */
export function usageText(name: string): string {
  const rows = optionTable.map(({ short, long, argument, metavar, help, inert }) => {
    const value = metavar === undefined ? "" : argument === "optional" ? `[=${metavar}]` : `=${metavar}`;
    const names = `  ${short === undefined ? "    " : `-${short}, `}--${long ?? ""}${value}`;
    const text = inert === true ? `${help} (no effect yet)` : help;
    return names.length < WIDTH ? `${names.padEnd(WIDTH)}${text}` : `${names}\n${"".padEnd(WIDTH)}${text}`;
  });
  return [
    `Usage: ${name} [OPTION...]`,
    `       ${name} status [--control-socket=PATH]`,
    `       ${name} servers [--control-socket=PATH]`,
    `       ${name} upgrade [--control-socket=PATH]`,
    `       ${name} give-way [--control-socket=PATH]`,
    `       ${name} why NAME [--format text|json] [--control-socket=PATH]`,
    ...rows,
    "",
  ].join("\n");
}

const questions = {
  status: (name: string) => [
    `Usage: ${name} status [--json] [--control-socket=PATH]`,
    "Shows instances, virtual servers, checks and delays of the running daemon.",
    "  --json                        as JSON, for programs",
  ],
  servers: (name: string) => [
    `Usage: ${name} servers [--control-socket=PATH]`,
    "Prints every virtual server, real server and check as JSON: state, since when, last error, latencies, counters of IPVS.",
  ],
  upgrade: (name: string) => [
    `Usage: ${name} upgrade [--control-socket=PATH]`,
    "Puts the version that is installed now in the place of the running daemon, without a failover.",
  ],
  "give-way": (name: string) => [
    `Usage: ${name} give-way [--control-socket=PATH]`,
    "Lets a keepalived that is started next take the place of the running daemon, without a failover.",
  ],
  why: (name: string) => [
    `Usage: ${name} why NAME [--format text|json] [--control-socket=PATH]`,
    "Shows why a virtual router is in its state, and what would make it master; or why a virtual server or a real server is up or down,",
    "in the table or not, and what would bring it back. NAME: of an instance, or of a server as in the log, or its address and port.",
    "  --format text|json            for people (the default), or for programs",
  ],
} as const;

/** --help after the word that asks a running daemon. */
export function questionUsage(name: string, question: keyof typeof questions): string {
  const where = "  --control-socket=PATH         of the daemon to ask, when it was started with one";
  return [...questions[question](name), where, ""].join("\n");
}

/**
 * -v; goes to standard error. Under the name keepalived the first line is keepalived's: exporters take its second word
 * and want two lines at least, Ansible reads `[kK]eepalived v(.*) `, and JSON mode looks for `--enable-json`.
 */
export function versionText(name: string, version: string): string {
  const ours = `holdfast v${version}`;
  const first =
    name === "keepalived"
      ? [`Keepalived v${COMPATIBLE} (${COMPATIBLE_DATE})`, "", `Provided by ${ours}`]
      : [`${ours} (compatible with keepalived v${COMPATIBLE})`, ""];
  return [
    ...first,
    `Running on ${systemType()} ${release()}, Node.js ${process.version}`,
    "",
    "configure options: --enable-json",
    "",
    "Config options:  LVS VRRP VRRP_AUTH JSON SYSTEMD_NOTIFY",
    "",
  ].join("\n");
}

/** First line of the log after a start: what tools and people look for. */
export const startSentence = (): string => `Starting Keepalived v${COMPATIBLE} (${COMPATIBLE_DATE})`;
/** What it runs on, and what it was told. */
export const hostSentence = (): string => `Running on ${systemType()} ${release()} ${systemVersion()}`;
export const commandSentence = (name: string, argv: readonly string[]): string =>
  `Command line: ${[name, ...argv].map((word) => `'${word}'`).join(" ")}`;

/** Of the daemon with all of its threads, and of the scripts that it has waited for. */
export function usageSentence({ user, system }: NodeJS.CpuUsage): string {
  const seconds = (us: number): string => (us / 1e6).toFixed(6);
  return `CPU usage user: ${seconds(user)} system: ${seconds(system)}`;
}

/** Last line of the log. */
export const stopSentence = (): string => `Stopped Keepalived v${COMPATIBLE} (${COMPATIBLE_DATE})`;

/** Answer to --signum, or keepalived's sentence for an unknown name (exit 1). */
export type Signum =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "unknown"; readonly sentence: string };

/** `realTimeMin`: SIGRTMIN of the C library that the launcher is built with. */
export function signum(name: string, realTimeMin: number = realTimeSignalMin()): Signum {
  const numbers: Readonly<Record<string, number>> = {
    STOP: constants.signals.SIGTERM,
    RELOAD: constants.signals.SIGHUP,
    DATA: constants.signals.SIGUSR1,
    STATS: constants.signals.SIGUSR2,
    STATS_CLEAR: SIGRTMAX - 1,
    JSON: realTimeMin + 2,
    TDUMP: SIGRTMAX,
  };
  const value = Object.hasOwn(numbers, name) ? numbers[name] : undefined;
  return value === undefined ? { kind: "unknown", sentence: `Unknown sigfunc ${name}` } : { kind: "number", value };
}

const SIGRTMAX = 64;

/** glibc keeps two real-time signals for itself, musl three. Node's diagnostic report names glibc's version. */
function realTimeSignalMin(): number {
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined ? 35 : 34;
}
