import type { Clock } from "../main/clock.js";
import { monotonicMs } from "./outcome.js";

/** The worker's clock: CLOCK_MONOTONIC and the timers of its own loop, rounded up. */
export const loopClock: Clock = {
  now: monotonicMs,
  after(delay, fn) {
    const timer = setTimeout(fn, Math.ceil(delay));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
