import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { Milliseconds, Priority } from "../units.js";
import type { Endpoints } from "./endpoints.js";
import type { GarpSender } from "./garp-sender.js";
import type { VrrpState } from "./machine-types.js";
import type { TrackerView } from "./more-tracking.js";
import type { HostNetwork } from "./ports.js";
import type { GroupSeat } from "./sync-groups.js";
import type { Verdicts } from "./verdicts.js";

/** A change of state as the rest of the daemon hears it: notifies, mail, metrics. */
export interface VrrpTransition {
  readonly key: string;
  readonly instance: VrrpInstanceConfig;
  readonly from: VrrpState;
  /** An instance that a reload removed goes to FAULT, as with keepalived. */
  readonly to: VrrpState;
  readonly priority: Priority;
  readonly because: string;
  readonly at: Milliseconds;
}

/** State of an instance when the daemon before this one died. */
export interface Resumption {
  readonly state: VrrpState;
  readonly lastAdvertBootMs: Milliseconds;
}

export interface InstanceDeps {
  readonly clock: Clock;
  readonly network: HostNetwork;
  readonly endpoints: Endpoints;
  readonly garp: GarpSender;
  readonly verdicts: Verdicts;
  readonly log: Log;
  /** With interface_up_down_delays. */
  readonly linkUp: (name: string) => boolean;
  readonly script: (name: string) => "init" | "up" | "down";
  /** Addresses that some instance floats: none of them is a source address. */
  readonly virtualAddresses: () => ReadonlySet<IpAddress>;
  readonly groups: GroupSeat;
  readonly trackers: TrackerView;
  readonly onTransition: (event: VrrpTransition) => void;
  readonly onAdvertSent: ((key: string, bootMs: Milliseconds) => void) | undefined;
}
