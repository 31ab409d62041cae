import { ms, type Priority } from "../units.js";
import { unreachable } from "../unreachable.js";
import { becomeBackup, enterFault, leaveMaster, log, priorityChange } from "./machine-moves.js";
import type {
  AdvertEvent,
  Context,
  Effect,
  Event,
  GroupMove,
  HeardMaster,
  MasterState,
  Step,
} from "./machine-types.js";
import { skewTime } from "./timers.js";
import { faultReason, type Tracking } from "./tracking.js";

/** How long another owner is watched, in advert intervals. keepalived's figure. */
const ROGUE_WATCH = 1.2;

/** RFC 5798 §6.4.3, with keepalived's reactions to weaker masters, faults and lost addresses. */
export function masterStep(ctx: Context, state: MasterState, event: Event): Step {
  switch (event.on) {
    case "advertTimer":
      return { state, effects: advertise(ctx) };
    case "advert":
      return hear(ctx, state, event);
    case "rogueTimer":
      return rogueGone(ctx);
    case "tracking":
      return retrack(ctx, state, event.next);
    case "reconfigured":
      return { state, effects: advertise(ctx) };
    case "addressLost":
      return loseAddress(ctx, event.what);
    case "group":
      return followGroup(ctx, state, event.order, event.because);
    case "handOver":
      return handOver(ctx, event);
    case "shutdown":
      return shutdown(ctx, event.release);
    case "cleared":
    case "start":
    case "resume":
    case "masterDownTimer": // already queued when it was disarmed
      return { state, effects: [] };
    default:
      return unreachable(event);
  }
}

/** An advert out of turn also starts the interval anew (RFC 5798 §6.4.3). */
function advertise(ctx: Context, priority: Priority = ctx.tracking.effective): Effect[] {
  return [
    { do: "advertise", priority },
    { do: "arm", timer: "advert", at: ms(ctx.now + ctx.config.advertInterval) },
  ];
}

function hear(ctx: Context, state: MasterState, advert: AdvertEvent): Step {
  const own = ctx.tracking.effective;
  if (advert.priority === 0) {
    return {
      state,
      effects: [...advertise(ctx), log(ctx, "info", "vrrp.farewell-heard", "Master received priority 0 message", true)],
    };
  }
  if (advert.priority === own && advert.order === 0) {
    const sentence = "WARNING - equal priority advert received from remote host with our IP address.";
    return { state, effects: [log(ctx, "warning", "vrrp.same-address", sentence)] };
  }
  if (advert.priority === 255 && own === 255) return hearOwner(ctx, state, advert);
  const stronger = advert.priority > own || (advert.priority === own && advert.order > 0);
  return stronger ? giveWay(ctx, advert) : hearWeaker(ctx, state, advert);
}

/** RFC 5798 §6.4.3 (725): the higher priority wins, then the higher address. */
function giveWay(ctx: Context, advert: AdvertEvent): Step {
  const own = ctx.tracking.effective;
  const from = `Master received advert from ${advert.source} with`;
  const sentence =
    advert.priority > own
      ? `${from} higher priority ${advert.priority}, ours ${own}`
      : `${from} same priority ${own} but higher IP address than ours`;
  const parting: Effect[] = ctx.config.higherPrioSendAdvert ? [{ do: "advertise", priority: own }] : [];
  return yieldTo(ctx, advert, sentence, parting, false);
}

function yieldTo(ctx: Context, advert: AdvertEvent, sentence: string, parting: Effect[], yielded: boolean): Step {
  const because = `advert of priority ${advert.priority} from ${advert.source}`;
  const masterInterval = ctx.config.version === 3 ? advert.interval : ctx.config.advertInterval;
  const backup = becomeBackup(ctx, "MASTER", {
    because,
    suffix: "",
    masterInterval,
    master: heard(ctx, advert),
    yielded,
  });
  const told = log(ctx, "info", "vrrp.higher-priority", sentence);
  return { state: backup.state, effects: [...parting, ...leaveMaster(ctx, 0), told, ...backup.effects] };
}

const heard = (ctx: Context, advert: AdvertEvent): HeardMaster => ({
  address: advert.source,
  priority: advert.priority,
  heardAt: ctx.now,
});

/** The segment may have learned the other master's hardware address: answer, and announce ours again. */
function hearWeaker(ctx: Context, state: MasterState, advert: AdvertEvent): Step {
  const { config, tracking } = ctx;
  const answers = !config.lowerPrioNoAdvert;
  const sentence =
    `Received advert from ${advert.source} with lower priority ${advert.priority}, ours ${tracking.effective}` +
    (answers ? ", forcing new election" : "");
  return {
    state,
    effects: [
      ...(answers ? advertise(ctx) : []),
      ...announcements(ctx),
      log(ctx, "info", "vrrp.lower-priority", sentence),
      { do: "tellLowerPriority" },
    ],
  };
}

