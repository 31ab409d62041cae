import type { Clock } from "../clock.js";
import type { VirtualServerConfig } from "../config/model.js";
import type { LivePool } from "../health/director.js";
import { inSlices } from "../health/slices.js";
import type { ServiceEntry } from "../ipvs/table.js";
import { ms } from "../units.js";

/** So long changes are collected: a storm becomes few large batches, and nobody misses 5 ms after a time-out of seconds. */
const gatherMs = 5;
/**
 * Per destination that was looked at for the changes before: one that changed costs a look at all of its virtual server, here and
 * in the writer, some 1 µs each. So a storm, however long it lasts, keeps a fifth of a core busy with that.
 */
const restMs = 0.005;
const longestRestMs = 250;

/**
 * Pools that edges have changed, on their way to the table: of thousands of edges at once, each virtual server is looked at
 * few times, in slices.
 */
export class PoolChanges {
  readonly #clock: Clock;
  readonly #write: (entry: ServiceEntry) => void;
  readonly #entriesOf: (pool: LivePool) => Generator<ServiceEntry | undefined>;
  readonly #waiting = new Map<VirtualServerConfig, LivePool>();
  #flusher: "idle" | "running" = "idle";
  #restUntil = 0;

  /** @param entriesOf what the services of a pool are to be, in small steps: undefined is a step without result */
  constructor(
    clock: Clock,
    write: (entry: ServiceEntry) => void,
    entriesOf: (pool: LivePool) => Generator<ServiceEntry | undefined>,
  ) {
    this.#clock = clock;
    this.#write = write;
    this.#entriesOf = entriesOf;
  }

  changed(pool: LivePool): void {
    this.#waiting.set(pool.config, pool);
    if (this.#flusher === "running") return;
    this.#flusher = "running";
    this.#await();
  }

  #await(): void {
    const delay = Math.max(gatherMs, this.#restUntil - this.#clock.now());
    this.#clock.after(ms(delay), () => void this.#flush()); // a rejection is a bug and stops the process as one
  }

  async #flush(): Promise<void> {
    const pools = [...this.#waiting];
    this.#waiting.clear();
    const looked = { at: 0 };
    await inSlices(this.#writeAll(pools, looked));
    this.#restUntil = this.#clock.now() + Math.min(looked.at * restMs, longestRestMs);
    if (this.#waiting.size > 0)
      this.#await(); // told meanwhile
    else this.#flusher = "idle";
  }

  *#writeAll(pools: Iterable<[VirtualServerConfig, LivePool]>, looked: { at: number }): Generator<void> {
    for (const [config, pool] of pools) {
      looked.at += config.realServers.length;
      if (!pool.isInForce()) continue;
      for (const entry of this.#entriesOf(pool)) {
        if (!pool.isInForce()) break;
        if (entry !== undefined) this.#write(entry);
        yield;
      }
    }
  }
}
