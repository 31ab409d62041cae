import type { IpAddress } from "../address.js";
import type { VrrpStateName } from "../observe/vrrp-dump.js";
import type { GuardStatus } from "./guard-view.js";
import type { ServersWhy } from "./why-servers.js";

/** The answer to `{"get":"why","instance":NAME}`, and what `holdfast why` shows. Times are milliseconds; `ago`: before the answer. */
export interface WhyDocument {
  readonly instance: string;
  readonly state: VrrpStateName;
  readonly because: string;
  readonly forMs: number;
  readonly priority: {
    readonly base: number;
    readonly effective: number;
    readonly parts: readonly PriorityPart[];
  };
  /** Each is enough to keep it in FAULT. */
  readonly faults: readonly string[];
  /** Trackers that have not reported yet. */
  readonly waitingFor: readonly string[];
  readonly checks: readonly CheckPart[];
  readonly group?: GroupPart;
  readonly adverts: {
    readonly sentAgoMs?: number;
    /** Undefined in JSON: nobody was heard. */
    readonly heard?: HeardPart;
    readonly rejected?: { readonly source: IpAddress; readonly reason: string; readonly agoMs: number };
  };
  readonly timers: {
    readonly nextAdvertMs?: number;
    readonly masterDownMs?: number;
    readonly preemptDelayMs?: number;
  };
  /** Absent without split_brain_guard. */
  readonly guard?: GuardStatus;
  readonly addresses: readonly { readonly address: string; readonly dev: string; readonly set: boolean }[];
  /** Sentences; each alone is enough unless it says otherwise. Empty while MASTER. */
  readonly wouldMakeItMaster: readonly string[];
}

/** What one tracker does to the priority. */
export interface PriorityPart {
  readonly tracker: "interface" | "script" | "file" | "process" | "bfd" | "quorum";
  readonly name: string;
  readonly state: "up" | "down" | "init";
  /** The number in a tracked file. */
  readonly value?: number;
  readonly delta: number;
  /** What it would be at best; undefined where a number decides. */
  readonly bestDelta?: number;
  /** The sync group that tracks it for its members; undefined: the instance itself. */
  readonly group?: string;
}

/** A tracked script, as it stands. */
export interface CheckPart {
  readonly script: string;
  readonly state: "init" | "up" | "down";
  readonly lastExit?: number;
  readonly running: boolean;
}

export interface GroupPart {
  readonly name: string;
  readonly state: VrrpStateName;
  /** The other members. */
  readonly others: readonly {
    readonly instance: string;
    readonly state: VrrpStateName;
    readonly wantsMaster: boolean;
    readonly faults: readonly string[];
  }[];
}

export interface HeardPart {
  readonly source: IpAddress;
  readonly priority: number;
  readonly intervalMs: number;
  readonly agoMs: number;
}

export type WhyAnswer<Document> = Document | NobodyOfThatName;

export interface NobodyOfThatName {
  /** The names that there are. */
  readonly known: readonly string[];
  /** A sync group has that name: its members. */
  readonly members?: readonly string[];
}

/** Called for each request. @returns the names that there are when there is neither such an instance nor such a server */
export type WhySource = (
  name: string,
) => WhyAnswer<WhyDocument | ServersWhy> | Promise<WhyAnswer<WhyDocument | ServersWhy>>;

/** @returns undefined when `value` is no such document (another program answered, or another version) */
export function parseWhy(value: unknown): WhyDocument | undefined {
  return isWhy(value) ? value : undefined;
}

const lists = ["faults", "waitingFor", "checks", "addresses", "wouldMakeItMaster"] as const;
const records = ["priority", "adverts", "timers"] as const;

function isWhy(value: unknown): value is WhyDocument {
  if (!isRecord(value)) return false;
  const texts = [value["instance"], value["state"], value["because"]].every((text) => typeof text === "string");
  return texts && lists.every((name) => Array.isArray(value[name])) && records.every((name) => isRecord(value[name]));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
