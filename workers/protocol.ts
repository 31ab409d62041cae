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
] as const;
export type Outcome = (typeof outcomes)[number];

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
  /** Added to the thread's nice value, where the native module is there to do it. */
  readonly nice: number;
}

/** One check as a shard runs it. `identity` names it across reloads: target + parameters, never a position in a file. */
export interface CheckSpec {
  readonly id: CheckId;
  readonly identity: string;
  readonly check: CheckConfig;
  /** Last known state. `undefined`: never ran (keepalived's first-failure rule applies). */
  readonly known: "up" | "down" | undefined;
}

/** Main → worker. Structured-cloned: plain data only. `epoch` grows with each configuration. */
export type ToWorker =
  | { readonly kind: "assign"; readonly epoch: number; readonly checks: readonly CheckSpec[] }
  | { readonly kind: "retract"; readonly epoch: number; readonly ids: readonly CheckId[] }
  | { readonly kind: "report-latency" }
  | { readonly kind: "drain" };

/**
 * Worker → main. `epoch` is the configuration that the shard had applied. A check id is never given to another check, so an
 * edge of an earlier epoch stays good as long as its check is assigned: dropping it would lose a state change for ever.
 */
export type FromWorker =
  | { readonly kind: "heartbeat"; readonly running: number; readonly completed: number }
  /** `batch`: see edges.ts. Transferred, not copied. */
  | { readonly kind: "edges"; readonly epoch: number; readonly batch: Uint32Array<ArrayBuffer> }
  /** A failed attempt that is no edge, for the log only (log_all_failures). */
  | { readonly kind: "attempts"; readonly epoch: number; readonly failures: readonly FailedAttempt[] }
  /** `last` holds two words per check: id, latest latency in µs. One HdrHistogram V2 payload (µs, base64) per check type. */
  | {
      readonly kind: "latency";
      readonly histograms: Readonly<Record<string, string>>;
      readonly last: Uint32Array<ArrayBuffer>;
    }
  | { readonly kind: "fault"; readonly code: string; readonly message: string }
  | { readonly kind: "drained" };

export interface FailedAttempt {
  readonly id: CheckId;
  readonly outcome: Outcome;
  /** One sentence part for the log, for instance `HTTP status code 503`; no line breaks, at most 200 characters. */
  readonly detail: string;
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
  /** HTTP status code received, 0 if none. */
  readonly status: number;
}
