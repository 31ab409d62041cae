import type { Clock } from "../clock.js";
import { type Milliseconds, ms } from "../units.js";

/** One timer at an absolute time of the clock. Arming again replaces: there are never two of a kind. */
export class Deadline implements Disposable {
  readonly #clock: Clock;
  readonly #due: () => void;
  #at: Milliseconds | undefined;
  #timer: Disposable | undefined;

  /** @param onDue hears when it was due, to tell a punctual run from one after a stall */
  constructor(clock: Clock, onDue: (at: Milliseconds) => void) {
    this.#clock = clock;
    this.#due = () => {
      const at = this.#at ?? clock.now();
      this.#at = undefined;
      this.#timer = undefined;
      onDue(at);
    };
  }

  /** Undefined when it is not armed. */
  get at(): Milliseconds | undefined {
    return this.#at;
  }

  arm(at: Milliseconds): void {
    this.#timer?.[Symbol.dispose]();
    this.#at = at;
    this.#timer = this.#clock.after(ms(Math.max(0, at - this.#clock.now())), this.#due);
  }

  disarm(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#at = undefined;
  }

  [Symbol.dispose](): void {
    this.disarm();
  }
}
