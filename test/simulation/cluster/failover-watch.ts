import { skewOf } from "./reference.js";
import type { Schedule } from "./schedule.js";

/** How long nobody was master, and how long the protocol itself says that this lasts. Both in ms since the master went. */
export interface Failover {
  readonly after: "crash" | "stop";
  readonly took: number;
  readonly protocol: number;
  /** The interval of the adverts, to compare. */
  readonly interval: number;
}

/** Measures failovers that nothing else disturbs. */
export class FailoverWatch {
  readonly failovers: Failover[] = [];
  #expected: (Omit<Failover, "took"> & { readonly at: number }) | undefined;

  /**
   * The only master goes now.
   * @param backups those who could follow it, and when each one's Master_Down_Interval ends if nothing comes
   */
  expect(
    after: "crash" | "stop",
    now: number,
    { version, routers }: Schedule,
    backups: readonly { readonly priority: number; readonly dueIn: number }[],
  ): void {
    const interval = routers[0]?.interval ?? 0;
    const sameInterval = routers.every((r) => r.interval === interval);
    if (backups.length === 0 || !sameInterval) return;
    const waits = backups.map((b) => (after === "crash" ? b.dueIn : skewOf(version, b.priority, interval)));
    this.#expected = { after, at: now, interval, protocol: Math.min(...waits) };
  }

  tookOver(now: number): void {
    if (this.#expected === undefined) return;
    const { at, ...expected } = this.#expected;
    this.failovers.push({ ...expected, took: now - at });
    this.#expected = undefined;
  }

  /** Something else happens: what follows says nothing. */
  spoil(): void {
    this.#expected = undefined;
  }
}
