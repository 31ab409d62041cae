import type { Outcome } from "../../workers/protocol.js";
import type { ServerCheckConfig } from "../config/model-checks.js";
import type { PhaseStatus } from "./status.js";

/**
 * The answer to `{"get":"servers"}`, and what `holdfast servers` prints: docs/servers-json.md. Times are wall clock in milliseconds
 * since 1970, durations in milliseconds.
 */
export interface ServersDocument {
  readonly version: string;
  readonly pid: number;
  readonly time: number;
  readonly ipvs: "kernel" | "memory" | "none";
  readonly virtualServers: readonly VirtualServerEntry[];
}

export interface VirtualServerEntry {
  /** As in the log: `[10.0.0.1]:tcp:80`, `FWM 1` or the name of a group. */
  readonly vs: string;
  readonly scheduler: string;
  readonly forwarding: string;
  readonly quorum: {
    readonly state: "up" | "down";
    readonly since: number;
    readonly wanted: number;
    readonly hysteresis: number;
    /** Of the servers that are alive. */
    readonly weight: number;
  };
  readonly sorryServer?: { readonly name: string; readonly active: boolean };
  /** ha_suspend: its checks rest. */
  readonly suspended: boolean;
  /** Of all its checks, by phase; empty before the first that passed. */
  readonly latency: Readonly<Record<string, PhaseStatus>>;
  /** Absent where IPVS has nothing of it. */
  readonly counters?: CountersEntry;
  readonly realServers: readonly RealServerEntry[];
}

export interface RealServerEntry {
  readonly rs: string;
  readonly state: "up" | "down";
  readonly since: number;
  /** removal_floor or self_check keeps it in the table although it is down, since then; absent: not. */
  readonly heldSince?: number;
  /** As configured. */
  readonly weight: number;
  /** With what checks add to it. */
  readonly effectiveWeight: number;
  /** IPVS is to hold it, with whatever weight. */
  readonly inPool: boolean;
  readonly counters?: CountersEntry;
  readonly checks: readonly CheckEntry[];
}

export interface CheckEntry {
  readonly type: ServerCheckConfig["type"];
  readonly state: "up" | "down";
  /** False: the state is assumed, until it has a result. */
  readonly hasRun: boolean;
  /** Of its last change; absent when there was none since the start. */
  readonly since?: number;
  /** What it adds to the weight. */
  readonly delta: number;
  /** Of the last attempt that passed. */
  readonly latencyMs?: number;
  /** The last failure that changed its state, whatever came after it. */
  readonly lastError?: {
    readonly at: number;
    readonly outcome: Outcome;
    readonly status: number;
    readonly text: string;
  };
}

/** Since the entry is in the table of the kernel (struct ip_vs_stats, linux/ip_vs.h). */
export interface CountersEntry {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly connections: number;
  readonly inPackets: number;
  readonly outPackets: number;
  readonly inBytes: number;
  readonly outBytes: number;
}

/** JSON text of a document in pieces; it is made while it is read. */
export type ServersSource = () => AsyncIterable<string>;
