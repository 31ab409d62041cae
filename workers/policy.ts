import type { CheckConfig } from "../main/config/model.js";
import type { Milliseconds } from "../main/units.js";
import { identityFraction, mix32 } from "./identity-hash.js";
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
  /** Out of service, no URL known to fail: all have to pass from the first. `rounds` times in a row they have. */
  | { readonly at: "recovering"; readonly url: number; readonly rounds: number };

export interface RetryRules {
  /** Number of things to probe in turn, at least 1. */
  readonly urls: number;
  readonly retry: number;
  /** Rounds that have to pass in a row before what was down is up, at least 1. */
  readonly rise: number;
  readonly delayLoop: Milliseconds;
  readonly delayBeforeRetry: Milliseconds;
  /** Between probes of what is known to fail. */
  readonly downDelay: Milliseconds;
  /** Between probes that pass while it is not up yet. */
  readonly risingDelay: Milliseconds;
  /** Up to so much is added to each delay. */
  readonly jitter: Milliseconds;
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
  const { retry, rise, delayLoop, delayBeforeRetry, fastInterval, jitter } = check.timing;
  const isHttp = check.type === "HTTP_GET" || check.type === "SSL_GET";
  const slow = isHttp ? (Math.max(delayBeforeRetry, delayLoop) as Milliseconds) : delayLoop;
  return {
    urls: isHttp ? Math.max(1, check.urls.length) : 1,
    retry,
    rise: Math.max(1, rise),
    delayLoop,
    delayBeforeRetry: fastInterval ?? delayBeforeRetry,
    downDelay: fastInterval ?? slow,
    risingDelay: fastInterval ?? delayLoop,
    jitter,
    fastRecovery: isHttp && check.fastRecovery,
  };
}

/** Of 50,000 checks nearly all are in one of these: they share them. */
const unrun: PolicyState = { at: "unrun", url: 0 };
const steady: PolicyState = { at: "up", url: 0, failures: 0 };
const downAtFirst: PolicyState = { at: "down", url: 0 };
const recovering: PolicyState = { at: "recovering", url: 0, rounds: 0 };

/** A known state is taken up again: no first-run rule, and a server that was down stays down until it passes. */
export function initialState(known: "up" | "down" | undefined): PolicyState {
  switch (known) {
    case undefined:
      return unrun;
    case "up":
      return steady;
    case "down":
      return recovering;
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
  const url = state.url + 1;
  const isLast = url >= rules.urls;
  switch (state.at) {
    case "unrun":
      return isLast ? risen(rules) : onward(rules, { at: "unrun", url }, rules.delayLoop);
    case "up":
      return { state: isLast ? steady : { at: "up", url, failures: 0 }, edge: undefined, nextDelay: rules.delayLoop };
    case "down":
      // The URL that had failed passes again: what was checked before it is old news, so begin with the first one.
      if (state.url !== 0) return onward(rules, recovering, rules.risingDelay);
      return passed(rules, recovering);
    case "recovering": {
      const { rounds } = state;
      if (!isLast) return onward(rules, { at: "recovering", url, rounds }, rules.risingDelay);
      if (rounds + 1 >= rules.rise) return risen(rules);
      return { state: { at: "recovering", url: 0, rounds: rounds + 1 }, edge: undefined, nextDelay: rules.risingDelay };
    }
    default:
      throw new Error(`unreachable case: ${JSON.stringify(state satisfies never)}`);
  }
}

const risen = (rules: RetryRules): PolicyStep => ({
  state: steady,
  edge: { up: true, retries: 0 },
  nextDelay: rules.delayLoop,
});

/** To the next URL of the same round. */
function onward(rules: RetryRules, state: PolicyState, delay: Milliseconds): PolicyStep {
  return { state, edge: undefined, nextDelay: rules.fastRecovery ? (0 as Milliseconds) : delay };
}

function failed(rules: RetryRules, state: PolicyState): PolicyStep {
  const down: PolicyState = state.url === 0 ? downAtFirst : { at: "down", url: state.url };
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

/**
 * What the engine may pass over in silence because `step` would say and change nothing that matters: while up a pass of any URL
 * (it walks them itself), while down one more failure of the same URL, which is not worth a line to log_all_failures either.
 */
export function quietIn(state: PolicyState): "nothing" | "pass" | "fail" {
  switch (state.at) {
    case "up":
      return state.failures === 0 ? "pass" : "nothing";
    case "down":
      return "fail";
    case "recovering":
      // A failure makes it `down` at this URL; only at the first one of the first round a pass then means the same as now.
      return state.url > 0 || state.rounds > 0 ? "nothing" : "fail";
    case "unrun":
      return "nothing";
    default:
      throw new Error(`unreachable case: ${JSON.stringify(state satisfies never)}`);
  }
}

/** Where the policy stands after what the engine kept to itself: it says which URL the attempt was about. */
export function caughtUp(state: PolicyState, url: number): PolicyState {
  return state.at === "up" && state.failures === 0 && state.url !== url ? { ...state, url } : state;
}

/**
 * A delay with its share of jitter, which identity and count decide: no chance, and no two checks in step. What is to follow at
 * once follows at once.
 */
export function jittered(delay: Milliseconds, jitter: Milliseconds, identityHash: number, count: number): Milliseconds {
  if (delay === 0 || jitter === 0) return delay;
  return (delay + (mix32(identityHash ^ Math.imul(count, 0x9e3779b9)) / 2 ** 32) * jitter) as Milliseconds;
}
