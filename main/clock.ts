import type { Milliseconds } from "./units.js";

/**
 * Monotonic time, injected everywhere that waits (simulator, tests and production each bring their own).
 * `now` is CLOCK_BOOTTIME in production, so that it can be compared across a restart of the daemon.
 */
export interface Clock {
  now(): Milliseconds;
  /** Runs `fn` once, not before `delay` has passed. Disposing cancels; disposing twice or after the run does nothing. */
  after(delay: Milliseconds, fn: () => void): Disposable;
}
