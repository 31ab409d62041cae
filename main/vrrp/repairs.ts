import type { Clock } from "../clock.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";

const WINDOW: Milliseconds = ms(60_000);
const MOST = 3;

/** What is put back more than three times a minute belongs to somebody else too: then it rests for a minute. */
export class Repairs {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #times = new Map<string, Milliseconds[]>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether `what` may be put back now; says so once when it may not any more. */
  allow(what: string): boolean {
    const now = this.#clock.now();
    const times = (this.#times.get(what) ?? []).filter((at) => now - at < WINDOW);
    this.#times.set(what, times);
    if (times.length > MOST) return false;
    times.push(now);
    const contested = times.length > MOST;
    const sentence = contested
      ? `${what} was deleted ${times.length} times within a minute: somebody else manages it too; it is left alone for a minute - find out who, or remove it from one of the configurations`
      : `${what} was deleted by somebody else: putting it back`;
    this.#log(contested ? "error" : "warning", contested ? "network.contested" : "network.repair", sentence, { what });
    return !contested;
  }
}
