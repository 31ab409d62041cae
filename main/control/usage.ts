import { constants, release, type as systemType } from "node:os";
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
    `       ${name} why INSTANCE [--format text|json] [--control-socket=PATH]`,
    ...rows,
    "",
  ].join("\n");
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
