import type { ServerCheckConfig } from "../config/model-checks.js";

/**
 * The answer to `{"get":"why","instance":NAME}` where NAME is a virtual server or a real server, and what `holdfast why` shows of it. Times are
 * milliseconds; `for`: until the answer.
 */
export interface ServersWhy {
  /** As it was asked for. */
  readonly asked: string;
  readonly about: "virtual-server" | "real-server";
  /** The one that was asked for, or those that have the real server. */
  readonly virtualServers: readonly VirtualServerWhy[];
  /** So many others have it, too. */
  readonly more: number;
}

export interface VirtualServerWhy {
  /** As in the log; `FWM 7 inet6` for a mark of IPv6, which the log does not tell from that of IPv4. */
  readonly vs: string;
  /** Its quorum. */
  readonly state: "up" | "down";
  readonly forMs: number;
  readonly because: string;
  readonly quorum: {
    /** Of the servers in service. */
    readonly weight: number;
    readonly wanted: number;
    readonly hysteresis: number;
  };
  readonly sorryServer?: { readonly name: string; readonly active: boolean };
  /** ha_suspend: its checks rest. */
  readonly suspended: boolean;
  /** Absent without. */
  readonly removalFloor?: { readonly percent: number; readonly confirmMs: number };
  /** self_check holds the table: what is wrong with this host. */
  readonly tableHeld?: string;
  /** What the kernel refuses of it, as in the log. */
  readonly kernel: readonly string[];
  readonly servers: { readonly total: number; readonly up: number; readonly held: number };
  /** The one that was asked for, or those that do not take connections as they should. */
  readonly realServers: readonly RealServerWhy[];
  /** So many more of them. */
  readonly more: number;
  /** Sentences; empty while it is up and checked. */
  readonly wouldBringItBack: readonly string[];
}

export interface RealServerWhy {
  readonly rs: string;
  /** `held`: down, and kept in the table (docs/directors-faults.md). */
  readonly state: "up" | "down" | "held";
  readonly forMs: number;
  readonly because: string;
  /** IPVS is to hold it, with whatever weight. */
  readonly inTable: boolean;
  /** That IPVS is to give it there; out of it, what it would have. */
  readonly weight: number;
  readonly checks: readonly CheckWhy[];
  /** Sentences; all of these are needed. Empty when it takes connections. */
  readonly wouldBringItBack: readonly string[];
}

export interface CheckWhy {
  readonly type: ServerCheckConfig["type"];
  /** What it looks at. */
  readonly target: string;
  readonly state: "up" | "down";
  /** False: assumed, until it has a result. */
  readonly hasRun: boolean;
  /** Of its last change; absent: none since the daemon started. */
  readonly forMs?: number;
  /** While it is down, and failed since the start: with what. */
  readonly error?: string;
  /** How often it is made now; absent: it waits to be told. */
  readonly everyMs?: number;
  /** Until its next attempt, 0 while one is under way; absent: it rests, or nobody knows. */
  readonly nextMs?: number;
  /** What it adds to the weight. */
  readonly delta: number;
}

/** @returns undefined when `value` is no such document */
export function parseServersWhy(value: unknown): ServersWhy | undefined {
  return isServersWhy(value) ? value : undefined;
}

const isServersWhy = (value: unknown): value is ServersWhy =>
  typeof value === "object" &&
  value !== null &&
  "about" in value &&
  "virtualServers" in value &&
  Array.isArray(value.virtualServers) &&
  value.virtualServers.every(isVirtualServer);

const lists = ["kernel", "realServers", "wouldBringItBack"];

const isVirtualServer = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  ["quorum", "servers"].every((name) => name in value) &&
  lists.every((name) => Array.isArray((value as Readonly<Record<string, unknown>>)[name]));
