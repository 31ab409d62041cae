import { median } from "../figures.js";
import type { Figure } from "../scenarios/scenario.js";

/** Gathers what rounds yield, in the order in which quantities are first heard of. */
export class Collector {
  readonly #figures = new Map<string, { readonly figure: Omit<Figure, "rounds">; readonly rounds: number[] }>();
  readonly faults: string[] = [];

  add(of: string, subject: string, quantity: string, unit: string, value: number): void {
    const key = JSON.stringify([of, subject, quantity]);
    const known = this.#figures.get(key);
    if (known === undefined) this.#figures.set(key, { figure: { case: of, subject, quantity, unit }, rounds: [value] });
    else known.rounds.push(value);
  }

  /** What breaks is a fault of the run; what others yield is kept. */
  async attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  figures(): readonly Figure[] {
    return [...this.#figures.values()].map(({ figure, rounds }) => ({ ...figure, rounds }));
  }

  /** In their order; empty for what nobody measured. */
  rounds(of: string, subject: string, quantity: string): readonly number[] {
    return this.#figures.get(JSON.stringify([of, subject, quantity]))?.rounds ?? [];
  }

  /** Over the rounds; undefined for what nobody measured. */
  median(of: string, subject: string, quantity: string): number | undefined {
    const known = this.#figures.get(JSON.stringify([of, subject, quantity]));
    return known === undefined ? undefined : median(known.rounds);
  }

  /** The worst round counts where something must never happen. */
  most(of: string, subject: string, quantity: string): number | undefined {
    const known = this.#figures.get(JSON.stringify([of, subject, quantity]));
    return known === undefined ? undefined : Math.max(...known.rounds);
  }
}
