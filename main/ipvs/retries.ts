import type { Clock } from "../clock.js";
import { ms } from "../units.js";
import type { Slot } from "./slot.js";

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
/** Attempts in a row, without waiting, for a service that keeps vanishing under us. */
const IMMEDIATE_ATTEMPTS = 3;

interface Retry {
  delayMs: number;
  immediate: number;
  timer: Disposable | undefined;
}

/** When a slot that could not be brought to its desired state is tried again: 1, 2, 4 ... 60 s. */
export class Retries implements Disposable {
  readonly #clock: Clock;
  readonly #again: (slot: Slot) => void;
  readonly #retries = new Map<Slot, Retry>();

  constructor(clock: Clock, again: (slot: Slot) => void) {
    this.#clock = clock;
    this.#again = again;
  }

  succeeded(slot: Slot): void {
    this.#retries.get(slot)?.timer?.[Symbol.dispose]();
    this.#retries.delete(slot);
  }

  failed(slot: Slot): void {
    const retry = this.#of(slot);
    if (retry.timer !== undefined) return;
    retry.timer = this.#clock.after(ms(retry.delayMs), () => {
      retry.timer = undefined;
      this.#again(slot);
    });
    retry.delayMs = Math.min(retry.delayMs * 2, LONGEST_DELAY_MS);
  }

  /** The kernel's table was not as we thought: our picture is right now, so the next attempt need not wait. */
  surprised(slot: Slot): void {
    const retry = this.#of(slot);
    retry.immediate += 1;
    if (retry.immediate > IMMEDIATE_ATTEMPTS) this.failed(slot);
    else this.#again(slot);
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#retries.values()) timer?.[Symbol.dispose]();
    this.#retries.clear();
  }

  #of(slot: Slot): Retry {
    const known = this.#retries.get(slot);
    if (known !== undefined) return known;
    const fresh: Retry = { delayMs: FIRST_DELAY_MS, immediate: 0, timer: undefined };
    this.#retries.set(slot, fresh);
    return fresh;
  }
}
