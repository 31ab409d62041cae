import type { Clock } from "../clock.js";
import type { Fields, Level, Log } from "../observe/log.js";

/** Lines of one kind that may come at once, and how often one more may follow. An election needs one or two. */
const BURST = 10;
const ONE_MORE_EVERY_MS = 1000;

interface Kind {
  /** When the next line would be due if they came evenly. Milliseconds of the clock. */
  due: number;
  skipped: number;
}

/** Lines that somebody on the wire can cause: a flood of adverts must not become a flood of log lines. */
export class AdvertLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** `kind` decides which lines share an allowance. @returns whether it was written; if not, the next line says so */
  write(kind: string, level: Level, event: string, sentence: string, fields: Fields & { instance: string }): boolean {
    const skipped = this.admit(kind);
    if (skipped === undefined) return false;
    if (skipped > 0) {
      const left = `(${fields.instance}) ${skipped} more messages like the next one were left out: too many adverts`;
      this.#log("info", "vrrp.log-limited", left, { instance: fields.instance, skipped });
    }
    this.#log(level, event, sentence, fields);
    return true;
  }

  /** @returns how many were left out since the last one, undefined when this one is to be left out too */
  admit(kind: string): number | undefined {
    const now = this.#clock.now();
    const known = this.#kinds.get(kind) ?? { due: now, skipped: 0 };
    this.#kinds.set(kind, known);
    if (known.due - now >= BURST * ONE_MORE_EVERY_MS) {
      known.skipped++;
      return undefined;
    }
    known.due = Math.max(known.due, now) + ONE_MORE_EVERY_MS;
    const { skipped } = known;
    known.skipped = 0;
    return skipped;
  }
}
