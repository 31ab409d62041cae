import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { type Milliseconds, ms } from "../units.js";
import type { Late, LateCause } from "./lateness.js";

/** How late the event loop of this thread runs its timers. What a missed advert is made of. */
export interface LoopDelaySummary {
  readonly p50: Milliseconds;
  readonly p99: Milliseconds;
  readonly max: Milliseconds;
  /** Samples of the histogram. */
  readonly count: number;
  /** Timers that ran later than the threshold, and the worst of them. */
  readonly late: number;
  readonly worstLate: Milliseconds;
  /** Stretches of lateness, by what caused them. */
  readonly causes: Readonly<Partial<Record<LateCause, number>>>;
  readonly lastLate?: { readonly at: number; readonly overdue: Milliseconds; readonly cause: LateCause };
}

/** Node's sampling timer, in milliseconds; its wake-ups cost some 0.01 % of a core. */
const RESOLUTION_MS = 10;

export class LoopDelay implements Disposable {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  threshold: Milliseconds;
  #late = 0;
  #worstLate = 0;
  #causes: Partial<Record<LateCause, number>> = {};
  #lastLate: LoopDelaySummary["lastLate"];

  /** Counts timers that ran more than `threshold` after their time. */
  constructor(threshold: Milliseconds) {
    this.threshold = threshold;
    this.#histogram.enable();
  }

  /** Called by whoever runs timers, with the time between when one was due and when it ran. Allocates nothing. */
  late(overdue: Milliseconds): void {
    if (overdue <= this.threshold) return;
    this.#late += 1;
    this.#worstLate = Math.max(this.#worstLate, overdue);
  }

  /** Why they were late is known somewhat later. `at`: milliseconds since 1970. */
  explained({ overdue, cause }: Late, at: number): void {
    this.#causes[cause] = (this.#causes[cause] ?? 0) + 1;
    this.#lastLate = { at, overdue, cause };
  }

  /** Since start or `reset`. */
  summary(): LoopDelaySummary {
    const histogram = this.#histogram;
    const empty = histogram.count === 0;
    return {
      p50: delayOf(empty ? 0 : histogram.percentile(50)),
      p99: delayOf(empty ? 0 : histogram.percentile(99)),
      max: delayOf(empty ? 0 : histogram.max),
      count: histogram.count,
      late: this.#late,
      worstLate: ms(this.#worstLate),
      causes: { ...this.#causes },
      ...(this.#lastLate && { lastLate: this.#lastLate }),
    };
  }

  reset(): void {
    this.#histogram.reset();
    this.#late = 0;
    this.#worstLate = 0;
    this.#causes = {};
    this.#lastLate = undefined;
  }

  [Symbol.dispose](): void {
    this.#histogram.disable();
  }
}

/** The histogram holds nanoseconds between two runs of a timer; the delay is what is above its period. */
const delayOf = (nanoseconds: number, period: number = RESOLUTION_MS): Milliseconds =>
  ms(Math.max(0, nanoseconds / 1e6 - period));

/** Watches the loop of this thread more closely for a while. `longest`: the longest time away from it, to a millisecond or so. */
export class LoopWatch implements Disposable {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 });

  constructor() {
    this.#histogram.enable();
  }

  get longest(): Milliseconds {
    return delayOf(this.#histogram.count === 0 ? 0 : this.#histogram.max, 1);
  }

  [Symbol.dispose](): void {
    this.#histogram.disable();
  }
}
