import type { SelfCheckConfig } from "../config/model-lvs.js";
import type { Milliseconds } from "../units.js";

/**
 * Whether the director itself is in trouble (docs/directors-faults.md). `holding`: nobody leaves the table. `spent`: it has been
 * held for as long as it may, and the trouble goes on; it is not held again before that is over.
 */
export type SelfCheckState =
  | { readonly at: "watching" }
  | { readonly at: "holding"; readonly since: Milliseconds; readonly overAt?: Milliseconds }
  | { readonly at: "spent"; readonly overAt?: Milliseconds };

export interface Looked {
  readonly state: SelfCheckState;
  readonly change: "none" | "hold" | "over" | "spent" | "rearmed";
}

/**
 * Pure. Trouble that is over has to be so for `settle`: until then checks that had failed because of it have passed again.
 * @param trouble what is wrong with this host now
 */
export function lookAtSelf(
  { hold }: Pick<SelfCheckConfig, "hold">,
  settle: Milliseconds,
  state: SelfCheckState,
  trouble: boolean,
  now: Milliseconds,
): Looked {
  if (state.at === "watching")
    return trouble ? { state: { at: "holding", since: now }, change: "hold" } : { state, change: "none" };
  const overAt = trouble ? undefined : (state.overAt ?? now);
  const isOver = overAt !== undefined && now - overAt >= settle;
  if (isOver) return { state: { at: "watching" }, change: state.at === "holding" ? "over" : "rearmed" };
  const over = overAt === undefined ? {} : { overAt };
  if (state.at === "spent") return { state: { at: "spent", ...over }, change: "none" };
  if (now - state.since >= hold) return { state: { at: "spent", ...over }, change: "spent" };
  return { state: { at: "holding", since: state.since, ...over }, change: "none" };
}
