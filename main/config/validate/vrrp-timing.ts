import { type Milliseconds, ms, type Priority, priority } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VrrpInstanceDraft } from "../keywords/vrrp-instance-draft.js";
import type { GarpConfig } from "../model.js";

/** What decides an election, after keepalived's corrections (keepalived.conf(5) and §7). */
export interface Election {
  readonly initialState: "MASTER" | "BACKUP";
  readonly basePriority: Priority;
  readonly preempt: boolean;
  readonly preemptDelay: Milliseconds;
  readonly downTimerAdverts: number;
}

const OWNER = 255;

export function finishElection(
  draft: VrrpInstanceDraft,
  global: GlobalDraft,
  strict: boolean,
  diagnostics: Diagnostics,
): Election {
  const { name, at } = draft;
  const adjusted = (message: string, hint?: string): void =>
    diagnostics.warn("CFG_ADJUSTED", at, `(${name}) ${message}`, hint);
  const basePriority = draft.priority ?? priority(draft.state === "MASTER" ? OWNER : 100);
  const owner = basePriority === OWNER;
  let initialState = draft.state ?? (owner ? "MASTER" : "BACKUP");
  if (strict && initialState === "MASTER" && !owner) {
    adjusted("State MASTER must match being address owner", "write: state BACKUP, or priority 255");
    initialState = "BACKUP";
  }
  let preempt = draft.nopreempt !== true;
  if (!preempt && (owner || initialState === "MASTER")) {
    if (owner) adjusted("nopreempt is incompatible with priority 255. resetting nopreempt", "remove nopreempt");
    else adjusted("Warning - nopreempt will not work with initial state MASTER - clearing", "write: state BACKUP");
    preempt = true;
  }
  let downTimerAdverts = draft.downTimerAdverts ?? global.downTimerAdverts ?? 3;
  if (strict && downTimerAdverts !== 3) {
    adjusted("down_timer_adverts is incompatible with strict mode - resetting", "remove it or vrrp_strict");
    downTimerAdverts = 3;
  }
  const preemptDelay = allowedDelay(draft, { strict, preempt, initialState }, adjusted);
  return { initialState, basePriority, preempt, preemptDelay, downTimerAdverts };
}

function allowedDelay(
  draft: VrrpInstanceDraft,
  { strict, preempt, initialState }: { strict: boolean; preempt: boolean; initialState: "MASTER" | "BACKUP" },
  adjusted: (message: string, hint?: string) => void,
): Milliseconds {
  const delay = draft.preemptDelay ?? ms(0);
  if (delay === 0) return delay;
  if (strict) adjusted("preempt_delay is incompatible with strict mode - resetting", "remove it or vrrp_strict");
  else if (!preempt) adjusted("preempt_delay is incompatible with nopreempt mode - resetting", "remove one of them");
  else if (initialState === "MASTER") {
    adjusted("Warning - preempt delay will not work with initial state MASTER - clearing", "write: state BACKUP");
  } else return delay;
  return ms(0);
}

/** v2: whole seconds, 1..255. v3: hundredths of a second up to 40.95. */
export function finishAdvertInterval(draft: VrrpInstanceDraft, version: 2 | 3, diagnostics: Diagnostics): Milliseconds {
  const { name, at, advertInterval = ms(1000) } = draft;
  const text = (advertInterval / 1000).toFixed(version === 2 ? 6 : 2);
  if (version === 2) {
    const rounded = ms(Math.max(1, Math.round(advertInterval / 1000)) * 1000);
    if (rounded === advertInterval) return rounded;
    const message = `(${name}) VRRPv2 advertisement interval ${text}s must be an integer. rounding`;
    diagnostics.warn("CFG_ADJUSTED", at, message, `write: advert_int ${rounded / 1000}, or version 3`);
    return rounded;
  }
  if (advertInterval > 40_950) {
    const message = `(${name}) VRRPv3 advertisement interval ${text}s is out of range. Must be less than 40.96s. Setting to 40.95s`;
    diagnostics.warn("CFG_ADJUSTED", at, message, "write: advert_int 40.95");
    return ms(40_950);
  }
  const rounded = ms(Math.max(1, Math.round(advertInterval / 10)) * 10);
  if (rounded === advertInterval) return rounded;
  const exact = (advertInterval / 1000).toFixed(6);
  const message = `(${name}) VRRPv3 advertisement interval ${exact}s must be in units of 10ms - rounding`;
  diagnostics.warn("CFG_ADJUSTED", at, message, `write: advert_int ${rounded / 1000}`);
  return rounded;
}

/**
 * Instance, else global, else keepalived's defaults; strict mode repeats nothing. What is repeated for a lower priority
 * follows the master's settings of global_defs, never those of the instance (seen in keepalived 2.2.7's dump).
 */
export function finishGarp(
  draft: VrrpInstanceDraft,
  global: GlobalDraft,
  strict: boolean,
  diagnostics: Diagnostics,
): GarpConfig {
  const masterRepeat = draft.masterRepeat ?? global.masterRepeat ?? 5;
  const masterDelay = draft.masterDelay ?? global.masterDelay ?? ms(5000);
  if (strict && ((draft.lowerPrioRepeat ?? 0) > 0 || (draft.lowerPrioDelay ?? 0) > 0)) {
    const message = `(${draft.name}) Strict mode requires no repeat garps. resetting`;
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, "remove garp_lower_prio_repeat and _delay, or vrrp_strict");
  }
  return {
    masterRepeat,
    masterDelay,
    masterRefresh: draft.masterRefresh ?? global.masterRefresh ?? ms(0),
    masterRefreshRepeat: draft.masterRefreshRepeat ?? global.masterRefreshRepeat ?? 1,
    lowerPrioRepeat: strict ? 0 : (draft.lowerPrioRepeat ?? global.lowerPrioRepeat ?? global.masterRepeat ?? 5),
    lowerPrioDelay: strict ? ms(0) : (draft.lowerPrioDelay ?? global.lowerPrioDelay ?? global.masterDelay ?? ms(5000)),
  };
}
