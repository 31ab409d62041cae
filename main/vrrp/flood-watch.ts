import { type Milliseconds, ms } from "../units.js";

/** Useless packets within a second that make a flood: more than any mistake in a configuration brings about. */
const MANY = 2000;
const SECOND: Milliseconds = ms(1000);
/** After so long without one of these seconds it is over. A sample of 1 in 256 still comes through meanwhile. */
const OVER_AFTER: Milliseconds = ms(10_000);
const MANY_OF_SAMPLE = 20;

/** `filtered`: what looks wrong stays in the kernel. `narrowed`: that was not enough, strangers are let through now and then only. */
export type FloodStage = "none" | "filtered" | "narrowed";

/** Tells a flood of useless packets at one socket from the odd one. */
export class FloodWatch {
  #since: Milliseconds | undefined;
  #count = 0;
  #lastBusy: Milliseconds = ms(0);
  #stage: FloodStage = "none";

  get stage(): FloodStage {
    return this.#stage;
  }

  /** One more packet that was of no use. @returns whether the stage changed with it */
  useless(now: Milliseconds): boolean {
    if (this.#since === undefined || now - this.#since > SECOND) this.#beginSecond(now);
    this.#count++;
    if (this.#count < (this.#stage === "none" ? MANY : MANY_OF_SAMPLE)) return false;
    this.#lastBusy = now;
    if (this.#stage === "narrowed" || this.#count < MANY) return false;
    this.#stage = this.#stage === "none" ? "filtered" : "narrowed";
    this.#beginSecond(now); // what waits in the socket was admitted by the filter before
    return true;
  }

  /** @returns whether a flood ended by now */
  over(now: Milliseconds): boolean {
    if (this.#stage === "none" || now - this.#lastBusy < OVER_AFTER) return false;
    this.#stage = "none";
    this.#since = undefined;
    return true;
  }

  #beginSecond(now: Milliseconds): void {
    this.#since = now;
    this.#count = 0;
  }
}
