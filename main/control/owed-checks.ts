import type { Regrouping } from "../../workers/protocol.js";
import type { Reloaded, ServerCheckSpec } from "../health/director.js";
import type { CheckId } from "../units.js";

type Changes = Reloaded["checks"];

/**
 * What the director says of checks it says once, and a reload may fail before whoever makes them has heard it: then the next reload
 * tells it together with its own.
 */
export class OwedChecks {
  readonly #added = new Map<CheckId, ServerCheckSpec>();
  readonly #removed = new Set<CheckId>();
  readonly #regrouped = new Map<CheckId, Regrouping>();
  #isOwing: boolean = false;

  /** An earlier reload has not come to its end. */
  get isOwing(): boolean {
    return this.#isOwing;
  }

  /** Later ones count. Ids are never used twice, so whatever is removed may be told more than once. */
  owe({ added, removed, regrouped = [] }: Pick<Changes, "added" | "removed"> & Partial<Changes>): void {
    this.#isOwing = true;
    for (const id of removed) {
      this.#removed.add(id);
      this.#added.delete(id);
      this.#regrouped.delete(id);
    }
    for (const spec of added) this.#added.set(spec.id, spec);
    for (const one of regrouped) this.#regrouped.set(one.id, one);
  }

  /** Those that are new are removed as well: some may have been handed out before the failure. */
  all(): Changes {
    return {
      added: [...this.#added.values()],
      removed: [...this.#removed, ...this.#added.keys()],
      regrouped: [...this.#regrouped.values()],
    };
  }

  paid(): void {
    this.#added.clear();
    this.#removed.clear();
    this.#regrouped.clear();
    this.#isOwing = false;
  }
}
