import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { Level } from "../observe/log.js";
import type { Milliseconds, Priority } from "../units.js";
import type { CounterName } from "./counters.js";
import type { Tracking } from "./tracking.js";

/** One virtual router, one address family. Names: RFC 5798 §6.4, and keepalived's FAULT. Deadlines are boot time. */
export type State =
  | { readonly at: "init" }
  /** Scripts without weight have not reported: like FAULT, but nobody is told. */
  | { readonly at: "waiting" }
  | { readonly at: "fault" }
  | BackupState
  | MasterState
  | { readonly at: "stopped" };

export interface BackupState {
  readonly at: "backup";
  /** v3: learned from adverts (RFC 5798 §6.1 Master_Adver_Interval). v2: our own. */
  readonly masterInterval: Milliseconds;
  readonly downAt: Milliseconds;
  /** When preempt_delay ends, once a weaker master has been heard. */
  readonly preemptAt: Milliseconds | undefined;
  /** Whom we heard last. */
  readonly master: HeardMaster | undefined;
  /** The timer has ended, but the sync group is not ready: it would be MASTER if it were alone. */
  readonly wantsMaster: boolean;
  /** An address owner that gave way to another owner: it runs at 254 until that one is gone. */
  readonly yielded: boolean;
}

export interface MasterState {
  readonly at: "master";
  /** Another owner of the addresses (priority 255) was heard, and is watched until then. */
  readonly rogueUntil: Milliseconds | undefined;
}

export interface HeardMaster {
  readonly address: IpAddress;
  readonly priority: number;
  readonly heardAt: Milliseconds;
}

export type Event =
  | { readonly on: "start" | "resume" | "masterDownTimer" | "advertTimer" | "rogueTimer" }
  | AdvertEvent
  | { readonly on: "tracking"; readonly next: Tracking }
  /** Reload: the context holds the new configuration. A `tracking` event with what it tracks came before. */
  | { readonly on: "reconfigured"; readonly before: VrrpInstanceConfig }
  /** split_brain_guard: every condition holds. */
  | { readonly on: "cleared" }
  /** split_brain_guard: by heartbeat a stronger router that hears us asks to take over, or is MASTER beside us and unheard. */
  | { readonly on: "handOver"; readonly to: IpAddress; readonly priority: number; readonly why: "asked" | "beside" }
  /** Somebody deleted one of our addresses; `what` names it as `ip addr` does. */
  | { readonly on: "addressLost"; readonly what: string }
  /** Its sync group moved. `rush`: good-bye, and skew time only, as another member lost an address. */
  | { readonly on: "group"; readonly order: GroupMove; readonly because: string }
  /** `release` false: leave addresses for the next daemon, and tell nobody. */
  | { readonly on: "shutdown"; readonly release: boolean };

export type GroupMove = { readonly to: "MASTER" | "announce" } | { readonly to: "BACKUP"; readonly rush: boolean };

export interface AdvertEvent {
  readonly on: "advert";
  readonly priority: number;
  readonly interval: Milliseconds;
  readonly source: IpAddress;
  /** The sender's address compared with ours. */
  readonly order: -1 | 0 | 1;
}

export type TimerName = "advert" | "masterDown" | "rogue";

/** keepalived's numbers are in snapshot.ts. */
export type VrrpState = "INIT" | "BACKUP" | "MASTER" | "FAULT" | "STOP";

export type Effect =
  | { readonly do: "advertise"; readonly priority: Priority }
  | { readonly do: "claimAddresses" | "releaseAddresses" | "stopAnnouncing" | "announceSource" }
  /** A weaker master was heard while we are one. */
  | { readonly do: "tellLowerPriority" }
  | { readonly do: "announce"; readonly block: "master" | "lowerPriority" }
  | { readonly do: "arm"; readonly timer: TimerName; readonly at: Milliseconds }
  | { readonly do: "disarm"; readonly timer: TimerName }
  | { readonly do: "count"; readonly counter: CounterName }
  | LogEffect
  | { readonly do: "transition"; readonly from: VrrpState; readonly to: VrrpState; readonly because: string };

export interface LogEffect {
  readonly do: "log";
  readonly level: Level;
  readonly event: string;
  readonly sentence: string;
  /** Only with -D. */
  readonly detail: boolean;
}

/** What the reducer knows besides state and event. */
export interface Context {
  readonly config: VrrpInstanceConfig;
  /** In force until a `tracking` event replaces it. */
  readonly tracking: Tracking;
  readonly now: Milliseconds;
  /** False while its sync group has to stay where it is, or its guard holds; undefined outside of groups. */
  readonly mayLead?: boolean | undefined;
  /** While the start is delayed: when timers begin to run. */
  readonly beginsAt?: Milliseconds | undefined;
}

export interface Step {
  readonly state: State;
  /** To be performed in this order. */
  readonly effects: readonly Effect[];
}

export type Reducer = (ctx: Context, state: State, event: Event) => Step;

const names = {
  init: "INIT",
  waiting: "INIT",
  fault: "FAULT",
  backup: "BACKUP",
  master: "MASTER",
  stopped: "STOP",
} as const satisfies Record<State["at"], VrrpState>;

export const stateName = (state: State): VrrpState => names[state.at];
