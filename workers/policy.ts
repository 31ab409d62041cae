import type { CheckConfig } from "../main/config/model.js";
import type { Milliseconds } from "../main/units.js";
import { identityFraction } from "./identity-hash.js";
import type { Outcome } from "./protocol.js";

/** keepalived starts every checker one second after its process (BOOTSTRAP_DELAY). */
const bootstrapDelayMs = 1000;

/**
 * Retry policy of one check: keepalived's, for TCP (one thing to probe) and HTTP (a list of URLs, one per `delay_loop`).
 * The first failure of a check that never ran counts at once; a success never needs retries.
 */
export type PolicyState =
  /** Never reported. `url` is the one to probe next; those before it passed. */
  | { readonly at: "unrun"; readonly url: number }
  /** In service. `failures` in a row of `url`, each followed by `delay_before_retry`. */
  | { readonly at: "up"; readonly url: number; readonly failures: number }
  /** Out of service because of `url`: that one alone is probed until it passes. */
  | { readonly at: "down"; readonly url: number }
  /** Out of service, no URL known to fail: all have to pass from the first. */
  | { readonly at: "recovering"; readonly url: number };

export interface RetryRules {
  /** Number of things to probe in turn, at least 1. */
  readonly urls: number;
  readonly retry: number;
  readonly delayLoop: Milliseconds;
  readonly delayBeforeRetry: Milliseconds;
  /** Between probes of what is known to fail. */
  readonly downDelay: Milliseconds;
  /** No delay between URLs while out of service or never run. */
  readonly fastRecovery: boolean;
}

/** `none`: the attempt says nothing of the server (no socket to be had); it is made again after `delay_loop`. */
export type Verdict = "pass" | "fail" | "none";

export interface PolicyEdge {
  readonly up: boolean;
  /** Retries used up before this DOWN; 0 for the first-run rule and for UP. */
  readonly retries: number;
}

export interface PolicyStep {
  readonly state: PolicyState;
  readonly edge: PolicyEdge | undefined;
  /** From the end of this attempt to the next one. */
  readonly nextDelay: Milliseconds;
}

export function rulesOf(check: CheckConfig): RetryRules {
  const { retry, delayLoop, delayBeforeRetry } = check.timing;
  if (check.type === "TCP_CHECK") {
    return { urls: 1, retry, delayLoop, delayBeforeRetry, downDelay: delayLoop, fastRecovery: false };
  }
  return {
    urls: Math.max(1, check.urls.length),
    retry,
    delayLoop,
    delayBeforeRetry,
    downDelay: Math.max(delayBeforeRetry, delayLoop) as Milliseconds,
    fastRecovery: check.fastRecovery,
  };
}

/** A known state is taken up again: no first-run rule, and a server that was down stays down until it passes. */
export function initialState(known: "up" | "down" | undefined): PolicyState {
  switch (known) {
    case undefined:
      return { at: "unrun", url: 0 };
    case "up":
      return { at: "up", url: 0, failures: 0 };
    case "down":
      return { at: "recovering", url: 0 };
    default:
      throw new Error(`unreachable case: ${known satisfies never}`);
  }
}

/**
 * When the first attempt is made. Never ran: 1 s plus a share of `warmup` that the identity alone decides. Known: the next
 * point of the check's own beat of `delay_loop`, so that a worker that is replaced again and again starves nobody.
 * @param now monotonic, the same origin in every thread
 */
export function startDelay(
  identity: string,
  known: "up" | "down" | undefined,
  timing: { readonly warmup: Milliseconds; readonly delayLoop: Milliseconds },
  now: Milliseconds,
): Milliseconds {
  const fraction = identityFraction(identity);
  if (known === undefined) return (bootstrapDelayMs + fraction * timing.warmup) as Milliseconds;
  const loop = Math.max(1, timing.delayLoop);
  return ((((fraction * loop - now) % loop) + loop) % loop) as Milliseconds;
}

export function verdictOf(outcome: Outcome): Verdict {
  if (outcome === "up") return "pass";
  return outcome === "no-resources" ? "none" : "fail";
}

/** Pure: what one finished attempt of `state.url` means. */
export function step(rules: RetryRules, state: PolicyState, verdict: Verdict): PolicyStep {
  switch (verdict) {
    case "none":
      return { state, edge: undefined, nextDelay: rules.delayLoop };
    case "pass":
      return passed(rules, state);
    case "fail":
      return failed(rules, state);
    default:
      throw new Error(`unreachable case: ${verdict satisfies never}`);
  }
}

function passed(rules: RetryRules, state: PolicyState): PolicyStep {
  // The URL that had failed passes again: what was checked before it is old news, so begin with the first one.
  if (state.at === "down" && state.url !== 0) return onward(rules, { at: "recovering", url: 0 });
  const url = state.url + 1;
  if (url < rules.urls) {
    if (state.at === "up") return onward(rules, { at: "up", url, failures: 0 });
    return onward(rules, { at: state.at === "unrun" ? "unrun" : "recovering", url });
  }
  const edge = state.at === "up" ? undefined : { up: true, retries: 0 };
  return { state: { at: "up", url: 0, failures: 0 }, edge, nextDelay: rules.delayLoop };
}

function onward(rules: RetryRules, state: PolicyState): PolicyStep {
  const hurry = rules.fastRecovery && state.at !== "up";
  return { state, edge: undefined, nextDelay: hurry ? (0 as Milliseconds) : rules.delayLoop };
}

function failed(rules: RetryRules, state: PolicyState): PolicyStep {
  const down: PolicyState = { at: "down", url: state.url };
  switch (state.at) {
    case "unrun":
      return { state: down, edge: { up: false, retries: 0 }, nextDelay: rules.downDelay };
    case "up": {
      const failures = state.failures + 1;
      if (failures > rules.retry) {
        return { state: down, edge: { up: false, retries: rules.retry }, nextDelay: rules.downDelay };
      }
      return { state: { at: "up", url: state.url, failures }, edge: undefined, nextDelay: rules.delayBeforeRetry };
    }
    case "down":
    case "recovering":
      return { state: down, edge: undefined, nextDelay: rules.downDelay };
    default:
      throw new Error(`unreachable case: ${JSON.stringify(state satisfies never)}`);
  }
}
