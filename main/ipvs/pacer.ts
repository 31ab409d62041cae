import { type Milliseconds, ms } from "../units.js";

/** How often the hint is read, and how long one portion of polling is apart from the next. */
export const TICK_MS = 250;
const SERVICES_PERIOD_MS = 1_000;
/** A round over all destinations when it costs little: with a tick and the repair itself still within 1.2 s. */
const ROUND_MS = 750;
/** Shares of one core; together the 5 % of design.md. */
const SERVICES_SHARE = 0.01;
const DESTINATIONS_SHARE = 0.04;
/** While services go: how long nobody serves what went counts for more, and it is soon over. */
const FALLING_SHARE = 0.05;
/** One reading that took long because of something else must not slow polling down for long. */
const LARGEST_GROWTH = 3;
/** Before the first measurement. */
const ASSUMED_SERVICES_MS = 1;
const ASSUMED_PER_SERVICE_MS = 0.3;

/** How often what is read, so that reading stays within its share of a core. Costs are wall-clock ms on the main thread. */
export class Pacer {
  #servicesCost = ASSUMED_SERVICES_MS;
  #roundCost: number | undefined;
  #thisRound = 0;
  #credit = 0;

  /** Time between two dumps of all services. */
  get servicesPeriod(): Milliseconds {
    return ms(Math.max(SERVICES_PERIOD_MS, this.#servicesCost / SERVICES_SHARE));
  }

  /** True when dumping the services is so cheap that it may be done at every tick. */
  get servicesAreCheap(): boolean {
    return this.#servicesCost <= TICK_MS * SERVICES_SHARE;
  }

  /** The same while their number falls. */
  get fallingPeriod(): Milliseconds {
    return ms(this.#servicesCost / FALLING_SHARE);
  }

  /** Time in which every destination of `services` services is read once. */
  roundPeriod(services: number): Milliseconds {
    const cost = this.#roundCost ?? services * ASSUMED_PER_SERVICE_MS;
    return ms(Math.max(ROUND_MS, cost / DESTINATIONS_SHARE));
  }

  /** How many services' destinations to read at a tick. What is left of a fraction counts for the next one. */
  portion(services: number): number {
    this.#credit += (services * TICK_MS) / this.roundPeriod(services);
    const whole = Math.min(Math.floor(this.#credit + 1e-9), services);
    this.#credit = Math.max(0, this.#credit - whole);
    return whole;
  }

  measuredServices(cost: number): void {
    this.#servicesCost = smooth(this.#servicesCost, cost);
  }

  measuredDestinations(cost: number): void {
    this.#thisRound += cost;
  }

  roundEnded(): void {
    const before = this.#roundCost;
    this.#roundCost = before === undefined ? this.#thisRound : smooth(before, this.#thisRound);
    this.#thisRound = 0;
  }
}

const smooth = (before: number, sample: number): number => {
  const clipped = Math.min(sample, Math.max(before, 1) * LARGEST_GROWTH);
  return before + (clipped - before) / 2;
};
