import type { Clock } from "../clock.js";
import type { Config } from "../config/model.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";

/** What `holdfast give-way` is told: how long keepalived may take to start, and how long both run then; or why not. */
export type GiveWayAnswer =
  | { readonly giveWay: { readonly pid: number; readonly patienceMs: number; readonly besideMs: number } }
  | { readonly error: string };

export type GiveWaySource = () => Promise<GiveWayAnswer>;

export interface GiveWayDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The process that has our pid file now; undefined: none. */
  readonly keepalived: () => number | undefined;
  /** How long both run: until keepalived is MASTER, and has asked its servers. */
  readonly beside: Milliseconds;
  /** It serves: time to leave without a word. */
  readonly onServes: () => void;
  /** None was started: everything is as before. */
  readonly onNobody: () => void;
}

/** For somebody who types the next command. */
export const PATIENCE = ms(60_000);
const LOOK_EVERY = ms(200);
/** Whoever asks us to stop has keepalived started at the same time (Conflicts= of systemd), or not at all. */
const STARTS_WITHIN = ms(3000);
/** To read its configuration, and to ask its servers for the first time. */
const STARTS = ms(3000);
/** Master down interval and skew time, in advert intervals (RFC 9568 section 6.1). */
const CLAIMS_AFTER = 4;

/** keepalived begins as BACKUP, whoever is MASTER on its own host: it is heard by others only. */
export function besideFor({ global, vrrpInstances }: Pick<Config, "global" | "vrrpInstances">): Milliseconds {
  const slowest = vrrpInstances.reduce((longest, { advertInterval }) => Math.max(longest, advertInterval), 0);
  return ms(STARTS + CLAIMS_AFTER * slowest + global.startup.delay);
}

/** Runs beside a keepalived that was started in our place, until that one serves. */
export class GiveWay implements Disposable {
  readonly #deps: GiveWayDeps;
  readonly #until: Milliseconds;
  #stopBy: Milliseconds | undefined;
  #beside: { readonly pid: number; readonly since: Milliseconds } | undefined;
  #look: Disposable | undefined;

  constructor(deps: GiveWayDeps) {
    this.#deps = deps;
    this.#until = ms(deps.clock.now() + PATIENCE);
    this.#arm();
  }

  /** Somebody wants us to stop. @returns whether that comes by itself: keepalived is there, or may be in a moment */
  stopsLater(): boolean {
    this.#stopBy ??= ms(this.#deps.clock.now() + STARTS_WITHIN);
    return this.#beside !== undefined || this.#deps.clock.now() < this.#stopBy;
  }

  [Symbol.dispose](): void {
    this.#look?.[Symbol.dispose]();
  }

  #arm(): void {
    this.#look = this.#deps.clock.after(LOOK_EVERY, () => this.#turn());
  }

  #turn(): void {
    const { clock, log, keepalived, beside, onServes, onNobody } = this.#deps;
    const now = clock.now();
    const pid = keepalived();
    if (pid !== this.#beside?.pid) {
      this.#beside = pid === undefined ? undefined : { pid, since: now };
      const seconds = (beside / 1000).toFixed(1);
      if (pid === undefined) log("warning", "give-way.gone", "keepalived has ended again: waiting for it, all stays");
      else log("notice", "give-way.beside", `keepalived (pid ${pid}) has started: leaving in ${seconds} s`, { pid });
    }
    if (this.#beside !== undefined && now - this.#beside.since >= beside) onServes();
    else if (this.#beside === undefined && now >= Math.min(this.#until, this.#stopBy ?? this.#until)) onNobody();
    else this.#arm();
  }
}
