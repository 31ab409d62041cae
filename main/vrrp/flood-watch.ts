import { type Milliseconds, ms } from "../units.js";

/** Useless packets within a second that make a flood: more than any mistake in a configuration brings about. */
const MANY = 2000;
const SECOND: Milliseconds = ms(1000);
/** After so long without one of these seconds it is over. A sample of 1 in 256 still comes through meanwhile. */
const OVER_AFTER: Milliseconds = ms(10_000);
const MANY_OF_SAMPLE = 20;

/** Tells a flood of useless packets at one socket from the odd one. */
export class FloodWatch {
  #since: Milliseconds | undefined;
  #count = 0;
  #lastBusy: Milliseconds | undefined;

  get flooded(): boolean {
    return this.#lastBusy !== undefined;
  }

  /** One more packet that was of no use. @returns whether a flood began with it */
  useless(now: Milliseconds): boolean {
    if (this.#since === undefined || now - this.#since > SECOND) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count++;
    if (this.#count < (this.flooded ? MANY_OF_SAMPLE : MANY)) return false;
    const began = !this.flooded;
    this.#lastBusy = now;
    return began;
  }

  /** @returns whether a flood ended by now */
  over(now: Milliseconds): boolean {
    if (this.#lastBusy === undefined || now - this.#lastBusy < OVER_AFTER) return false;
    this.#lastBusy = undefined;
    this.#since = undefined;
    return true;
  }
}
