import type { PolicyState } from "./policy.js";
import { type Outcome, scriptReason } from "./protocol.js";

/**
 * A failed run that changed nothing, as keepalived's sentence goes on after the names.
 * @param state after it
 */
export function scriptText(
  { outcome, status }: { readonly outcome: Outcome; readonly status: number },
  state: PolicyState,
  retry: number,
): string {
  const what = outcome === "timeout" ? "timed out" : "failed";
  return `${what}${retries(state, retry)}${scriptReason(outcome, status)}`;
}

function retries(state: PolicyState, retry: number): string {
  if (state.at !== "up" || state.failures === 0) return "";
  return state.failures === 1 ? `, will do ${retry} retries` : ` on retry ${state.failures - 1}/${retry}`;
}
