import type { IpAddress } from "../address.js";
import type { GarpConfig } from "../config/model.js";
import { type Milliseconds, ms } from "../units.js";

/** When gratuitous ARPs go: the pure part. One schedule per master, one queue per physical interface. */

/** What is still to come for one instance, as boot-time deadlines. */
export interface GarpSchedule {
  /** Second block after becoming master. */
  readonly second: Milliseconds | undefined;
  readonly refresh: Milliseconds | undefined;
  /** Second block after a weaker master was heard. */
  readonly lowerPriority: Milliseconds | undefined;
}

export const emptySchedule: GarpSchedule = { second: undefined, refresh: undefined, lowerPriority: undefined };

/** A block of rounds over all addresses, and what follows it. */
export interface GarpBlock {
  readonly rounds: number;
  readonly schedule: GarpSchedule;
}

/** On becoming master: a block now, another after `masterDelay`, then refreshes. */
export function masterBlock(config: GarpConfig, now: Milliseconds): GarpBlock {
  const second = config.masterDelay > 0 && config.masterRepeat > 0 ? ms(now + config.masterDelay) : undefined;
  const refresh = config.masterRefresh > 0 ? ms(now + config.masterDelay + config.masterRefresh) : undefined;
  return { rounds: config.masterRepeat, schedule: { second, refresh, lowerPriority: undefined } };
}

/** On hearing a weaker master: a block now, another after `lowerPrioDelay`. */
export function lowerPriorityBlock(config: GarpConfig, schedule: GarpSchedule, now: Milliseconds): GarpBlock {
  const lowerPriority = config.lowerPrioDelay > 0 ? ms(now + config.lowerPrioDelay) : undefined;
  return { rounds: config.lowerPrioRepeat, schedule: { ...schedule, lowerPriority } };
}

/** What is due at `now`. Refreshes keep their rhythm. */
export function dueBlock(config: GarpConfig, schedule: GarpSchedule, now: Milliseconds): GarpBlock {
  const due = (at: Milliseconds | undefined): at is Milliseconds => at !== undefined && at <= now;
  const rounds =
    (due(schedule.second) ? config.masterRepeat : 0) +
    (due(schedule.lowerPriority) ? config.lowerPrioRepeat : 0) +
    (due(schedule.refresh) ? config.masterRefreshRepeat : 0);
  return {
    rounds,
    schedule: {
      second: due(schedule.second) ? undefined : schedule.second,
      lowerPriority: due(schedule.lowerPriority) ? undefined : schedule.lowerPriority,
      refresh: due(schedule.refresh)
        ? ms(Math.max(schedule.refresh, now - config.masterRefresh) + config.masterRefresh)
        : schedule.refresh,
    },
  };
}

/** A reload of a master: refreshes keep their rhythm unless it is another one, which begins now. */
export function rescheduled(
  schedule: GarpSchedule,
  before: GarpConfig,
  after: GarpConfig,
  now: Milliseconds,
): GarpSchedule {
  if (before.masterRefresh === after.masterRefresh) return schedule;
  return { ...schedule, refresh: after.masterRefresh > 0 ? ms(now + after.masterRefresh) : undefined };
}

export function nextDue(schedule: GarpSchedule): Milliseconds | undefined {
  const all = [schedule.second, schedule.refresh, schedule.lowerPriority].filter((at) => at !== undefined);
  return all.length === 0 ? undefined : ms(Math.min(...all));
}

/** An address that waits for its announcements on an interface. */
export interface Pending {
  readonly owner: string;
  readonly on: string;
  readonly address: IpAddress;
  readonly rounds: number;
}

/** Announcements of all instances on one physical interface, or a garp_group of them; `freeAt` is when the next one may go. */
export interface GarpQueue {
  readonly pending: readonly Pending[];
  readonly freeAt: Milliseconds;
}

export const emptyQueue: GarpQueue = { pending: [], freeAt: ms(0) };

/** An address waits at most once: asking again raises its count to `rounds`, it does not add up. */
export function enqueue(queue: GarpQueue, items: readonly Pending[]): GarpQueue {
  const pending = [...queue.pending];
  for (const item of items) {
    const at = pending.findIndex((p) => p.owner === item.owner && p.address === item.address && p.on === item.on);
    const old = pending[at];
    if (old === undefined) pending.push(item);
    else pending[at] = { ...old, rounds: Math.max(old.rounds, item.rounds) };
  }
  return { ...queue, pending };
}

export type Announced = Pick<Pending, "on" | "address">;

export interface Taken {
  readonly queue: GarpQueue;
  readonly send: readonly Announced[];
  /** When to look again; undefined when nothing waits. */
  readonly wakeAt: Milliseconds | undefined;
}

/** Round robin: one announcement per `gap`, all at once (round by round) when `gap` is 0. */
export function take(queue: GarpQueue, gap: Milliseconds, now: Milliseconds): Taken {
  if (gap === 0) return { queue: { pending: [], freeAt: now }, send: allRounds(queue.pending), wakeAt: undefined };
  const [first, ...rest] = queue.pending;
  if (first === undefined) return { queue, send: [], wakeAt: undefined };
  if (queue.freeAt > now) return { queue, send: [], wakeAt: queue.freeAt };
  const pending = first.rounds > 1 ? [...rest, { ...first, rounds: first.rounds - 1 }] : rest;
  const freeAt = ms(now + gap);
  return { queue: { pending, freeAt }, send: [first], wakeAt: pending.length > 0 ? freeAt : undefined };
}

function allRounds(pending: readonly Pending[]): readonly Announced[] {
  const send: Announced[] = [];
  const most = pending.reduce((n, p) => Math.max(n, p.rounds), 0);
  for (let round = 0; round < most; round++) {
    for (const p of pending) if (p.rounds > round) send.push(p);
  }
  return send;
}

/** Leaving MASTER: what has not been sent must not be. */
export const withdraw = (queue: GarpQueue, owner: string): GarpQueue => ({
  ...queue,
  pending: queue.pending.filter((p) => p.owner !== owner),
});
