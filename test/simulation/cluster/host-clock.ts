import { type Milliseconds, ms } from "../../../main/units.js";
import type { WorldClock } from "./world-clock.js";

/** CLOCK_BOOTTIME of one host: it began at another time than the others', drifts, and stands still while its VM does. */
export class HostClock {
  readonly #world: WorldClock;
  readonly #rate: number;
  readonly #start: number;
  #stoodFor = 0;
  #standsSince: number | undefined;
  #floor = 0;

  /** @param drift how much faster than the world's, in millionths */
  constructor(world: WorldClock, start: number, drift: number) {
    this.#world = world;
    this.#start = start;
    this.#rate = 1 + drift / 1e6;
  }

  now(): Milliseconds {
    const world = this.#standsSince ?? this.#world.now;
    return ms(Math.max(this.#floor, this.#start + (world - this.#stoodFor) * this.#rate));
  }

  /** When it will show `at`, unless it stands still in between. */
  worldTime(at: number): number {
    return (at - this.#start) / this.#rate + this.#stoodFor;
  }

  /** Rounding must not make it show a little less than what was waited for. */
  reach(at: number): void {
    this.#floor = Math.max(this.#floor, at);
  }

  stand(): void {
    this.#standsSince ??= this.#world.now;
  }

  goOn(): void {
    if (this.#standsSince === undefined) return;
    this.#stoodFor += this.#world.now - this.#standsSince;
    this.#standsSince = undefined;
  }
}
