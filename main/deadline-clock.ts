import { bootTime, type DeadlineTimer, openDeadlineTimer } from "../native-bindings/timer.js";
import type { Clock } from "./clock.js";
import { type Milliseconds, ms } from "./units.js";

interface Entry {
  readonly deadline: number;
  readonly fn: () => void;
  /** Place in the heap; -1 when it has run or was cancelled. */
  at: number;
}

/** How many due entries run before the loop gets a turn: adverts of many instances must not starve receiving. */
const MAX_PER_WAKE_UP = 256;

/**
 * The production clock: CLOCK_BOOTTIME, one timerfd for all deadlines. Node's own timers truncate to whole milliseconds of a
 * cached loop time, which alone would spend the lateness that VRRP allows itself.
 */
export class DeadlineClock implements Clock, Disposable {
  readonly #heap: Entry[] = [];
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

  after(delay: Milliseconds, fn: () => void): Disposable {
    const entry: Entry = { deadline: bootTime() + Math.max(0, delay), fn, at: this.#heap.length };
    this.#heap.push(entry);
    this.#up(entry);
    this.#arm();
    return {
      [Symbol.dispose]: () => {
        if (entry.at >= 0) this.#remove(entry);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#heap.length = 0;
    this.#timer.close();
  }

  #onDue(): void {
    this.#armed = Number.POSITIVE_INFINITY;
    for (let ran = 0; ran < MAX_PER_WAKE_UP; ran++) {
      const first = this.#heap[0];
      const now = bootTime();
      if (first === undefined || first.deadline > now) break;
      this.#remove(first);
      first.fn();
      this.#onRun(ms(now - first.deadline), ms(now)); // who looks into it takes time: a failover comes first
    }
    this.#arm();
  }

  #arm(): void {
    const first = this.#heap[0]?.deadline;
    if (first === undefined || first >= this.#armed) return; // an early wake-up is harmless, a late one is not
    this.#armed = first;
    this.#timer.arm(first);
  }

  #remove(entry: Entry): void {
    const { at } = entry;
    entry.at = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    last.at = at;
    this.#heap[at] = last;
    this.#up(last);
    this.#down(last);
  }

  #up(entry: Entry): void {
    for (let parent = this.#parentOf(entry); parent !== undefined && parent.deadline > entry.deadline; ) {
      this.#swap(entry, parent);
      parent = this.#parentOf(entry);
    }
  }

  #parentOf(entry: Entry): Entry | undefined {
    return entry.at === 0 ? undefined : this.#heap[(entry.at - 1) >> 1];
  }

  #down(entry: Entry): void {
    for (;;) {
      const left = this.#heap[2 * entry.at + 1];
      const right = this.#heap[2 * entry.at + 2];
      const child = right !== undefined && left !== undefined && right.deadline < left.deadline ? right : left;
      if (child === undefined || child.deadline >= entry.deadline) return;
      this.#swap(child, entry);
    }
  }

  #swap(a: Entry, b: Entry): void {
    const at = a.at;
    a.at = b.at;
    b.at = at;
    this.#heap[a.at] = a;
    this.#heap[b.at] = b;
  }
}
