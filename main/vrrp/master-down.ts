import type { Clock } from "../clock.js";
import { type Milliseconds, ms } from "../units.js";

/** So long before the end whoever is about to take over gets ready. */
const BEFORE: Milliseconds = ms(6);
/** With less left it would delay what it is for. */
const TOO_LATE: Milliseconds = ms(4);
/** What adding and subtracting doubles may lose. */
const ROUNDING: Milliseconds = ms(0.001);
/** No time. A field that always holds a double is changed in its place; with `undefined` now and then each would be a new object. */
const NONE: Milliseconds = ms(Number.NaN);

/**
 * The master-down timer of one instance, at an absolute time of the clock like a Deadline. It differs in two ways. Each advert of the
 * master puts it off: that only notes the new end, and the timer looks when it would have ended before; so an advert costs a backup
 * neither memory nor a place in a queue. And an end that draws near is told: nothing but a lost master leads there, and what has not run
 * for a year runs once before it counts.
 */
export class MasterDownTimer {
  readonly #clock: Clock;
  readonly #onDown: (at: Milliseconds) => void;
  readonly #getReady: (() => void) | undefined;
  readonly #onWake: () => void;
  #at: Milliseconds = NONE;
  /** Of the clock; used again and again. */
  #timer: Disposable | undefined;
  /** When it runs. */
  #wakesAt: Milliseconds = NONE;
  /** The end that needs no more preparation. */
  #readyFor: Milliseconds = NONE;

  /** @param onDown hears when it was due @param getReady undefined: nobody wants to be told before */
  constructor(clock: Clock, onDown: (at: Milliseconds) => void, getReady: (() => void) | undefined) {
    this.#clock = clock;
    this.#onDown = onDown;
    this.#getReady = getReady;
    this.#onWake = () => this.#wake();
  }

  /** Undefined when it is not armed. */
  get at(): Milliseconds | undefined {
    return Number.isNaN(this.#at) ? undefined : this.#at;
  }

  arm(at: Milliseconds): void {
    this.#at = at;
    if (this.#wakesAt <= at) return;
    this.#schedule(at, this.#clock.now());
  }

  disarm(): void {
    this.#at = NONE;
    this.#stop();
  }

  #stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#wakesAt = NONE;
  }

  #schedule(at: Milliseconds, now: Milliseconds): void {
    this.#stop();
    const prepares = this.#getReady !== undefined && this.#readyFor !== at && at - now >= TOO_LATE;
    this.#wakesAt = prepares ? ms(Math.max(now, at - BEFORE)) : at;
    this.#timer = this.#clock.after(ms(Math.max(0, this.#wakesAt - now)), this.#onWake, this.#timer);
  }

  #wake(): void {
    this.#wakesAt = NONE;
    const at = this.#at;
    if (Number.isNaN(at)) return;
    const now = this.#clock.now();
    const left = at - now;
    if (left <= ROUNDING) {
      this.#at = NONE;
      this.#onDown(at);
      return;
    }
    const isNear = left >= TOO_LATE && left <= BEFORE + ROUNDING;
    if (isNear && this.#readyFor !== at && this.#getReady !== undefined) {
      this.#readyFor = at;
      this.#getReady();
    }
    this.#schedule(at, this.#clock.now());
  }
}
