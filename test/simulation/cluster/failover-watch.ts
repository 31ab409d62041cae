import type { Report } from "./conformance.js";
import { masterDownOf, skewOf } from "./reference.js";
import type { Schedule } from "./schedule.js";

/** How long nobody was master, and how long the protocol itself says that this lasts. Both in ms since the master went. */
export interface Failover {
  readonly after: "crash" | "stop";
  readonly took: number;
  readonly protocol: number;
  /** Of the adverts, to compare. */
  readonly interval: number;
}

export interface Backup {
  readonly priority: number;
  readonly preempts: boolean;
}

/** For the millisecond in which sockets are read before a late timer is believed, and for clocks that drift. */
const SLACK_MS = 1.5;
const DRIFT = 5e-4;

/**
 * Measures failovers that nothing else disturbs. A crash: Master_Down_Interval of the first backup after the last advert.
 * A stop: its Skew_Time. Beyond that only the network's own time may pass.
 */
export class FailoverWatch {
  readonly failovers: Failover[] = [];
  readonly #schedule: Schedule;
  readonly #report: Report;
  readonly #interval: number;
  readonly #alike: boolean;
  #expected: (Omit<Failover, "took"> & { readonly at: number }) | undefined;
  #lastAdvertAt = 0;

  constructor(schedule: Schedule, report: Report) {
    this.#schedule = schedule;
    this.#report = report;
    this.#interval = schedule.routers[0]?.interval ?? 0;
    const reloaded = schedule.incidents.some((i) => i.do === "reload" && i.change.what === "interval");
    this.#alike = !reloaded && schedule.routers.every((r) => r.interval === this.#interval);
  }

  advertised(now: number): void {
    this.#lastAdvertAt = now;
  }

  /** The only master goes now. */
  expect(after: "crash" | "stop", now: number, priority: number, backups: readonly Backup[]): void {
    const preempting = backups.some((b) => b.preempts && b.priority > priority);
    if (backups.length === 0 || !this.#alike || preempting) return;
    const { version } = this.#schedule;
    const interval = this.#interval;
    const since = now - this.#lastAdvertAt;
    const waits = backups.map((b) =>
      after === "crash" ? masterDownOf(version, b.priority, interval) - since : skewOf(version, b.priority, interval),
    );
    this.#expected = { after, at: now, interval, protocol: Math.min(...waits) };
  }

  tookOver(now: number): void {
    if (this.#expected === undefined) return;
    const { at, ...expected } = this.#expected;
    this.#expected = undefined;
    const failover = { ...expected, took: now - at };
    this.failovers.push(failover);
    const over = failover.took - failover.protocol;
    const rounding = failover.protocol * DRIFT + 1e-3;
    if (over >= -rounding && over <= 2 * this.#schedule.latency + rounding + SLACK_MS) return;
    const sentence = `after a ${failover.after} ${failover.took.toFixed(3)} ms, the protocol says ${failover.protocol.toFixed(3)}`;
    this.#report("failover out of time", sentence);
  }

  /** Something else happens: what follows says nothing. */
  spoil(): void {
    this.#expected = undefined;
  }
}
