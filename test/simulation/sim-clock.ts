import type { Clock } from "../../main/clock.js";
import { type Milliseconds, ms } from "../../main/units.js";

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Time that stands still until a test moves it. Entries with equal deadlines run in the order in which they were made. */
export class SimClock implements Clock {
  #now = 1_000_000;
  #made = 0;
  readonly #entries = new Set<Entry>();

  now(): Milliseconds {
    return ms(this.#now);
  }

  after(delay: Milliseconds, fn: () => void): Disposable {
    const entry = { at: this.#now + Math.max(0, delay), order: this.#made++, fn };
    this.#entries.add(entry);
    return { [Symbol.dispose]: () => void this.#entries.delete(entry) };
  }

  get pending(): number {
    return this.#entries.size;
  }

  /** Runs everything that is due within `duration`. */
  advance(duration: number): void {
    const end = this.#now + duration;
    for (let next = this.#first(); next !== undefined && next.at <= end; next = this.#first()) {
      this.#entries.delete(next);
      this.#now = next.at;
      next.fn();
    }
    this.#now = end;
  }

  /** A stalled event loop: time passes and nothing runs. */
  stall(duration: number): void {
    this.#now += duration;
    for (const entry of [...this.#entries].filter((e) => e.at < this.#now)) {
      this.#entries.delete(entry);
      this.#entries.add({ ...entry, at: this.#now });
    }
  }

  #first(): Entry | undefined {
    let first: Entry | undefined;
    for (const e of this.#entries) {
      if (first === undefined || e.at < first.at || (e.at === first.at && e.order < first.order)) first = e;
    }
    return first;
  }
}
