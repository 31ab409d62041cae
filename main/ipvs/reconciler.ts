import type { Clock } from "../clock.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import type { Dump, IpvsBackend } from "./backend.js";
import { Pacer, TICK_MS } from "./pacer.js";
import type { ReconcilePolicy } from "./planner.js";
import type { ServiceId, ServiceKey } from "./table.js";
import type { IpvsWriter } from "./writer.js";

export interface ReconcilerOptions {
  readonly backend: IpvsBackend;
  readonly writer: IpvsWriter;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked anew at each tick: with `off` nothing is read. */
  readonly policy: () => ReconcilePolicy;
}

const FAILURES_TO_LOG = 5;
/** How often the number of services is looked at for one that has fallen: between that and the first repair lies hardly more. */
const GLANCE_MS = 100;

interface Watched {
  readonly key: ServiceKey;
  readonly id: ServiceId;
}

/**
 * Notices what others do to the table, of which the kernel says nothing by itself: the services every second or as soon as
 * their number changes (at once when it falls: then something does not serve), the destinations service by service. What it reads
 * goes to the writer, which compares and repairs.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #pacer = new Pacer();
  #timer: Disposable | undefined;
  #tick: Promise<void> | undefined;
  #glances: Disposable | undefined;
  /** The number of services at the last glance. */
  #glimpsed: number | undefined;
  /** Our own deletes make it fall too, and those in other network namespaces: a dump for each could be too much. */
  #nextFallAt = 0;
  /** The reading of all services that is under way, or was the last. */
  #reading: Promise<void> = Promise.resolve();
  #nextReading: Promise<void> | undefined;
  #stopped: boolean = false;
  #servicesDue = 0;
  #hint: number | undefined;
  /** What is left of the current round. */
  #round: Watched[] = [];
  /** With how many services it began. */
  #roundSize = 0;
  #roundBegan = 0;
  /** How long the last whole round really took: readings and other work stretch it beyond its plan. */
  #lastRound = 0;
  #failures = 0;
  #pollPeriod: Milliseconds = ms(TICK_MS);

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** From now on, until `stop`. */
  start(): void {
    this.#roundBegan = this.#options.clock.now();
    this.#arm();
    this.#glance();
  }

  /** Time after which every entry has been looked at again; grows with the table to stay within 5 % of a core. */
  get pollPeriod(): Milliseconds {
    return this.#pollPeriod;
  }

  /** Resolves when the last reading has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
    this.#glances?.[Symbol.dispose]();
    await this.#tick;
    await (this.#nextReading ?? this.#reading);
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(ms(TICK_MS), () => {
      this.#tick = this.#poll().finally(() => this.#arm());
    });
  }

  /** Beside the ticks, which wait for whatever is being read. */
  #glance(): void {
    if (this.#stopped) return;
    const { backend, clock, policy } = this.#options;
    const before = this.#glimpsed;
    this.#glimpsed = backend.serviceCountHint();
    const fell = before !== undefined && this.#glimpsed !== undefined && this.#glimpsed < before;
    if (fell && policy() !== "off" && clock.now() >= this.#nextFallAt) {
      this.#nextFallAt = clock.now() + this.#pacer.fallingPeriod;
      void this.#readServices();
    }
    this.#glances = clock.after(ms(GLANCE_MS), () => this.#glance());
  }

  async #poll(): Promise<void> {
    if (this.#options.policy() === "off") return;
    if (this.#areServicesDue()) await this.#readServices();
    await this.#pollDestinations();
  }

  /** The hint also moves by what we write, and by other network namespaces: then a dump was for nothing, no more. */
  #areServicesDue(): boolean {
    const hint = this.#options.backend.serviceCountHint();
    const changed = hint !== this.#hint;
    this.#hint = hint;
    const everyTick = hint === undefined && this.#pacer.servicesAreCheap;
    return changed || everyTick || this.#options.clock.now() >= this.#servicesDue;
  }

  /** One reading at a time. Who asks while one is under way, which may have begun too early, gets the one after it. */
  #readServices(): Promise<void> {
    this.#nextReading ??= this.#reading.then(() => {
      this.#nextReading = undefined;
      this.#reading = this.#pollServices();
      return this.#reading;
    });
    return this.#nextReading;
  }

  async #pollServices(): Promise<void> {
    if (this.#stopped) return;
    const { backend, writer, clock } = this.#options;
    const { stamp } = writer;
    const begin = clock.now();
    const dump = await backend.dumpServices();
    this.#pacer.measuredServices(clock.now() - begin);
    this.#servicesDue = clock.now() + this.#pacer.servicesPeriod;
    if (this.#isReadable(dump)) await writer.observeServices(dump.entries, stamp);
  }

  async #pollDestinations(): Promise<void> {
    const { backend, writer, clock } = this.#options;
    if (this.#round.length === 0) this.#beginRound();
    const services = this.#roundSize;
    this.#pollPeriod = ms(Math.max(this.#pacer.roundPeriod(services), this.#pacer.servicesPeriod, this.#lastRound));
    for (let left = this.#pacer.portion(services); left > 0 && !this.#stopped; left--) {
      const next = this.#next();
      if (next === undefined) return;
      const { stamp } = writer;
      const begin = clock.now();
      const dump = await backend.dumpDestinations(next.id);
      this.#pacer.measuredDestinations(clock.now() - begin);
      if (this.#isReadable(dump)) await writer.observeDestinations(next.key, dump.entries, stamp);
      if (this.#round.length > 0) continue;
      this.#pacer.roundEnded();
      this.#lastRound = clock.now() - this.#roundBegan;
      this.#roundBegan = clock.now();
    }
  }

  #next(): Watched | undefined {
    if (this.#round.length === 0) this.#beginRound();
    return this.#round.pop();
  }

  /** Not at each tick: a list of thousands is garbage that somebody has to collect. */
  #beginRound(): void {
    this.#round = [...this.#options.writer.watched()].reverse();
    this.#roundSize = this.#round.length;
  }

  /** One reading may fail because the table changed meanwhile; several in a row are a line in the log, and one when it ends. */
  #isReadable<T>(dump: Dump<T>): dump is Extract<Dump<T>, { kind: "complete" }> {
    const { log } = this.#options;
    if (dump.kind === "unreliable") {
      this.#failures += 1;
      if (this.#failures === FAILURES_TO_LOG)
        log("error", "ipvs.unreadable", `IPVS: the table cannot be read (${dump.why}): changes by others go unnoticed`);
      return false;
    }
    if (this.#failures >= FAILURES_TO_LOG) log("notice", "ipvs.readable", "IPVS: the table can be read again");
    this.#failures = 0;
    return true;
  }
}
