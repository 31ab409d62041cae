import type { Clock } from "../../main/clock.js";
import { type Milliseconds, ms } from "../../main/units.js";

/** Real time, for tests of what the kernel does. */
export class WallClock implements Clock {
  now(): Milliseconds {
    return ms(performance.now());
  }

  after(delay: Milliseconds, fn: () => void): Disposable {
    const timer = setTimeout(fn, Math.ceil(delay));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }
}
