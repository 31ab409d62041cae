import { type Milliseconds, ms } from "../units.js";

const FIRST = ms(1000);
const MOST = ms(60_000);

/** How long to wait before a thread that failed is started again: 1, 2, 4 ... 60 s, and 1 again after a minute's life. */
export class RestartDelay {
  #next = FIRST;

  /** @param lived how long the one that failed had been there */
  after(lived: number): Milliseconds {
    const delay = lived >= MOST ? FIRST : this.#next;
    this.#next = ms(Math.min(MOST, delay * 2));
    return delay;
  }
}
