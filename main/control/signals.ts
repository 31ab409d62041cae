/**
 * What the daemon hears from and tells its supervisor: the launcher (native-bindings/launcher/PROTOCOL.md), or in
 * development and tests the process's own signals. Two implementations: signals-launcher.ts and signals-local.ts.
 */

/** STATS_CLEAR: statistics are written, then zeroed. TDUMP: keepalived's thread dump. */
export const signalNames = ["HUP", "TERM", "INT", "USR1", "USR2", "JSON", "STATS_CLEAR", "TDUMP"] as const;
export type SignalName = (typeof signalNames)[number];

export type SupervisorEvent =
  | { readonly kind: "signal"; readonly name: SignalName }
  /** A spare becomes the daemon. */
  | { readonly kind: "go" }
  /** The launcher is gone. SIGTERM follows (PDEATHSIG): leave as for SIGTERM. */
  | { readonly kind: "lost"; readonly reason: string };

export type PidFileVerdict =
  | { readonly kind: "ok" }
  /** Another daemon runs: `daemon is already running`, exit 0. */
  | { readonly kind: "busy"; readonly pid: number }
  | { readonly kind: "failed"; readonly errno: number };

export type NamespaceVerdict =
  /** This process is to end: the next one is there. */
  { readonly kind: "ok" } | { readonly kind: "failed"; readonly errno: number };

export type UpgradeVerdict =
  /** Another daemon has loaded its code, and works as soon as this process ends. */
  | { readonly kind: "ready"; readonly pid: number; readonly version: string }
  /** `why` goes on after "The new version is not used: ". */
  | { readonly kind: "refused"; readonly why: string };

export interface Supervisor extends Disposable {
  /** Has the daemon work in a network namespace; said before anything else. */
  enterNamespace(name: string): Promise<NamespaceVerdict>;
  /** Creates, locks and fills a pid file; it is removed when the daemon has ended. */
  pidFile(path: string): Promise<PidFileVerdict>;
  /** Goes to the background. @throws DaemonError E_LAUNCHER */
  fork(): Promise<void>;
  /** Has a daemon of the files that are on disk now load its code. @throws DaemonError E_LAUNCHER */
  upgrade(): Promise<UpgradeVerdict>;
  /** A spare's: all of its code is there. */
  loaded(version: string): void;
  /** A spare's: it cannot go on where this daemon ends. */
  unfit(why: string): void;
  ready(): void;
  reloading(): void;
  reloaded(): void;
  stopping(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** Name of the launcher in ps(1); undefined: as it was started. */
  name(text: string | undefined): void;
  /** Main thread and workers answer. */
  alive(): void;
}

/** What a signal asks for. One table for both supervisors and for the daemon. */
export type Request =
  | "reload"
  | "stop"
  | "dump-data"
  | "dump-stats"
  | "dump-stats-and-clear"
  | "dump-json"
  | "dump-threads"
  | "ignore";

/** `ignoreSigint` is --ignore-sigint. */
export function requestOf(name: SignalName, ignoreSigint: boolean): Request {
  return name === "INT" && ignoreSigint ? "ignore" : requests[name];
}

const requests: Readonly<Record<SignalName, Request>> = {
  HUP: "reload",
  TERM: "stop",
  INT: "stop",
  USR1: "dump-data",
  USR2: "dump-stats",
  STATS_CLEAR: "dump-stats-and-clear",
  JSON: "dump-json",
  TDUMP: "dump-threads",
};

/** A line from the launcher. */
export type LauncherMessage =
  | SupervisorEvent
  | { readonly kind: "pidfile"; readonly path: string; readonly verdict: PidFileVerdict }
  | { readonly kind: "namespace"; readonly verdict: NamespaceVerdict }
  | { readonly kind: "upgrade"; readonly verdict: UpgradeVerdict }
  | { readonly kind: "forked" };

/** @returns undefined for a line that the protocol does not have */
export function parseLauncherLine(line: string): LauncherMessage | undefined {
  if (line === "go") return { kind: "go" };
  if (line === "ok fork") return { kind: "forked" };
  const [verb = "", second = ""] = line.split(" ", 2);
  const rest = line.slice(verb.length + 1 + second.length + 1); // a path is the last word and may hold blanks
  if (verb === "signal") return signalMessage(second, rest);
  if (verb === "no-upgrade") return { kind: "upgrade", verdict: { kind: "refused", why: line.slice(verb.length + 1) } };
  if (rest === "") return undefined;
  if (verb === "ok" && second === "pidfile") return { kind: "pidfile", path: rest, verdict: { kind: "ok" } };
  if (verb === "ok" && second === "namespace") return { kind: "namespace", verdict: { kind: "ok" } };
  if (!/^\d{1,10}$/.test(second)) return undefined;
  if (verb === "upgrade-to") return { kind: "upgrade", verdict: { kind: "ready", pid: Number(second), version: rest } };
  if (verb === "no-namespace") return { kind: "namespace", verdict: { kind: "failed", errno: Number(second) } };
  if (verb === "busy") return { kind: "pidfile", path: rest, verdict: { kind: "busy", pid: Number(second) } };
  if (verb === "failed") return { kind: "pidfile", path: rest, verdict: { kind: "failed", errno: Number(second) } };
  return undefined;
}

function signalMessage(word: string, rest: string): LauncherMessage | undefined {
  const name = signalNames.find((known) => known === word);
  return name === undefined || rest !== "" ? undefined : { kind: "signal", name };
}
