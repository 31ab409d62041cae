import type { Clock } from "../main/clock.js";
import type { Milliseconds } from "../main/units.js";

/** The worker's clock: CLOCK_MONOTONIC and the timers of its own loop, rounded up. */
export const loopClock: Clock = {
  now: monotonicMs,
  after(delay, fn) {
    const timer = setTimeout(fn, Math.ceil(delay));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** With one origin for all threads of the process. */
function monotonicMs(): Milliseconds {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1000 + nanoseconds / 1e6) as Milliseconds;
}
