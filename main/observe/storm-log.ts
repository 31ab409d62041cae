import type { Clock } from "../clock.js";
import { ms } from "../units.js";
import type { Fields, Level, Log } from "./log.js";

/**
 * Lines of one kind at once, and then a second. A server that goes down has three or four kinds of lines; systemd-journald takes 10,000
 * lines of a service in 30 s (journald.conf(5), RateLimitBurst), our own queue to the log thread some 5,000.
 */
const BURST = 1000;
const PER_SECOND = 50;
/** How often it is said what was held back. */
const REPORT_EVERY = ms(2000);

/** Lines with the same `event`. */
interface Kind {
  tokens: number;
  refilledAt: number;
  /** Since the last report. */
  held: number;
  last: { readonly level: Level; readonly sentence: string };
}

export interface StormLog extends Log {
  /** Says at once what was held back: before the last lines of a daemon. */
  flush(): void;
}

/**
 * A log for what may come by the thousand: of each kind of line so many, and then a line that says how many more there were. Who needs
 * every single event has FIFOs and scripts.
 */
export function stormLog(log: Log, clock: Clock): StormLog {
  const kinds = new Map<string, Kind>();
  const holding = new Map<string, Kind>();
  let timer: Disposable | undefined;
  const report = (): void => {
    timer = undefined;
    for (const [event, kind] of holding) {
      if (kind.held === 0) holding.delete(event);
      else sayHeld(log, event, kind);
    }
    if (holding.size > 0) timer = clock.after(REPORT_EVERY, report);
  };
  const hold = (event: string, kind: Kind, level: Level, sentence: string): void => {
    kind.held += 1;
    kind.last = { level, sentence };
    holding.set(event, kind);
    timer ??= clock.after(REPORT_EVERY, report);
  };
  const write = (level: Level, event: string, sentence: string, fields?: Fields): void => {
    let kind = kinds.get(event);
    if (kind === undefined) {
      kind = { tokens: BURST, refilledAt: clock.now(), held: 0, last: { level, sentence } };
      kinds.set(event, kind);
    }
    if (kind.tokens === 0) refill(kind, clock.now());
    if (kind.tokens === 0) {
      hold(event, kind, level, sentence);
      return;
    }
    kind.tokens -= 1;
    log(level, event, sentence, fields);
  };
  const flush = (): void => {
    timer?.[Symbol.dispose]();
    report();
    timer?.[Symbol.dispose]();
    timer = undefined;
    holding.clear();
  };
  return Object.assign(write, { detail: log.detail, flush });
}

/** Looked at only when there are none left: most lines cost a look into a map and no look at the clock. */
function refill(kind: Kind, now: number): void {
  const whole = Math.floor(((now - kind.refilledAt) * PER_SECOND) / 1000);
  if (whole === 0) return;
  kind.tokens = Math.min(BURST, whole);
  kind.refilledAt = now;
}

function sayHeld(log: Log, event: string, kind: Kind): void {
  const { held, last } = kind;
  kind.held = 0;
  const lines = held === 1 ? "1 more line of this kind was" : `${held} more lines of this kind were`;
  log(last.level, "log.held", `${lines} held back, the last one: ${last.sentence}`, { held, of: event });
}
