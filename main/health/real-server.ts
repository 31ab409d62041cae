import type { Milliseconds } from "../units.js";
import { unreachable } from "../unreachable.js";
import type { WeightDeltas } from "./weights.js";

/** One checker as its real server sees it. `unrun-*`: assumed (down with `alpha`), nothing heard yet. */
export type CheckerState = "unrun-up" | "unrun-down" | "up" | "down";

export interface RealServerState {
  readonly checkers: readonly CheckerState[];
  /** Number of checkers that are down; the server is alive iff 0 (all checkers have to agree). */
  readonly failed: number;
  readonly deltas?: WeightDeltas;
  /** It has failed, but is kept in the table, since then: see removal-floor.ts. */
  readonly heldSince?: Milliseconds;
}

export interface CheckApplied {
  readonly state: RealServerState;
  /** What it means for the server. `reported`: no change, but the first word about a server that is not in service. */
  readonly change: "none" | "reported" | "up" | "down";
  /** The checker itself changed between up and down. */
  readonly checkerChanged: boolean;
}

export const isUp = (state: CheckerState): boolean => state === "up" || state === "unrun-up";
export const isAlive = (server: RealServerState): boolean => server.failed === 0;

const hasRun = (state: CheckerState): boolean => state === "up" || state === "down";

/** Equal states are one object: of tens of thousands of servers nearly all are in the same few. */
export function realServer(checkers: readonly CheckerState[], deltas?: WeightDeltas): RealServerState {
  if (deltas !== undefined) return { ...realServer(checkers), deltas };
  const key = checkers.join();
  const known = sharedStates.get(key);
  if (known !== undefined) return known;
  const state = { checkers, failed: checkers.filter((checker) => !isUp(checker)).length };
  if (sharedStates.size < mostShared) sharedStates.set(key, state);
  return state;
}

/** The same, held back since then; undefined: not. */
export const heldAs = (state: RealServerState, since: Milliseconds | undefined): RealServerState =>
  since === undefined ? state : { ...state, heldSince: since };

const sharedStates = new Map<string, RealServerState>();
/** Four checkers on a server make 256; more than this only somebody with very many makes. */
const mostShared = 1024;

/** The state that a checker begins with. Known beats assumed: a dead server is never added back unchecked. */
export function firstState(known: "up" | "down" | undefined, alpha: boolean): CheckerState {
  switch (known) {
    case "up":
    case "down":
      return known;
    case undefined:
      return alpha ? "unrun-down" : "unrun-up";
    default:
      return unreachable(known);
  }
}

/** One checker reports. @throws RangeError when the server has no such checker */
export function applyCheck(server: RealServerState, checker: number, up: boolean): CheckApplied {
  const before = server.checkers[checker];
  if (before === undefined) throw new RangeError(`no checker ${checker} among ${server.checkers.length}`);
  const state = realServer(server.checkers.with(checker, up ? "up" : "down"), server.deltas);
  const checkerChanged = isUp(before) !== up;
  if (isAlive(server) !== isAlive(state)) return { state, change: up ? "up" : "down", checkerChanged };
  const firstWord = !checkerChanged && !up && !server.checkers.some(hasRun);
  return { state, change: firstWord ? "reported" : "none", checkerChanged };
}
