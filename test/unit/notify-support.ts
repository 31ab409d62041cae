import type { Clock } from "../../main/clock.js";
import type { ScriptCommand } from "../../main/config/model.js";
import type { Fields, Level, Log } from "../../main/observe/log.js";
import { type Milliseconds, ms } from "../../main/units.js";

/** Time that passes only when the test says so. */
export class ManualClock implements Clock {
  #now = 0;
  #entries: { readonly at: number; readonly fn: () => void }[] = [];

  now(): Milliseconds {
    return ms(this.#now);
  }

  after(delay: Milliseconds, fn: () => void): Disposable {
    const entry = { at: this.#now + delay, fn };
    this.#entries.push(entry);
    return {
      [Symbol.dispose]: () => {
        this.#entries = this.#entries.filter((each) => each !== entry);
      },
    };
  }

  get armed(): number {
    return this.#entries.length;
  }

  /** Runs what is due, in order of time. */
  advance(by: number): void {
    const until = this.#now + by;
    for (let next = this.#due(until); next !== undefined; next = this.#due(until)) {
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = until;
  }

  #due(until: number): { readonly at: number; readonly fn: () => void } | undefined {
    const [next] = this.#entries.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
    this.#entries = this.#entries.filter((each) => each !== next);
    return next;
  }
}

export interface LogLine {
  readonly level: Level;
  readonly event: string;
  readonly sentence: string;
  readonly fields: Fields | undefined;
}

export function recordingLog(detail = false): { readonly log: Log; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write = (level: Level, event: string, sentence: string, fields?: Fields): void => {
    lines.push({ level, event, sentence, fields });
  };
  return { log: Object.assign(write, { detail }), lines };
}

/** A script that root runs. */
export const script = (...argv: [string, ...string[]]): ScriptCommand => ({
  argv,
  user: { name: "root", uid: 0, gid: 0 },
});
