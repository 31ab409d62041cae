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

/**
 * A member's tracking within its group: another one's fault is its fault, and it waits for what another one waits for. One
 * of each is enough to hold it: groups have hundreds of members that may all fail at once.
 * @param faulty name of another member that has a fault of its own
 * @param waiting what another member waits for
 */
export function joinTracking(
  group: string,
  own: Tracking,
  faulty: string | undefined,
  waiting: readonly string[],
): Tracking {
  if (faulty === undefined && waiting.length === 0) return own;
  const shared: Fault[] = faulty === undefined ? [] : [{ kind: "sync-group", group, member: faulty }];
  return { ...own, faults: [...own.faults, ...shared], waiting: [...new Set([...own.waiting, ...waiting])] };
}
