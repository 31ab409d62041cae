import type { VrrpInstanceConfig } from "../config/model.js";
import type { Level } from "../observe/log.js";
import { type Milliseconds, ms, type Priority, priority } from "../units.js";
import type { BackupState, Context, Effect, HeardMaster, LogEffect, Step, VrrpState } from "./machine-types.js";
import { masterDownInterval } from "./timers.js";
import type { Tracking } from "./tracking.js";

/** The moves between states that several states share, each with keepalived's order of actions. */

const OWNER = 255;

/** What an owner that gave way runs at. */
export const YIELDED: Priority = priority(254);

/** RFC 5798 §6.4.1: only the owner of the addresses starts as MASTER. */
export const isOwnerMaster = (config: VrrpInstanceConfig): boolean =>
  config.basePriority === OWNER && config.initialState === "MASTER";

/** An owner whose sync group, if any, is ready too. While the start is delayed it waits in BACKUP. */
export const startsAsMaster = (ctx: Context): boolean =>
  isOwnerMaster(ctx.config) && ctx.mayLead !== false && ctx.beginsAt === undefined;

/** `detail`: keepalived prints it with -D only. */
export function log(ctx: Context, level: Level, event: string, sentence: string, detail = false): LogEffect {
  return { do: "log", level, event, sentence: `(${ctx.config.name}) ${sentence}`, detail };
}

/**
 * The advert goes first, then the addresses, then their announcement: peers must stop before hosts move.
 * Everything that can wait comes after that.
 */
export function becomeMaster(ctx: Context, from: VrrpState, because: string): Step {
  const { config, tracking, now } = ctx;
  return {
    state: { at: "master", rogueUntil: undefined },
    effects: [
      { do: "advertise", priority: tracking.effective },
      { do: "claimAddresses" },
      { do: "announce", block: "master" },
      { do: "disarm", timer: "masterDown" },
      { do: "arm", timer: "advert", at: ms(now + config.advertInterval) },
      { do: "count", counter: "become_master" },
      log(ctx, "info", "vrrp.transition", "Entering MASTER STATE"),
      log(ctx, "info", "vrrp.addresses", "setting VIPs.", true),
      ...heldBeside(config, "setting").map((sentence) => log(ctx, "info", "vrrp.addresses", sentence, true)),
      { do: "transition", from, to: "MASTER", because },
    ],
  };
}

interface BackupOptions {
  readonly because: string;
  /** Appended to the sentence: keepalived marks the first state with " (init)". */
  readonly suffix: "" | " (init)";
  readonly masterInterval?: Milliseconds;
  readonly master?: HeardMaster;
  readonly yielded?: boolean;
  /** Default: Master_Down_Interval. */
  readonly wait?: Milliseconds;
}

export function becomeBackup(ctx: Context, from: VrrpState, options: BackupOptions): Step {
  const { config, now } = ctx;
  const masterInterval = options.masterInterval ?? config.advertInterval;
  const yielded = options.yielded ?? false;
  const usual = masterDownInterval(config, ownPriority(ctx, yielded), masterInterval);
  const wait = options.wait ?? (beginsAtOnce(ctx) ? 0 : usual);
  const state: BackupState = {
    at: "backup",
    masterInterval,
    downAt: ms(Math.max(now, ctx.beginsAt ?? now) + wait),
    preemptAt: undefined,
    master: options.master,
    wantsMaster: false,
    yielded,
  };
  return {
    state,
    effects: [
      { do: "arm", timer: "masterDown", at: state.downAt },
      log(ctx, "info", "vrrp.transition", `Entering BACKUP STATE${options.suffix}`),
      { do: "transition", from, to: "BACKUP", because: options.because },
    ],
  };
}

/** An owner that only waits for the start; one with a guard listens first, lest it fence a master that it has not heard yet. */
const beginsAtOnce = ({ config, beginsAt }: Context): boolean =>
  beginsAt !== undefined && isOwnerMaster(config) && config.guard === undefined;

/** The priority that counts in an election. */
export const ownPriority = (ctx: Context, yielded: boolean): Priority => (yielded ? YIELDED : ctx.tracking.effective);

export function enterFault(ctx: Context, from: VrrpState, because: string, suffix: "" | " (init)"): Step {
  return {
    state: { at: "fault" },
    effects: [
      log(ctx, "info", "vrrp.transition", `Entering FAULT STATE${suffix}`),
      { do: "transition", from, to: "FAULT", because },
    ],
  };
}

/**
 * What every way out of MASTER does.
 * @param farewells adverts of priority 0: backups then wait for skew time only
 */
export function leaveMaster(ctx: Context, farewells: 0 | 1 | 2): Effect[] {
  const leaving: Effect = { do: "advertise", priority: priority(0) };
  const counted: Effect[] = farewells > 0 ? [{ do: "count", counter: "pri_zero_sent" }] : [];
  const told = farewells > 0 ? [log(ctx, "info", "vrrp.farewell", "sent 0 priority", true)] : [];
  return [
    { do: "disarm", timer: "advert" },
    { do: "disarm", timer: "rogue" },
    ...Array.from({ length: farewells }, () => leaving),
    { do: "stopAnnouncing" },
    { do: "releaseAddresses" },
    { do: "count", counter: "release_master" },
    ...counted,
    ...told,
    log(ctx, "info", "vrrp.addresses", "removing VIPs.", true),
    ...heldBeside(ctx.config, "removing").map((sentence) => log(ctx, "info", "vrrp.addresses", sentence, true)),
  ];
}

/** keepalived's sentences about what an instance holds beside its virtual addresses. */
function heldBeside(config: VrrpInstanceConfig, does: "setting" | "removing"): string[] {
  const { accept, basePriority, excludedAddresses, routes, rules } = config;
  const sentences: string[] = [];
  if (!accept && basePriority !== OWNER) sentences.push(`${does} firewall drop rule`);
  if (excludedAddresses.length > 0) sentences.push(`${does} E-VIPs.`);
  if (routes.length > 0) sentences.push(`${does} Virtual Routes`);
  if (rules.length > 0) sentences.push(`${does} Virtual Rules`);
  return sentences;
}

/** The log line for a new effective priority; empty when it stays. */
export function priorityChange(ctx: Context, next: Tracking): Effect[] {
  const before = ctx.tracking.effective;
  if (before === next.effective) return [];
  return [log(ctx, "info", "vrrp.priority", `Changing effective priority from ${before} to ${next.effective}`)];
}
