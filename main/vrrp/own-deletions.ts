import type { Clock } from "../clock.js";
import { type Milliseconds, ms } from "../units.js";

/** A notification of our own deletion may come this long after it, even when the address has been added again since. */
const LATE: Milliseconds = ms(1000);

/**
 * Addresses that we have deleted of late, whoever of us did it: where a reload hands one from an instance to another, the word of the
 * deletion comes when the other one has it already.
 */
export class OwnDeletions {
  readonly #clock: Clock;
  /** By key, the oldest first. */
  readonly #at = new Map<string, Milliseconds>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(key: string): void {
    const now = this.#clock.now();
    this.#at.delete(key);
    this.#at.set(key, now);
    for (const [other, at] of this.#at) {
      if (now - at < LATE) return;
      this.#at.delete(other);
    }
  }

  has(key: string): boolean {
    const at = this.#at.get(key);
    return at !== undefined && this.#clock.now() - at < LATE;
  }
}
