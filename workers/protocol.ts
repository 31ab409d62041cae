import { getSystemErrorName } from "node:util";
import type { MessagePort } from "node:worker_threads";
import type { CheckConfig } from "../main/config/model.js";
import type { CheckId, Milliseconds } from "../main/units.js";

/** What a checker reports; the first is success. Append only: the index travels in the edge batch. */
export const outcomes = [
  "up",
  "refused",
  "unreachable",
  "timeout",
  "reset",
  "bad-status",
  "bad-digest",
  "bad-response",
  "tls-error",
  "no-resources",
  "no-match",
  "exit-status",
  "signal",
  "not-started",
] as const;
export type Outcome = (typeof outcomes)[number];

/** Kinds of checks by their number in the words of a `latency` message; those of native-bindings/probe.ts, then ours. */
export const latencyKinds = [
  "TCP_CHECK",
  "HTTP_GET",
  "SSL_GET",
  "PING_CHECK",
  "UDP_CHECK",
  "DNS_CHECK",
  "SMTP_CHECK",
  "MISC_CHECK",
] as const satisfies CheckConfig["type"][];

/** Phases of an attempt, likewise. `lateness`: from when it was due to its start; `total`: from its start to the verdict. */
export const latencyPhases = ["lateness", "connect", "tls", "first-byte", "total"] as const;
export type LatencyPhase = (typeof latencyPhases)[number];

/** What a shard is started with. `port` is one end of a channel of its own: piscina's is left to piscina. */
export interface ShardTask {
  readonly port: MessagePort;
  readonly options: ShardOptions;
}

export interface ShardOptions {
  readonly heartbeat: Milliseconds;
  /** How long edges and attempts are collected before they are handed over. */
  readonly batchDelay: Milliseconds;
  /** Checks in flight at once, hence open sockets; what is due beyond it waits in order. */
  readonly maxInFlight: number;
  /** The same to one address; 0: no limit. */
  readonly maxInFlightPerHost: number;
  /** checker_no_swap: of the probe engine; see ProbeLimits. */
  readonly keepInMemory: boolean;
  /** Added to the thread's nice value, where the native module is there to do it. */
  readonly nice: number;
  readonly scripts: ScriptLimits;
}

export interface ScriptLimits {
  /** Programs of MISC_CHECK that run at once in this thread; what is due beyond it waits in order. */
  readonly atMost: number;
  /** `NAME=value`. */
  readonly environment: readonly string[];
}

/** Programs of MISC_CHECK that are due, while as many as may run at once do. */
export interface ScriptsWaiting {
  readonly checks: number;
  /** How long the first of them has been due. */
  readonly longest: Milliseconds;
}

/** One check as a shard runs it. `identity` names it across reloads: target + parameters, never a position in a file. */
export interface CheckSpec {
  readonly id: CheckId;
  readonly identity: string;
  readonly check: CheckConfig;
  /** Last known state. `undefined`: never ran (keepalived's first-failure rule applies). */
  readonly known: "up" | "down" | undefined;
  /** Virtual servers that use it, by numbers that stay theirs across reloads: whose histograms count its attempts. */
  readonly groups: readonly number[];
}

/** A check that goes on as it is, for other virtual servers than before. */
export type Regrouping = Pick<CheckSpec, "id" | "groups">;

/** Whose histograms are asked for besides those of the kinds: one virtual server's, everybody's or nobody's. */
export type AskedGroup = number | "all" | undefined;

/** Main → worker. Structured-cloned: plain data only. `epoch` grows with each configuration. */
export type ToWorker =
  | { readonly kind: "assign"; readonly epoch: number; readonly checks: readonly CheckSpec[] }
  | { readonly kind: "retract"; readonly epoch: number; readonly ids: readonly CheckId[] }
  | { readonly kind: "regroup"; readonly epoch: number; readonly checks: readonly Regrouping[] }
  | { readonly kind: "report-latency"; readonly group: AskedGroup }
  | { readonly kind: "report-next"; readonly ids: readonly CheckId[] }
  | { readonly kind: "drain" };

/**
 * Worker → main. `epoch` is the configuration that the shard had applied. A check id is never given to another check, so an
 * edge of an earlier epoch stays good as long as its check is assigned: dropping it would lose a state change for ever.
 */
export type FromWorker =
  /** First of all. `thread`: its id (gettid(2)), by which the main thread sets its scheduling. */
  | { readonly kind: "started"; readonly thread: number }
  | {
      readonly kind: "heartbeat";
      readonly running: number;
      readonly completed: number;
      readonly waiting: ScriptsWaiting;
    }
  /** `batch`: see edges.ts. Transferred, not copied. */
  | { readonly kind: "edges"; readonly epoch: number; readonly batch: Uint32Array<ArrayBuffer> }
  /** A failed attempt that is no edge, for the log only (log_all_failures). */
  | { readonly kind: "attempts"; readonly epoch: number; readonly failures: readonly FailedAttempt[] }
  /** `counts`: see latency-words.ts. `last` holds two words per check: id, latest latency in µs. Both are transferred. */
  | {
      readonly kind: "latency";
      readonly counts: Uint32Array<ArrayBuffer>;
      readonly last: Uint32Array<ArrayBuffer>;
    }
  /** Until the next attempt of those that are assigned here, in ms; 0: one is under way. */
  | { readonly kind: "next"; readonly until: ReadonlyMap<CheckId, number> }
  | { readonly kind: "fault"; readonly code: string; readonly message: string }
  | { readonly kind: "drained" };

export interface FailedAttempt {
  readonly id: CheckId;
  readonly outcome: Outcome;
  /** One sentence part for the log, for instance `HTTP status code 503`; no line breaks, at most 200 characters. */
  readonly detail: string;
  /** So many other attempts had the same trouble within the last second (only `no-resources`); none: 0. */
  readonly others?: number;
}

/** A state change as the shard saw it. */
export interface CheckEdge {
  readonly id: CheckId;
  readonly up: boolean;
  readonly outcome: Outcome;
  /** Retries that were used up before a DOWN; 0 for none. */
  readonly retries: number;
  /** Of the attempt that made the edge; whole microseconds. */
  readonly latency: Milliseconds;
  /**
   * HTTP status code or SMTP reply code received, RCODE of DNS; of MISC_CHECK the exit status, the signal or the errno, by `outcome`.
   * 0 if none.
   */
  readonly status: number;
  /** Of checks outside the pool: what they say of the weight. It does not cross threads. */
  readonly value?: number;
}

/** How a run of MISC_CHECK failed, as keepalived says it after the sentence; empty where it does not. */
export function scriptReason(outcome: Outcome, status: number): string {
  if (outcome === "exit-status") return ` (exited with status ${status})`;
  if (outcome === "signal") return ` (due to signal ${status})`;
  return outcome === "not-started" || outcome === "no-resources" ? ` (not started: ${errorName(status)})` : "";
}

function errorName(errno: number): string {
  const name = errno === 0 ? "Unknown" : getSystemErrorName(-errno);
  return name.startsWith("Unknown") ? `errno ${errno}` : name;
}
