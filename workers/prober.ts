import type { CheckConfig } from "../main/config/model.js";
import type { Milliseconds } from "../main/units.js";
import type { Outcome } from "./protocol.js";

/** What one attempt found. */
export interface ProbeResult {
  readonly outcome: Outcome;
  /** From the first SYN to the verdict. */
  readonly latency: Milliseconds;
  /** HTTP status code received, 0 if none. */
  readonly status: number;
  /** Why it failed, see `FailedAttempt.detail`; empty on success. */
  readonly detail: string;
}

/**
 * Makes one attempt at a time of one kind of check. Schedule, retries and states are elsewhere: an engine in C++ can take a
 * kind over by being another Prober.
 */
export interface Prober<Check extends CheckConfig = CheckConfig> {
  /**
   * `done` is called exactly once, never before this returns, and within a bound that follows from `connect_timeout`.
   * Disposing ends the attempt without a call of `done`; after the verdict it does nothing.
   * @param url index into `check.urls`; 0 for a check without URLs
   */
  probe(check: Check, url: number, done: (result: ProbeResult) => void): Disposable;
}
