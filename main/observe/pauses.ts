import { PerformanceObserver } from "node:perf_hooks";
import { type Milliseconds, ms } from "../units.js";

/** Collections that are remembered: more than fit into any stretch that somebody asks about. */
const REMEMBERED = 64;

/** What the process cannot see while it happens: collections of garbage of this thread, and that it was stopped. On CLOCK_BOOTTIME. */
export class Pauses implements Disposable {
  readonly #now: () => Milliseconds;
  readonly #ends = new Float64Array(REMEMBERED);
  readonly #lengths = new Float64Array(REMEMBERED);
  #next = 0;
  #continued = Number.NEGATIVE_INFINITY;
  readonly #observer = new PerformanceObserver((list) => {
    const offset = this.#now() - performance.now();
    for (const { startTime, duration } of list.getEntries()) {
      this.#ends[this.#next] = startTime + duration + offset;
      this.#lengths[this.#next] = duration;
      this.#next = (this.#next + 1) % REMEMBERED;
    }
  });
  readonly #onContinue = (): void => {
    this.#continued = this.#now();
  };

  constructor(now: () => Milliseconds) {
    this.#now = now;
    this.#observer.observe({ entryTypes: ["gc"] });
    process.on("SIGCONT", this.#onContinue);
  }

  garbageSince(time: Milliseconds): Milliseconds {
    let sum = 0;
    for (let i = 0; i < REMEMBERED; i++)
      sum += Math.max(0, Math.min(this.#lengths[i] ?? 0, (this.#ends[i] ?? 0) - time));
    return ms(sum);
  }

  continuedSince(time: Milliseconds): boolean {
    return this.#continued >= time;
  }

  [Symbol.dispose](): void {
    this.#observer.disconnect();
    process.off("SIGCONT", this.#onContinue);
  }
}
