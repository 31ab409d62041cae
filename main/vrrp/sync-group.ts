import { unreachable } from "../unreachable.js";
import type { VrrpState } from "./machine-types.js";
import type { Fault, Tracking } from "./tracking.js";

/**
 * The pure half of vrrp_sync_group: members change state together. It stands beside the machine of the virtual router and
 * knows nothing of adverts: it hears what a member did, and says what the others have to do.
 */

/** INIT: a member waits for its track scripts, so nobody has moved yet. */
export type GroupState = Exclude<VrrpState, "STOP">;

/** A member as the group sees it. Its faults are its own, not those that it shares. */
export interface MemberView {
  readonly name: string;
  /** Would be MASTER now if it were alone. */
  readonly wantsMaster: boolean;
  readonly own: Pick<Tracking, "faults" | "waiting">;
}

/** What the group asks of a member. `rush`: good-bye first, then skew time only, as when an address was lost. */
export type GroupOrder =
  | { readonly to: "MASTER" }
  | { readonly to: "BACKUP"; readonly rush: boolean }
  /** Look at the shared faults again. */
  | { readonly to: "FAULT" };

export interface GroupStep {
  readonly state: GroupState;
  /** For every member but the one that moved; undefined: nothing is to be done. */
  readonly order: GroupOrder | undefined;
}

/** A member has changed its state: the others follow. Pure. */
export function groupStep(state: GroupState, to: VrrpState, rush: boolean): GroupStep {
  switch (to) {
    case "MASTER":
    case "FAULT":
      return to === state ? { state, order: undefined } : { state: to, order: { to } };
    case "BACKUP":
      return to === state ? { state, order: undefined } : { state: to, order: { to, rush } };
    case "INIT":
    case "STOP":
      return { state, order: undefined };
    default:
      return unreachable(to);
  }
}

/** Where a group begins. INIT when its members wait, or are all owners of their addresses, who go straight to MASTER. */
export function firstGroupState(members: readonly MemberView[]): GroupState {
  if (members.some(({ own }) => own.faults.length > 0)) return "FAULT";
  if (members.some(({ own }) => own.waiting.length > 0)) return "INIT";
  return members.every(({ wantsMaster }) => wantsMaster) ? "INIT" : "BACKUP";
}

/** Nothing in the group speaks against MASTER: it is there already, or all others want it too. */
export function mayLead<T extends Pick<MemberView, "wantsMaster">>(
  state: GroupState,
  members: readonly T[],
  asking: T,
): boolean {
  return state === "MASTER" || members.every((member) => member === asking || member.wantsMaster);
}

/** A member's tracking within its group: the others' faults are its faults, and it waits for what they wait for. */
export function joinTracking(group: string, own: Tracking, others: readonly MemberView[]): Tracking {
  const faults: Fault[] = others
    .filter((other) => other.own.faults.length > 0)
    .map(({ name: member }) => ({ kind: "sync-group", group, member }));
  const waiting = others.flatMap((other) => other.own.waiting);
  if (faults.length === 0 && waiting.length === 0) return own;
  return { ...own, faults: [...own.faults, ...faults], waiting: [...new Set([...own.waiting, ...waiting])] };
}
