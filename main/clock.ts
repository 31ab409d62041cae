import type { Milliseconds } from "./units.js";

/**
 * Monotonic time, injected everywhere that waits (simulator, tests and production each bring their own).
 * `now` is CLOCK_BOOTTIME in production, so that it can be compared across a restart of the daemon.
 */
export interface Clock {
  now(): Milliseconds;
  /**
   * Runs `fn` once, not before `delay` has passed. Disposing cancels; disposing twice or after the run does nothing.
   * @param spent what an earlier call for the same `fn` gave, once it has run or was cancelled. Nobody else may hold it: it may be what
   * this call gives, so that a timer of the steady path is no new object each time
   */
  after(delay: Milliseconds, fn: () => void, spent?: Disposable): Disposable;
}
