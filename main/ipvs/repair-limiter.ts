import { type Milliseconds, ms } from "../units.js";

/** An entry repaired more than this often within `WINDOW_MS` has another owner, who will go on deleting it. */
const REPAIRS_PER_WINDOW = 3;
const WINDOW_MS = 60_000;
const FIRST_HOLD_MS = 60_000;
const LONGEST_HOLD_MS = 600_000;

interface History {
  /** Times of the latest repairs within the window, oldest first. */
  readonly repairs: number[];
  holdMs: number;
}

export type Allowance = { readonly kind: "repair" } | { readonly kind: "hold"; readonly for: Milliseconds };

/** Decides whether an entry may be repaired once more. Pure but for its own memory. */
export class RepairLimiter {
  readonly #histories = new Map<string, History>();

  /** Counts a repair of `entry`, unless that would be one too many: then it is to be left alone for a while. */
  allow(entry: string, now: Milliseconds): Allowance {
    const history = this.#historyOf(entry, now);
    if (history.repairs.length < REPAIRS_PER_WINDOW) {
      history.repairs.push(now);
      return { kind: "repair" };
    }
    const hold = history.holdMs;
    history.holdMs = Math.min(hold * 2, LONGEST_HOLD_MS);
    return { kind: "hold", for: ms(hold) };
  }

  /** A reload: whoever wrote the configuration has looked at it. */
  forgive(): void {
    this.#histories.clear();
  }

  #historyOf(entry: string, now: number): History {
    const known = this.#histories.get(entry);
    if (known === undefined) {
      const fresh: History = { repairs: [], holdMs: FIRST_HOLD_MS };
      this.#histories.set(entry, fresh);
      return fresh;
    }
    const last = known.repairs.at(-1) ?? now;
    if (now - last > LONGEST_HOLD_MS + WINDOW_MS) known.holdMs = FIRST_HOLD_MS;
    while (known.repairs.length > 0 && now - (known.repairs[0] ?? now) >= WINDOW_MS) known.repairs.shift();
    return known;
  }
}