/** Two owners of the same addresses. The higher address stays; the lower one insists once, then gives way at 254. */
function hearOwner(ctx: Context, state: MasterState, advert: AdvertEvent): Step {
  const conflict =
    "CONFIGURATION ERROR: local instance and a remote instance are both configured as address owner, please fix";
  if (advert.order > 0) return yieldTo(ctx, advert, `${conflict} - giving way to ${advert.source}`, [], false);
  if (state.rogueUntil !== undefined) {
    return yieldTo(ctx, advert, `${conflict} - reducing local priority`, [], true);
  }
  const rogueUntil = ms(ctx.now + ROGUE_WATCH * Math.max(ctx.config.advertInterval, advert.interval));
  return {
    state: { ...state, rogueUntil },
    effects: [
      ...advertise(ctx),
      ...advertise(ctx),
      { do: "arm", timer: "rogue", at: rogueUntil },
      log(ctx, "error", "vrrp.owner-conflict", `${conflict} - advert of priority 255 from ${advert.source}`),
    ],
  };
}

function rogueGone(ctx: Context): Step {
  const sentence = "rogue address owner appears to have stopped advertising";
  return {
    state: { at: "master", rogueUntil: undefined },
    effects: [log(ctx, "info", "vrrp.owner-conflict", sentence)],
  };
}

function retrack(ctx: Context, state: MasterState, next: Tracking): Step {
  const changed = priorityChange(ctx, next);
  if (next.faults.length === 0) return { state, effects: changed };
  const fault = enterFault({ ...ctx, tracking: next }, "MASTER", next.faults.map(faultReason).join(", "), "");
  const own = next.faults.some(({ kind }) => kind !== "sync-group");
  return { state: fault.state, effects: [...leaveMaster(ctx, own ? 2 : 1), ...changed, ...fault.effects] };
}

/** Another member of the sync group gave way, lost an address, or answered a weaker master. */
function followGroup(ctx: Context, state: MasterState, order: GroupMove, because: string): Step {
  switch (order.to) {
    case "MASTER":
      return { state, effects: [] };
    case "announce":
      return { state, effects: announcements(ctx) };
    case "BACKUP": {
      const wait = skewTime(ctx.config.version, ctx.tracking.effective, ctx.config.advertInterval);
      const backup = becomeBackup(ctx, "MASTER", { because, suffix: "", ...(order.rush ? { wait } : {}) });
      return { state: backup.state, effects: [...leaveMaster(ctx, order.rush ? 1 : 0), ...backup.effects] };
    }
    default:
      return unreachable(order);
  }
}

const announcements = ({ config }: Context): Effect[] =>
  config.garp.lowerPrioRepeat > 0 ? [{ do: "announce", block: "lowerPriority" }] : [];

/** As its advert would, but sure to arrive: whoever asks claims the addresses when it knows that they are free. */
function handOver(ctx: Context, { to, priority, why }: Extract<Event, { on: "handOver" }>): Step {
  const what = why === "asked" ? "asked to take over" : "is MASTER too, and VRRP between us is cut";
  const because = `${to} with priority ${priority} ${what}`;
  const backup = becomeBackup(ctx, "MASTER", { because, suffix: "" });
  return { state: backup.state, effects: [...leaveMaster(ctx, 0), ...backup.effects] };
}

/** Leave and come back after skew time: that puts everything in place again, or lets a healthier backup have it. */
function loseAddress(ctx: Context, what: string): Step {
  const wait = skewTime(ctx.config.version, ctx.tracking.effective, ctx.config.advertInterval);
  const backup = becomeBackup(ctx, "MASTER", { because: `${what} was deleted by somebody else`, suffix: "", wait });
  const told = log(ctx, "warning", "vrrp.address-lost", `${what}, no longer exist`);
  return { state: backup.state, effects: [...leaveMaster(ctx, 1), told, ...backup.effects] };
}

function shutdown(ctx: Context, release: boolean): Step {
  const stop: Effect = { do: "transition", from: "MASTER", to: "STOP", because: "shutdown" };
  if (release) return { state: { at: "stopped" }, effects: [...leaveMaster(ctx, 1), stop] };
  const quiet: Effect[] = [
    { do: "disarm", timer: "advert" },
    { do: "disarm", timer: "rogue" },
    { do: "stopAnnouncing" },
  ];
  return { state: { at: "stopped" }, effects: [...quiet, stop] };
}
