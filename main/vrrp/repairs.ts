import type { Clock } from "../clock.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";

const WINDOW: Milliseconds = ms(60_000);
const MOST = 3;

/** What is put back more than three times a minute belongs to somebody else too: then it rests for a minute. */
export class Repairs {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #histories = new Map<string, History>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Whether `what` may be put back now; says so once when it may not any more. Who is refused may ask as often as he likes.
   * @param again called a minute after it was found contested: for who hears of a deletion once, and does not look again
   */
  allow(what: string, again?: () => void): boolean {
    const now = this.#clock.now();
    const known = this.#histories.get(what);
    if (known !== undefined && now < known.restsUntil) return false;
    const times = (known?.times ?? []).filter((at) => now - at < WINDOW);
    const contested = times.length === MOST;
    this.#histories.set(
      what,
      contested ? { times: [], restsUntil: ms(now + WINDOW) } : { times: [...times, now], restsUntil: now },
    );
    const sentence = contested
      ? `${what} was deleted ${MOST + 1} times within a minute: somebody else manages it too; it is left alone for a minute - find out who, or remove it from one of the configurations`
      : `${what} was deleted by somebody else: putting it back`;
    this.#log(contested ? "error" : "warning", contested ? "network.contested" : "network.repair", sentence, { what });
    if (contested && again !== undefined) this.#clock.after(WINDOW, again);
    return !contested;
  }
}

interface History {
  /** When it was put back, of late. */
  readonly times: readonly Milliseconds[];
  /** It is contested until then. */
  readonly restsUntil: Milliseconds;
}
