import type { IpAddress } from "../address.js";
import type { LoopDelaySummary } from "../observe/loop-delay.js";
import type { VrrpStateName } from "../observe/vrrp-dump.js";
import type { GuardStatus } from "./guard-view.js";

/** The answer to `{"get":"status"}`, and what `holdfast status` shows. Times are in milliseconds. */
export interface StatusDocument {
  readonly version: string;
  readonly pid: number;
  readonly instances: readonly InstanceStatus[];
  readonly virtualServers: readonly VirtualServerStatus[];
  /** Absent without bfd_instance. */
  readonly bfd?: readonly BfdStatus[];
  /** Absent without self_check. `trouble`: what it sees now, empty for nothing; `holds`: how often it has held the table. */
  readonly selfCheck?: {
    readonly state: "watching" | "holding" | "spent";
    readonly holds: number;
    readonly trouble: string;
  };
  readonly ipvs: IpvsStatus;
  /** By kind of check (`TCP_CHECK`, ...). */
  readonly latency: Readonly<Record<string, LatencyStatus>>;
  readonly loopDelay: LoopDelaySummary;
  readonly log: { readonly dropped: number };
}

export interface InstanceStatus {
  readonly name: string;
  readonly state: VrrpStateName;
  readonly priority: number;
  readonly effectivePriority: number;
  /** As in dump files: `10.0.0.1/24 dev eth0 scope global set`. */
  readonly vips: readonly string[];
  /** Source of the last accepted advert; our own address while MASTER; undefined before either. */
  readonly master?: IpAddress;
  /** Wall clock of the last transition, milliseconds since 1970. */
  readonly since: number;
  /** Absent without split_brain_guard. */
  readonly guard?: GuardStatus;
}

export interface VirtualServerStatus {
  /** As in the log: `[10.0.0.1]:tcp:80` or `FWM 1`. */
  readonly vs: string;
  readonly scheduler: string;
  readonly quorumUp: boolean;
  /** ha_suspend: no address of it is on this host, so nobody checks it; what is said of its servers was so before. */
  readonly suspended?: true;
  readonly realServers: readonly RealServerStatus[];
}

export interface RealServerStatus {
  readonly rs: string;
  readonly state: "up" | "down";
  /** It is down but kept in the table: by removal_floor, or by the self check. */
  readonly heldBack?: true;
  readonly weight: number;
  /** Latest check; undefined before the first one. */
  readonly latencyMs?: number;
  /** `Outcome` of the latest check; undefined before the first one. */
  readonly lastOutcome?: string;
}

export interface BfdStatus {
  readonly name: string;
  readonly state: "AdminDown" | "Down" | "Init" | "Up";
  readonly neighbor: IpAddress;
  /** Why it left Up the last time, in the words of RFC 5880 §4.1. */
  readonly diagnostic: string;
  /** Wall clock of the last change of state, milliseconds since 1970. */
  readonly since: number;
  /** Before jitter; absent while nothing is sent. */
  readonly txIntervalMs?: number;
  /** Absent while the neighbour is not heard. */
  readonly detectionTimeMs?: number;
}

export interface IpvsStatus {
  /** `none`: the kernel has no IPVS and checks go on. */
  readonly backend: "kernel" | "memory" | "none";
  readonly services: number;
  readonly destinations: number;
  /** How often all destinations are compared with the kernel's; 0: not polled. */
  readonly pollPeriodMs: number;
  /** Entries that differ from ours and are left alone (a weight set by hand). */
  readonly drift: number;
}

/** Of attempts that passed: from their start to the verdict. */
export interface LatencyStatus extends PhaseStatus {
  /** By phase (`lateness`, `connect`, `tls`, `first-byte`); those that the kind does not have are left out. */
  readonly phases: Readonly<Record<string, PhaseStatus>>;
}

export interface PhaseStatus {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

/** A document whose lists are produced while it is written: nobody builds 37,000 entries at once. */
export type Streamed<T> = T extends readonly (infer U)[]
  ? Iterable<Streamed<U>>
  : T extends object
    ? { readonly [K in keyof T]: Streamed<T[K]> }
    : T;

/** Called for each request. Lists may be generators: they are read over several turns of the event loop. */
export type StatusSource = () => Streamed<StatusDocument> | Promise<Streamed<StatusDocument>>;

/** @returns undefined when `value` is no status document (another program answered, or another version) */
export function parseStatus(value: unknown): StatusDocument | undefined {
  return isStatus(value) ? value : undefined;
}

function isStatus(value: unknown): value is StatusDocument {
  if (!isRecord(value)) return false;
  const { version, pid, instances, virtualServers, bfd, ipvs, latency, loopDelay, log } = value;
  return (
    typeof version === "string" &&
    typeof pid === "number" &&
    isListOf(instances, isInstance) &&
    isListOf(virtualServers, isVirtualServer) &&
    (bfd === undefined || isListOf(bfd, isBfd)) &&
    isRecord(ipvs) &&
    typeof ipvs["backend"] === "string" &&
    isRecord(latency) &&
    Object.values(latency).every((kind) => isRecord(kind) && typeof kind["count"] === "number") &&
    isRecord(loopDelay) &&
    isRecord(log)
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isListOf = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isItem);

const isInstance = (value: unknown): boolean =>
  isRecord(value) &&
  typeof value["name"] === "string" &&
  typeof value["state"] === "string" &&
  typeof value["since"] === "number" &&
  isListOf(value["vips"], (vip) => typeof vip === "string");

const isBfd = (value: unknown): boolean =>
  isRecord(value) &&
  typeof value["name"] === "string" &&
  typeof value["state"] === "string" &&
  typeof value["neighbor"] === "string" &&
  typeof value["diagnostic"] === "string" &&
  typeof value["since"] === "number";

const isVirtualServer = (value: unknown): boolean =>
  isRecord(value) && typeof value["vs"] === "string" && isListOf(value["realServers"], isRealServer);

const isRealServer = (value: unknown): boolean =>
  isRecord(value) && typeof value["rs"] === "string" && typeof value["state"] === "string";
