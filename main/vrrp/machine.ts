import { ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import { backupStep } from "./machine-backup.js";
import { masterStep } from "./machine-master.js";
import { becomeBackup, becomeMaster, enterFault, log, priorityChange, startsAsMaster } from "./machine-moves.js";
import type { Context, Effect, Event, State, Step } from "./machine-types.js";
import { faultReason, type Tracking } from "./tracking.js";

/** Pure. The shell performs `effects` in order, then stores `state`; equal inputs give an equal Step. */
export function step(ctx: Context, state: State, event: Event): Step {
  switch (state.at) {
    case "init":
      return fromInit(ctx, state, event);
    case "waiting":
      return fromWaiting(ctx, state, event);
    case "fault":
      return fromFault(ctx, state, event);
    case "backup":
      return backupStep(ctx, state, event);
    case "master":
      return masterStep(ctx, state, event);
    case "stopped":
      return { state, effects: [] };
    default:
      return unreachable(state);
  }
}

function fromInit(ctx: Context, state: State, event: Event): Step {
  const { faults, waiting } = ctx.tracking;
  if (event.on === "shutdown") return { state: { at: "stopped" }, effects: [] };
  if (event.on !== "start" && event.on !== "resume") return { state, effects: [] };
  if (faults.length > 0) return startInFault(ctx);
  if (event.on === "resume") return resumeMaster(ctx);
  if (waiting.length > 0) return { state: { at: "waiting" }, effects: [] };
  if (startsAsMaster(ctx)) return becomeMaster(ctx, "INIT", "address owner");
  return becomeBackup(ctx, "INIT", { because: "startup", suffix: " (init)" });
}

function startInFault(ctx: Context): Step {
  const reasons = ctx.tracking.faults.map(faultReason);
  const own = ctx.tracking.faults.filter(({ kind }) => kind !== "sync-group").map(faultReason);
  const entering = own.map((r) => log(ctx, "info", "vrrp.fault", `entering FAULT state ${r}`));
  const fault = enterFault(ctx, "INIT", reasons.join(", "), " (init)");
  return { state: fault.state, effects: [...entering, ...fault.effects] };
}

/** After a crash of the daemon: the addresses are still in the kernel and nobody has missed us. No transition is told. */
function resumeMaster(ctx: Context): Step {
  const { config, tracking, now } = ctx;
  return {
    state: { at: "master", rogueUntil: undefined },
    effects: [
      { do: "advertise", priority: tracking.effective },
      { do: "claimAddresses" },
      { do: "arm", timer: "advert", at: ms(now + config.advertInterval) },
      log(ctx, "notice", "vrrp.resumed", "Resuming MASTER STATE after a restart of the daemon"),
    ],
  };
}

function fromWaiting(ctx: Context, state: State, event: Event): Step {
  switch (event.on) {
    case "tracking":
      return leaveWaiting(ctx, state, event.next);
    case "shutdown":
      return shutdown(state);
    case "start":
    case "resume":
    case "advert":
    case "masterDownTimer":
    case "advertTimer":
    case "rogueTimer":
    case "reconfigured":
    case "addressLost":
    case "cleared":
    case "handOver":
    case "group": // it recovers by looking again
      return { state, effects: [] };
    default:
      return unreachable(event);
  }
}

function leaveWaiting(ctx: Context, state: State, next: Tracking): Step {
  const now = { ...ctx, tracking: next };
  const changed = priorityChange(ctx, next);
  if (next.faults.length > 0)
    return after(changed, enterFault(now, "INIT", next.faults.map(faultReason).join(", "), ""));
  if (next.waiting.length > 0) return { state, effects: changed };
  return after(changed, recover(now, "INIT", "track scripts have reported"));
}

function fromFault(ctx: Context, state: State, event: Event): Step {
  switch (event.on) {
    case "tracking": {
      const changed = priorityChange(ctx, event.next);
      if (event.next.faults.length > 0 || event.next.waiting.length > 0) return { state, effects: changed };
      const recovered = recover({ ...ctx, tracking: event.next }, "FAULT", "all faults cleared");
      const announced: Effect[] = ctx.config.unicastPeers.length > 0 ? [{ do: "announceSource" }] : [];
      return { state: recovered.state, effects: [...changed, ...recovered.effects, ...announced] };
    }
    case "shutdown":
      return shutdown(state);
    case "start":
    case "resume":
    case "advert":
    case "masterDownTimer":
    case "advertTimer":
    case "rogueTimer":
    case "reconfigured":
    case "addressLost":
    case "cleared":
    case "handOver":
    case "group": // it recovers by looking again
      return { state, effects: [] };
    default:
      return unreachable(event);
  }
}

/** An owner goes straight to MASTER, everybody else listens first. */
function recover(ctx: Context, from: "INIT" | "FAULT", because: string): Step {
  if (startsAsMaster(ctx)) return becomeMaster(ctx, from, because);
  return becomeBackup(ctx, from, { because, suffix: "" });
}

function shutdown(state: State): Step {
  const from = state.at === "fault" ? "FAULT" : "INIT";
  return { state: { at: "stopped" }, effects: [{ do: "transition", from, to: "STOP", because: "shutdown" }] };
}

const after = (before: readonly Effect[], then: Step): Step => ({
  state: then.state,
  effects: [...before, ...then.effects],
});
