import type { IpAddress } from "../address.js";
import type { VirtualAddress, VrrpInstanceConfig } from "../config/model.js";
import type { HostEntry } from "../host-entry.js";
import type { Milliseconds, Priority } from "../units.js";
import type { Counters } from "./counters.js";
import type { GuardSnapshot } from "./instance-guard.js";
import { type HeardMaster, type State, stateName, type VrrpState } from "./machine-types.js";
import type { Contribution, Fault, Tracking } from "./tracking.js";
import { vipInterface } from "./vip-interface.js";

/** An instance at one moment, for dumps, metrics and the question "why?". Times are boot time (`Clock.now`). */
export interface VrrpSnapshot {
  /** Lasting name across reloads: VRID, family, interface, how it talks. */
  readonly key: string;
  readonly config: VrrpInstanceConfig;
  readonly state: VrrpState;
  readonly wantState: VrrpState;
  readonly effectivePriority: Priority;
  /** Of the master we follow, or our own as master; 0 when unknown. */
  readonly masterPriority: number;
  readonly masterAdvertInterval: Milliseconds;
  readonly source: IpAddress | undefined;
  readonly lastTransition: { readonly at: Milliseconds; readonly because: string } | undefined;
  /** All of them are on the host. */
  readonly vipSet: boolean;
  readonly virtualAddresses: readonly HeldAddress[];
  readonly excludedAddresses: readonly HeldAddress[];
  /** By position in the routes and rules of `config`: is it on the host? */
  readonly routesSet: readonly boolean[];
  readonly rulesSet: readonly boolean[];
  readonly counters: Readonly<Counters>;
  readonly nextAdvertAt: Milliseconds | undefined;
  readonly masterDownAt: Milliseconds | undefined;
  readonly preemptAt: Milliseconds | undefined;
  readonly lastAdvertSentAt: Milliseconds | undefined;
  readonly master: HeardMaster | undefined;
  /** The last advert that was good, used or not. */
  readonly lastHeard: Noted<{ readonly source: IpAddress; readonly priority: number; readonly intervalMs: number }>;
  /** The last one that was dropped, in this state or before. */
  readonly lastRejected: Noted<{ readonly source: IpAddress; readonly reason: string }>;
  readonly faults: readonly Fault[];
  readonly waitingForScripts: readonly string[];
  /** What turned the base priority into the effective one. */
  readonly contributions: readonly Contribution[];
  /** Undefined: without split_brain_guard. */
  readonly guard: GuardSnapshot | undefined;
}

export type Noted<T> = { readonly at: Milliseconds; readonly what: T } | undefined;

export interface HeldAddress {
  readonly address: VirtualAddress;
  readonly dev: string;
  readonly set: boolean;
}

/** keepalived's numbers, as JSON, SNMP and D-Bus have them. */
export const stateNumbers = {
  INIT: 0,
  BACKUP: 1,
  MASTER: 2,
  FAULT: 3,
  STOP: 98,
} as const satisfies Record<VrrpState, number>;

/** What the instance holds itself, beside state and tracking. */
export type Plain = Pick<
  VrrpSnapshot,
  | "key"
  | "config"
  | "source"
  | "lastTransition"
  | "counters"
  | "nextAdvertAt"
  | "masterDownAt"
  | "lastAdvertSentAt"
  | "lastHeard"
  | "lastRejected"
  | "guard"
>;

export function snapshotOf(
  plain: Plain,
  state: State,
  tracking: Tracking,
  isSet: { readonly address: (one: VirtualAddress) => boolean; readonly entry: (one: HostEntry) => boolean },
): VrrpSnapshot {
  const { config } = plain;
  const backup = state.at === "backup" ? state : undefined;
  const held = (address: VirtualAddress): HeldAddress => ({
    address,
    dev: address.dev ?? vipInterface(config),
    set: isSet.address(address),
  });
  const virtualAddresses = config.virtualAddresses.map(held);
  return {
    ...plain,
    counters: { ...plain.counters },
    state: stateName(state),
    wantState: wantState(config, state),
    effectivePriority: tracking.effective,
    masterPriority: state.at === "master" ? tracking.effective : (backup?.master?.priority ?? 0),
    masterAdvertInterval: backup?.masterInterval ?? config.advertInterval,
    vipSet: virtualAddresses.length > 0 && virtualAddresses.every((a) => a.set),
    virtualAddresses,
    excludedAddresses: config.excludedAddresses.map(held),
    routesSet: config.routes.map((route) => isSet.entry({ kind: "route", route })),
    rulesSet: config.rules.map((rule) => isSet.entry({ kind: "rule", rule })),
    preemptAt: backup?.preemptAt,
    master: backup?.master,
    faults: tracking.faults,
    waitingForScripts: tracking.waiting,
    contributions: tracking.contributions,
  };
}

/** keepalived's `wantstate`: what it goes for when it may. */
function wantState(config: VrrpInstanceConfig, state: State): VrrpState {
  if (state.at === "fault") return "FAULT";
  if (state.at === "master") return "MASTER";
  if (state.at === "backup") return state.wantsMaster ? "MASTER" : "BACKUP";
  return config.basePriority === 255 && config.initialState === "MASTER" ? "MASTER" : "BACKUP";
}

export type InstanceStanding = Pick<VrrpSnapshot, "state" | "faults">;
