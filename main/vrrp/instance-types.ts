import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { Milliseconds, Priority } from "../units.js";
import type { Endpoints } from "./endpoints.js";
import type { EntryClaims } from "./entry-claims.js";
import type { GarpSender } from "./garp-sender.js";
import type { GuardReducer } from "./guard.js";
import type { GuardHost } from "./guard-ports.js";
import type { Reducer, VrrpState } from "./machine-types.js";
import type { TrackerView } from "./more-tracking.js";
import type { OwnDeletions } from "./own-deletions.js";
import type { AddressFilter, HostEntries, HostNetwork } from "./ports.js";
import type { Repairs } from "./repairs.js";
import type { StartupDelay } from "./startup-delay.js";
import type { GroupSeat } from "./sync-groups.js";
import type { Verdicts } from "./verdicts.js";
import type { SequenceStore } from "./wire-state.js";

/** A change of state as the rest of the daemon hears it: notifies, mail, metrics. */
export interface VrrpTransition {
  readonly key: string;
  readonly instance: VrrpInstanceConfig;
  readonly from: VrrpState;
  /** An instance that a reload removed goes to FAULT, as with keepalived, or with notify_deleted to DELETED. */
  readonly to: VrrpState | "DELETED";
  readonly priority: Priority;
  readonly because: string;
  readonly at: Milliseconds;
}

/** What is told besides changes of state. `priority`: the effective one. */
export interface VrrpNotice {
  /** The last two: split_brain_guard has notify_fifo. */
  readonly on: "lower-priority" | "priority" | "two-masters" | "one-master";
  readonly instance: VrrpInstanceConfig;
  readonly state: VrrpState;
  readonly priority: Priority;
}

/** State of an instance when the daemon before this one died. */
export interface Resumption {
  readonly state: VrrpState;
  readonly lastAdvertBootMs: Milliseconds;
}

export interface InstanceDeps {
  readonly reducer: Reducer;
  /** The reducer need not be asked about adverts that say nothing new (repetition.ts). */
  readonly repeats: boolean;
  readonly clock: Clock;
  readonly network: HostNetwork;
  readonly entries: HostEntries | undefined;
  readonly filter: AddressFilter | undefined;
  readonly repairs: Repairs;
  readonly deletions: OwnDeletions;
  readonly claims: EntryClaims;
  readonly keeps?: () => boolean;
  readonly startup: Pick<StartupDelay, "until">;
  readonly endpoints: Endpoints;
  readonly garp: GarpSender;
  readonly verdicts: Verdicts;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** With interface_up_down_delays. */
  readonly linkUp: (name: string) => boolean;
  readonly script: (name: string) => "init" | "up" | "down";
  /** Addresses that some instance floats: none of them is a source address. */
  readonly virtualAddresses: () => ReadonlySet<IpAddress>;
  readonly groups: GroupSeat;
  readonly trackers: TrackerView;
  /** For split_brain_guard; undefined: there are no guards (rehearsals, hosts without). */
  readonly guards: GuardHost | undefined;
  readonly guardReducer: GuardReducer | undefined;
  readonly onTransition: (event: VrrpTransition) => void;
  readonly onNotice: ((notice: VrrpNotice) => void) | undefined;
  /** Of signed adverts, by instance. */
  readonly sequences: ((key: string) => SequenceStore) | undefined;
  readonly onAdvertSent: ((key: string, bootMs: Milliseconds) => void) | undefined;
  /** A master was not heard, and will be down in some milliseconds. */
  readonly getReady: (() => void) | undefined;
}
