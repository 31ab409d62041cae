import type { Clock } from "../../main/clock.js";
import { type Milliseconds, ms } from "../../main/units.js";

/** A clock that a test moves by hand. */
export class HandClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly due: number; readonly fn: () => void }>();

  /** Number of timers that wait. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): Milliseconds {
    return ms(this.#now);
  }

  after(delay: Milliseconds, fn: () => void): Disposable {
    const timer = { due: this.#now + delay, fn };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => this.#timers.delete(timer) };
  }

  /** Time passes while nothing runs: the process is stopped, or busy. What is due meanwhile runs late, at the next `advance`. */
  stall(by: number): void {
    this.#now += by;
  }

  /** Runs everything that is due within `by` ms, in order. @returns how many timers ran */
  advance(by: number): number {
    const end = this.#now + by;
    let ran = 0;
    for (;;) {
      const [next] = [...this.#timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.fn();
      ran++;
    }
    this.#now = end;
    return ran;
  }
}
