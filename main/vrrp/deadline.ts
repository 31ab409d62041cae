import type { Clock } from "../clock.js";
import { type Milliseconds, ms } from "../units.js";

/** No time: a field that always holds a double is changed in its place, without an object for each. */
const NONE: Milliseconds = ms(Number.NaN);

/** One timer at an absolute time of the clock. Arming again replaces: there are never two of a kind. */
export class Deadline implements Disposable {
  readonly #clock: Clock;
  readonly #due: () => void;
  #at: Milliseconds = NONE;
  /** Of the clock; used again and again. */
  #timer: Disposable | undefined;

  /** @param onDue hears when it was due, to tell a punctual run from one after a stall */
  constructor(clock: Clock, onDue: (at: Milliseconds) => void) {
    this.#clock = clock;
    this.#due = () => {
      const at = Number.isNaN(this.#at) ? clock.now() : this.#at;
      this.#at = NONE;
      onDue(at);
    };
  }

  /** Undefined when it is not armed. */
  get at(): Milliseconds | undefined {
    return Number.isNaN(this.#at) ? undefined : this.#at;
  }

  arm(at: Milliseconds): void {
    this.#timer?.[Symbol.dispose]();
    this.#at = at;
    this.#timer = this.#clock.after(ms(Math.max(0, at - this.#clock.now())), this.#due, this.#timer);
  }

  disarm(): void {
    this.#timer?.[Symbol.dispose]();
    this.#at = NONE;
  }

  [Symbol.dispose](): void {
    this.disarm();
  }
}
