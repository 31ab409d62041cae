import type { IpAddress } from "../address.js";
import { type Milliseconds, ms } from "../units.js";

/**
 * Two masters at once, as the one of them that has a guard sees it. Pure. One advert of a weaker master is usual: it crossed
 * ours on the way. A second one, after it had an interval's time to hear us, or a heartbeat that says MASTER, is not.
 */
export type SplitState =
  | { readonly at: "one" }
  /** A weaker advert was heard; from `judgeAt` on another one is proof. */
  | { readonly at: "doubt"; readonly from: IpAddress; readonly judgeAt: Milliseconds; readonly until: Milliseconds }
  | { readonly at: "two"; readonly from: IpAddress; readonly since: Milliseconds; readonly until: Milliseconds };

export type SplitEvent =
  /** While MASTER: an advert that does not make us give way. */
  | { readonly on: "advert"; readonly from: IpAddress; readonly interval: Milliseconds }
  /** While MASTER: a heartbeat says MASTER; `until`: when that is old. */
  | { readonly on: "heartbeat"; readonly from: IpAddress; readonly until: Milliseconds }
  | { readonly on: "look" }
  /** We are MASTER no more. */
  | { readonly on: "left" };

export interface SplitStep {
  readonly state: SplitState;
  /** What has begun, or is over. */
  readonly tell: "two" | "healed" | undefined;
}

export const oneMaster: SplitState = { at: "one" };

/** A master that gave way is not heard for so many of its intervals. */
const GONE = 3;
/** Adverts have a little jitter: what comes this early is the next one all the same. */
const EARLY = 0.5;

/** For as many intervals of heartbeats VRRP may settle it. */
const PATIENCE = 3;

export function splitStep(now: Milliseconds, state: SplitState, event: SplitEvent): SplitStep {
  const current = expired(now, state) ? oneMaster : state;
  const healed = state.at === "two" && current.at === "one" ? "healed" : undefined;
  switch (event.on) {
    case "advert": {
      const { from, interval } = event;
      const until = ms(now + GONE * interval);
      if (current.at === "two") return { state: { ...current, until: later(current.until, until) }, tell: undefined };
      if (current.at === "doubt" && current.from === from && now >= current.judgeAt) return two(now, from, until);
      if (current.at === "doubt" && current.from === from) return { state: { ...current, until }, tell: healed };
      return { state: { at: "doubt", from, judgeAt: ms(now + EARLY * interval), until }, tell: healed };
    }
    case "heartbeat": {
      const { from, until } = event;
      if (current.at !== "two") return two(now, from, until);
      return { state: { ...current, until: later(current.until, until) }, tell: undefined };
    }
    case "look":
      return { state: current, tell: healed };
    case "left":
      return { state: oneMaster, tell: state.at === "two" ? "healed" : undefined };
  }
}

/**
 * Two masters know of each other by heartbeat, and the adverts of the stronger one have had time to arrive: the way of VRRP is cut. It
 * is the weaker one that gives way, and its guard then holds it: the peer says MASTER. `rank`: of the peer, compared with ours.
 */
export const givesWay = (
  now: Milliseconds,
  state: SplitState,
  rank: "stronger" | "weaker",
  interval: Milliseconds,
): boolean => state.at === "two" && rank === "stronger" && now - state.since >= PATIENCE * interval;

const expired = (now: Milliseconds, state: SplitState): boolean => state.at !== "one" && state.until <= now;

const later = (a: Milliseconds, b: Milliseconds): Milliseconds => ms(Math.max(a, b));

const two = (now: Milliseconds, from: IpAddress, until: Milliseconds): SplitStep => ({
  state: { at: "two", from, since: now, until },
  tell: "two",
});
