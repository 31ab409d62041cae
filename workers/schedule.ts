import type { Clock } from "../main/clock.js";
import type { CheckId, Milliseconds } from "../main/units.js";
import { type DueEntry, DueHeap } from "./due-heap.js";

/** Starts per loop turn, so that heartbeat and verdicts are heard between them. */
const startsPerTurn = 128;
/** setTimeout rounds: what is due within this is due now. */
const graceMs = 1;

/**
 * Says when each of thousands of checks is to be attempted, with one timer for all of them. At most `maxInFlight` are under
 * way (each is an open socket); what is due beyond that waits in the order of its due time.
 */
export class Schedule implements Disposable {
  readonly #clock: Clock;
  readonly #maxInFlight: number;
  readonly #start: (id: CheckId) => void;
  readonly #heap = new DueHeap<CheckId>();
  readonly #waiting = new Map<CheckId, DueEntry<CheckId>>();
  #inFlight = 0;
  #timer: { readonly due: number; readonly handle: Disposable } | undefined;

  /** @param start begins one attempt; `finished` must be called once for each */
  constructor(clock: Clock, maxInFlight: number, start: (id: CheckId) => void) {
    this.#clock = clock;
    this.#maxInFlight = maxInFlight;
    this.#start = start;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Attempts `id` once after `delay`; replaces an earlier appointment. */
  in(delay: Milliseconds, id: CheckId): void {
    this.cancel(id);
    this.#waiting.set(id, this.#heap.push(id, this.#clock.now() + delay));
    this.#arm();
  }

  cancel(id: CheckId): void {
    const entry = this.#waiting.get(id);
    if (entry === undefined) return;
    entry.cancelled = true;
    this.#waiting.delete(id);
  }

  /** An attempt ended, by verdict or because its check was taken away. */
  finished(): void {
    this.#inFlight--;
    this.#arm();
  }

  #arm(): void {
    const next = this.#heap.peek();
    if (next === undefined || this.#inFlight >= this.#maxInFlight) return;
    if (this.#timer !== undefined && this.#timer.due <= next.due) return;
    this.#timer?.handle[Symbol.dispose]();
    const delay = Math.max(0, next.due - this.#clock.now()) as Milliseconds;
    this.#timer = { due: next.due, handle: this.#clock.after(delay, () => this.#run()) };
  }

  #run(): void {
    this.#timer = undefined;
    const until = this.#clock.now() + graceMs;
    for (let started = 0; started < startsPerTurn && this.#inFlight < this.#maxInFlight; started++) {
      const next = this.#heap.peek();
      if (next === undefined || next.due > until) break;
      this.#heap.pop();
      this.#waiting.delete(next.key);
      this.#inFlight++;
      this.#start(next.key);
    }
    this.#arm();
  }

  [Symbol.dispose](): void {
    this.#timer?.handle[Symbol.dispose]();
    this.#timer = undefined;
    for (const id of [...this.#waiting.keys()]) this.cancel(id);
  }
}
