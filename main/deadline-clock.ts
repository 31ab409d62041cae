import { bootTime, type DeadlineTimer, openDeadlineTimer } from "../native-bindings/timer.js";
import type { Clock } from "./clock.js";
import { DeadlineHeap } from "./deadline-heap.js";
import { type Milliseconds, ms } from "./units.js";

/** How many due entries run before the loop gets a turn: adverts of many instances must not starve receiving. */
const MAX_PER_WAKE_UP = 256;

/**
 * The production clock: CLOCK_BOOTTIME, one timerfd for all deadlines. Node's own timers truncate to whole milliseconds of a
 * cached loop time, which alone would spend the lateness that VRRP allows itself.
 */
export class DeadlineClock implements Clock, Disposable {
  readonly #heap = new DeadlineHeap();
  readonly #timer: DeadlineTimer;
  readonly #onRun: (overdue: Milliseconds, now: Milliseconds) => void;
  #armed = Number.POSITIVE_INFINITY;

  /** `onRun` hears after each run how much later than its deadline it began, and when. */
  constructor(onRun: (overdue: Milliseconds, now: Milliseconds) => void = () => undefined) {
    this.#onRun = onRun;
    this.#timer = openDeadlineTimer(() => this.#onDue());
  }

  now(): Milliseconds {
    return ms(bootTime());
  }

  after(delay: Milliseconds, fn: () => void, spent?: Disposable): Disposable {
    const entry = this.#heap.add(bootTime() + Math.max(0, delay), fn, spent);
    this.#arm();
    return entry;
  }

  [Symbol.dispose](): void {
    this.#heap.clear();
    this.#timer.close();
  }

  #onDue(): void {
    this.#armed = Number.POSITIVE_INFINITY;
    for (let ran = 0; ran < MAX_PER_WAKE_UP; ran++) {
      const { first } = this.#heap;
      const now = bootTime();
      if (first === undefined || first.deadline > now) break;
      const { deadline } = first; // it may be used again while it runs
      this.#heap.remove(first);
      first.fn();
      this.#onRun(ms(now - deadline), ms(now)); // who looks into it takes time: a failover comes first
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap.first?.deadline;
    if (first === undefined || first >= this.#armed) return; // an early wake-up is harmless, a late one is not
    this.#armed = first;
    this.#timer.arm(first);
  }
}
