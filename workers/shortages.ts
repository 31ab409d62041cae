import type { Clock } from "../main/clock.js";
import type { Milliseconds } from "../main/units.js";
import type { FailedAttempt } from "./protocol.js";

const windowMs = 1000 as Milliseconds;
/** Of different reasons at a time; those beyond it count as one. */
const mostKinds = 64;
const anyOther = "";

interface Window {
  latest: FailedAttempt;
  /** Since the first one, which was told at once. */
  more: number;
  readonly end: Disposable;
}

/**
 * Attempts that could not be made for want of something that all checks share. There may be thousands in a second, each with the same
 * reason: the first of a kind is told at once, the others of its second in one.
 */
export class Shortages implements Disposable {
  readonly #clock: Clock;
  readonly #tell: (attempt: FailedAttempt) => void;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, tell: (attempt: FailedAttempt) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(attempt: FailedAttempt): void {
    const kind = this.#windows.has(attempt.detail) || this.#windows.size < mostKinds ? attempt.detail : anyOther;
    const window = this.#windows.get(kind);
    if (window !== undefined) {
      window.latest = attempt;
      window.more++;
      return;
    }
    this.#tell(attempt);
    this.#open(kind, attempt);
  }

  #open(kind: string, latest: FailedAttempt): void {
    this.#windows.set(kind, { latest, more: 0, end: this.#clock.after(windowMs, () => this.#close(kind)) });
  }

  /** While it goes on there is one line a second: the next window is open at once. */
  #close(kind: string): void {
    const window = this.#windows.get(kind);
    this.#windows.delete(kind);
    if (window === undefined || window.more === 0) return;
    this.#tell(window.more === 1 ? window.latest : { ...window.latest, others: window.more - 1 });
    this.#open(kind, window.latest);
  }

  [Symbol.dispose](): void {
    for (const { end } of this.#windows.values()) end[Symbol.dispose]();
    this.#windows.clear();
  }
}
