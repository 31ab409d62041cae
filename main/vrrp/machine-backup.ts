import type { VrrpInstanceConfig } from "../config/model.js";
import { type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import {
  becomeMaster,
  enterFault,
  isOwnerMaster,
  log,
  ownPriority,
  priorityChange,
  startsAsMaster,
} from "./machine-moves.js";
import type { AdvertEvent, BackupState, Context, Effect, Event, Step } from "./machine-types.js";
import { masterDownInterval, skewTime } from "./timers.js";
import { faultReason, type Tracking } from "./tracking.js";

/** RFC 5798 §6.4.2, with keepalived's nopreempt, preempt_delay and faults. */
export function backupStep(ctx: Context, state: BackupState, event: Event): Step {
  switch (event.on) {
    case "advert":
      return hear(ctx, state, event);
    case "masterDownTimer":
      return ctx.mayLead === false ? awaitGroup(ctx, state) : takeOver(ctx);
    case "group":
      return event.order.to === "MASTER" ? becomeMaster(ctx, "BACKUP", event.because) : { state, effects: [] };
    case "cleared":
      return state.wantsMaster && ctx.mayLead !== false
        ? becomeMaster(ctx, "BACKUP", "split_brain_guard let the claim through")
        : { state, effects: [] };
    case "tracking":
      return retrack(ctx, state, event.next);
    case "reconfigured":
      return reconfigure(ctx, state, event.before);
    case "shutdown":
      return {
        state: { at: "stopped" },
        effects: [
          { do: "disarm", timer: "masterDown" },
          { do: "transition", from: "BACKUP", to: "STOP", because: "shutdown" },
        ],
      };
    case "start":
    case "resume":
    case "advertTimer": // already queued when it was disarmed
    case "rogueTimer":
    case "handOver":
    case "addressLost": // not ours to hold
      return { state, effects: [] };
    default:
      return unreachable(event);
  }
}

function takeOver(ctx: Context): Step {
  const master = becomeMaster(ctx, "BACKUP", "no advert within Master_Down_Interval");
  const timeout = log(ctx, "info", "vrrp.master-down", "Receive advertisement timeout", true);
  const told = master.effects.findIndex((e) => e.do === "log");
  return { state: master.state, effects: master.effects.toSpliced(told, 0, timeout) };
}

/** Its sync group moves when the last member's timer has ended. Until then it listens for another interval. */
function awaitGroup(ctx: Context, state: BackupState): Step {
  const wait = masterDownInterval(ctx.config, ownPriority(ctx, state.yielded), state.masterInterval);
  const next: BackupState = { ...state, wantsMaster: true, downAt: ms(ctx.now + wait) };
  return {
    state: next,
    effects: [
      { do: "arm", timer: "masterDown", at: next.downAt },
      log(ctx, "info", "vrrp.master-down", "Receive advertisement timeout", true),
    ],
  };
}

function hear(ctx: Context, state: BackupState, advert: AdvertEvent): Step {
  const yielded = state.yielded && advert.priority === 255 && sameMaster(state, advert);
  const now = { ...state, yielded };
  if (advert.priority === 0) return hearFarewell(ctx, now);
  const weaker = advert.priority < ownPriority(ctx, yielded);
  const delayed = ctx.config.preemptDelay > 0 && (now.preemptAt === undefined || ctx.now < now.preemptAt);
  if (ctx.config.preempt && weaker && !delayed) return discard(ctx, now, advert);
  return accept(ctx, now, advert, weaker);
}

const sameMaster = (state: BackupState, advert: AdvertEvent): boolean =>
  state.master === undefined || state.master.address === advert.source;

/** RFC 5798 §6.4.2 (430): the master is leaving. Skew time only, so that the best backup goes first. */
function hearFarewell(ctx: Context, state: BackupState): Step {
  const skew = skewTime(ctx.config.version, ownPriority(ctx, state.yielded), state.masterInterval);
  const next = { ...state, downAt: ms(ctx.now + skew) };
  return {
    state: next,
    effects: [
      { do: "arm", timer: "masterDown", at: next.downAt },
      log(ctx, "info", "vrrp.farewell-heard", "Backup received priority 0 advertisement", true),
    ],
  };
}

/** A weaker master: let the timer run out and preempt it. */
function discard(ctx: Context, state: BackupState, advert: AdvertEvent): Step {
  const sentence = `received lower priority (${advert.priority}) advert from ${advert.source} - discarding`;
  return { state, effects: [log(ctx, "info", "vrrp.lower-priority", sentence)] };
}

function accept(ctx: Context, state: BackupState, advert: AdvertEvent, weaker: boolean): Step {
  const { config, now } = ctx;
  const masterInterval = config.version === 3 ? advert.interval : config.advertInterval;
  const wait = masterDownInterval(config, ownPriority(ctx, state.yielded), masterInterval);
  const [preemptAt, delayEffects] = preemptDelay(ctx, state, weaker);
  const master = { address: advert.source, priority: advert.priority, heardAt: now };
  const next: BackupState = { ...state, masterInterval, downAt: ms(now + wait), preemptAt, master, wantsMaster: false };
  return {
    state: next,
    effects: [
      { do: "arm", timer: "masterDown", at: next.downAt },
      ...delayEffects,
      ...intervalChange(ctx, state, masterInterval),
    ],
  };
}

/** preempt_delay counts from the first weaker advert; a master that is good enough ends it. */
function preemptDelay(ctx: Context, state: BackupState, weaker: boolean): [Milliseconds | undefined, Effect[]] {
  const { config, now } = ctx;
  if (config.preemptDelay === 0) return [undefined, []];
  if (!weaker) {
    const stopped = state.preemptAt === undefined ? [] : [log(ctx, "info", "vrrp.preempt-delay", "stop preempt delay")];
    return [undefined, stopped];
  }
  if (state.preemptAt !== undefined) return [state.preemptAt, []];
  const seconds = (config.preemptDelay / 1000).toFixed(6);
  return [ms(now + config.preemptDelay), [log(ctx, "info", "vrrp.preempt-delay", `start preempt delay (${seconds})`)]];
}

function intervalChange(ctx: Context, state: BackupState, masterInterval: Milliseconds): Effect[] {
  if (state.masterInterval === masterInterval) return [];
  const sentence = `advertisement interval updated from ${state.masterInterval}ms to ${masterInterval}ms by master`;
  return [log(ctx, "info", "vrrp.interval", sentence)];
}

function retrack(ctx: Context, state: BackupState, next: Tracking): Step {
  const changed = priorityChange(ctx, next);
  if (next.faults.length > 0) {
    const reasons = next.faults.map(faultReason).join(", ");
    const fault = enterFault({ ...ctx, tracking: next }, "BACKUP", reasons, "");
    return { state: fault.state, effects: [{ do: "disarm", timer: "masterDown" }, ...changed, ...fault.effects] };
  }
  if (changed.length === 0) return { state, effects: [] };
  return shift(ctx, { ...ctx, tracking: next }, state, changed);
}

function reconfigure(ctx: Context, state: BackupState, before: VrrpInstanceConfig): Step {
  const { config } = ctx;
  const learned = config.version === 3 && state.masterInterval !== before.advertInterval;
  const masterInterval = learned ? state.masterInterval : config.advertInterval;
  const preemptAt = movedPreemption(config, before, state.preemptAt);
  if (startsAsMaster(ctx) && !isOwnerMaster(before) && config.guard === undefined) {
    // An owner waits for nobody (RFC 5798 §6.4.1), as at a start.
    const next = { ...state, masterInterval, preemptAt: undefined, downAt: ctx.now };
    return { state: next, effects: [{ do: "arm", timer: "masterDown", at: next.downAt }] };
  }
  return shift({ ...ctx, config: before }, ctx, { ...state, masterInterval, preemptAt }, [], state.masterInterval);
}

/** preempt_delay counts from when it began, whatever its length was then. */
function movedPreemption(
  { preempt, preemptDelay }: VrrpInstanceConfig,
  before: VrrpInstanceConfig,
  preemptAt: Milliseconds | undefined,
): Milliseconds | undefined {
  if (!preempt || preemptDelay === 0 || preemptAt === undefined) return undefined;
  return ms(preemptAt + preemptDelay - before.preemptDelay);
}

/** The running timer moves by the change of Master_Down_Interval: what has been waited for stays waited for. */
function shift(
  before: Context,
  after: Context,
  state: BackupState,
  effects: readonly Effect[],
  oldInterval: Milliseconds = state.masterInterval,
): Step {
  const old = masterDownInterval(before.config, ownPriority(before, state.yielded), oldInterval);
  const wait = masterDownInterval(after.config, ownPriority(after, state.yielded), state.masterInterval);
  if (wait === old) return { state, effects };
  const next = { ...state, downAt: ms(state.downAt + wait - old) };
  return { state: next, effects: [{ do: "arm", timer: "masterDown", at: next.downAt }, ...effects] };
}
