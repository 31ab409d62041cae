import type { Clock } from "../clock.js";
import type { Log } from "../observe/log.js";
import { nextTurn } from "../turn.js";
import type { IpvsBackend } from "./backend.js";
import { Batcher, ENTRIES_PER_LOOK, type Run, type Settled, TurnBudget } from "./batcher.js";
import type { Drift, Plan } from "./diff.js";
import { printOf } from "./fingerprint.js";
import { type OwnershipRecord, ownershipKey, parseOwnershipKey } from "./ownership.js";
import { type HearOwnership, OwnershipJournal } from "./ownership-journal.js";
import { Planner, type ReconcilePolicy } from "./planner.js";
import { type RepairedSlot, Reporter } from "./reporter.js";
import { Retries } from "./retries.js";
import { Slot } from "./slot.js";
import { readUnread } from "./slot-reading.js";
import {
  type Destination,
  destinationIdOf,
  type Service,
  type ServiceEntry,
  type ServiceId,
  type ServiceKey,
  serviceKey,
  type Table,
} from "./table.js";
import { pendingDeletes, plannedAdds, takeNote, type Work, wholeService } from "./work.js";

export interface WriterOptions {
  readonly backend: IpvsBackend;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked anew each time: a reload may change it. */
  readonly policy: () => ReconcilePolicy;
  /** For the state that outlives a crash. */
  readonly onOwnershipChange?: HearOwnership;
}

export interface WriterStatus {
  readonly services: number;
  readonly destinations: number;
  readonly drift: readonly Drift[];
  /** Sentences of what the kernel refuses. */
  readonly failing: readonly string[];
  /** Entries that are left alone because somebody else removes or changes them again and again. */
  readonly contested: readonly string[];
  readonly repairs: number;
}

/**
 * What goes at the end: nothing, what is ours, whole services of ours whatever is in them (`lvs_flush_on_stop VS`), or all that the
 * kernel has (`lvs_flush_on_stop`).
 */
export type Release = "none" | "ours" | "services" | "table";

/** Operations of one pass. Between two passes what has become more urgent goes first. */
const PASS_OPERATIONS = 1024;
/** Of the first one, which is one request: where a whole table is missing, it serves while the rest is being compared. */
const FIRST_OPERATIONS = 128;
const isUnread = (slot: Slot): boolean => slot.actual.kind === "unread";
/** What finishing a slot counts for, in entries of a `TurnBudget`. */
const ENTRIES_PER_SLOT = 8;

/**
 * Brings the kernel's table to the desired one and keeps the record of what is ours. Changes of one turn of the loop become
 * one batch; one batch is in flight at a time; adds are acknowledged before deletes are sent.
 */
export class IpvsWriter {
  readonly #options: WriterOptions;
  readonly #batcher: Batcher;
  readonly #reporter: Reporter;
  readonly #planner: Planner;
  readonly #retries: Retries;
  readonly #slots = new Map<ServiceKey, Slot>();
  readonly #journal: OwnershipJournal;
  /** To be compared with the kernel: single services first, the rest of a whole table after them. */
  readonly #urgent = new Set<Slot>();
  readonly #bulk = new Set<Slot>();
  /** What the last reading found, in the kernel's order. */
  #listed: readonly ServiceKey[] = [];
  readonly #readyWaiters: (() => void)[] = [];
  #phase: "waiting" | "writing" | "ready" | "stopped" = "waiting";
  #running: Promise<void> | undefined;

  constructor(options: WriterOptions) {
    const { backend, clock, log, policy, onOwnershipChange } = options;
    this.#options = options;
    this.#journal = new OwnershipJournal(onOwnershipChange);
    this.#batcher = new Batcher(backend, clock);
    this.#reporter = new Reporter(log);
    this.#planner = new Planner({ clock, policy, reporter: this.#reporter, onRelease: (slot) => this.#mark(slot) });
    this.#retries = new Retries(clock, (slot) => this.#mark(slot));
  }

  /**
   * What was ours when the last daemon ended. Before `setDesired`. Entries that are not wanted any more are deleted then;
   * a weight that somebody set by hand meanwhile stays. Records that make no sense are skipped. A record per step.
   */
  *adopt(records: Iterable<OwnershipRecord>): Generator<void> {
    for (const { key, print } of records) {
      const entry = parseOwnershipKey(key);
      if (entry !== undefined) this.#slotOf(entry.service).adopt(entry.destination, print);
      yield;
    }
  }

  /** The first wish. What is ours and not in `table` is to go. */
  setDesired(table: Table): void {
    if (this.#phase === "stopped") return;
    if (this.#phase === "waiting") this.#phase = "writing";
    for (const entry of table.values()) this.#slotOf(entry.service);
    for (const slot of this.#slots.values()) {
      slot.desired = table.get(slot.key);
      this.#bulk.add(slot);
    }
    this.#schedule();
  }

  /** A reload, before its changes: what was set by hand is put back, and what was left alone is tried again. In small steps. */
  *forgive(): Generator<void> {
    if (this.#phase === "stopped" || this.#phase === "waiting") return;
    this.#planner.forgive();
    for (const slot of this.#slots.values()) {
      slot.resetDrift = "until-read";
      if (slot.isInTrouble) this.#bulk.add(slot);
      if (slot.held.size > 0) slot.held.clear();
      yield;
    }
    this.#schedule();
  }

  /** The kernel's table is another one than before: nothing that is known of it counts any more. In small steps. */
  *startOver(): Generator<void> {
    for (const slot of this.#slots.values()) {
      slot.actual = { kind: "unread" };
      this.#bulk.add(slot);
      yield;
    }
    this.#schedule();
  }

  /**
   * Replaces the wish for one service; `undefined`: it is to go. Before the first `setDesired` it only takes note. `bulk`: one of
   * many; what is urgent goes first.
   */
  setService(key: ServiceKey, entry: ServiceEntry | undefined, queue: "urgent" | "bulk" = "urgent"): void {
    const slot = entry === undefined ? this.#slots.get(key) : this.#slotOf(entry.service);
    if (slot === undefined) return;
    slot.desired = entry;
    if (entry === undefined) slot.doubt();
    if (queue === "urgent") this.#urgent.add(slot);
    else this.#bulk.add(slot);
    this.#schedule();
  }

  /** The wish for one service, as last set. */
  desired(key: ServiceKey): ServiceEntry | undefined {
    return this.#slots.get(key)?.desired;
  }

  /** Resolves when every entry of the first desired table has been written, or refused by the kernel. */
  ready(): Promise<void> {
    if (this.#phase === "ready" || this.#phase === "stopped") return Promise.resolve();
    return new Promise((resolve) => this.#readyWaiters.push(resolve));
  }

  /** All that is ours now. */
  *ownership(): Generator<OwnershipRecord> {
    for (const { id, owned } of this.#slots.values()) {
      if (owned.print !== undefined) yield { key: ownershipKey(id), print: owned.print };
      for (const [key, written] of owned.destinations)
        yield { key: ownershipKey(id, destinationIdOf(key)), print: printOf(written) };
    }
  }

  /** Moves on with every batch: take it before reading the kernel, and hand it in with what was read. */
  get stamp(): number {
    return this.#batcher.stamp;
  }

  /** Services that are wanted: what is worth watching in the kernel. */
  *watched(): Generator<{ readonly key: ServiceKey; readonly id: ServiceId }> {
    for (const slot of this.#slots.values()) if (slot.desired !== undefined) yield slot;
  }

  /** A complete reading of all services, begun at `stamp`. What has been written since then knows better. In turns of the loop. */
  async observeServices(services: readonly Service[], stamp: number): Promise<void> {
    const budget = new TurnBudget(this.#options.clock);
    const found = new Map<ServiceKey, Service>();
    for (const service of services) {
      found.set(serviceKey(service), service);
      if (budget.worked(1)) await budget.breathe();
    }
    for (const slot of this.#inOrderOfRepair(found)) {
      const outdated = slot.touched > stamp || slot.actual.kind === "unread";
      if (!outdated && slot.observeService(found.get(slot.key))) this.#mark(slot);
      if (budget.worked(1)) await budget.breathe();
    }
    this.#listed = [...found.keys()];
  }

  /**
   * When services are missing, first those that the kernel listed last. It flushes a table in the order of its listing, keeps each
   * destination for a minute, and searches all that it keeps, the last one first, for each new one. In this order it finds
   * each at once; otherwise that takes seconds for tens of thousands (net/netfilter/ipvs/ip_vs_ctl.c, dest_trash).
   */
  *#inOrderOfRepair(found: ReadonlyMap<ServiceKey, Service>): Generator<Slot> {
    if (found.size < this.#listed.length)
      for (const key of this.#listed.toReversed()) {
        const slot = this.#slots.get(key);
        if (slot !== undefined && !found.has(key)) yield slot;
      }
    yield* this.#slots.values();
  }

  /** A complete reading of the destinations of one service, begun at `stamp`. */
  async observeDestinations(key: ServiceKey, destinations: readonly Destination[], stamp: number): Promise<void> {
    const slot = this.#slots.get(key);
    if (slot === undefined || slot.touched > stamp) return;
    const budget = new TurnBudget(this.#options.clock);
    const steps = slot.observeDestinations(destinations);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) {
      await budget.breathe();
      if (slot.touched > stamp) return;
    }
    if (step.value) this.#mark(slot);
  }

  /**
   * Finishes what is in flight. With `release` deletes what is ours, service by service; services in which somebody else
   * has destinations stay. Nothing is written afterwards.
   */
  async stop({ release }: { readonly release: Release }): Promise<void> {
    if (this.#phase === "stopped") return this.#running;
    this.#phase = "stopped";
    this.#retries[Symbol.dispose]();
    this.#planner[Symbol.dispose]();
    await this.#running;
    if (release !== "none") {
      this.#running = this.#release(release);
      await this.#running;
    }
    for (const resolve of this.#readyWaiters.splice(0)) resolve();
  }

  snapshot(): WriterStatus {
    const slots = [...this.#slots.values()];
    return {
      services: slots.filter((slot) => slot.owned.print !== undefined).length,
      destinations: slots.reduce((sum, slot) => sum + slot.owned.destinations.size, 0),
      drift: slots.flatMap((slot) => slot.drift),
      failing: slots.flatMap((slot) => [...slot.failing.values()]),
      contested: slots.flatMap((slot) =>
        [...slot.held].map((key) => (key === slot.key ? key : `${slot.key} -> ${key}`)),
      ),
      repairs: this.#reporter.repairs,
    };
  }

  /** What the kernel refuses of a service, and what of it is left alone because somebody else manages it too. As sentences. */
  troubles(key: ServiceKey): readonly string[] {
    const slot = this.#slots.get(key);
    if (slot === undefined) return [];
    const placeOf = (held: string): string => (held === key ? key : `${key} -> ${held}`);
    const contested = [...slot.held].map(
      (held) => `IPVS ${placeOf(held)}: somebody else manages it too: left alone for now`,
    );
    return [...slot.failing.values(), ...contested];
  }

  #slotOf(id: ServiceId): Slot {
    const key = serviceKey(id);
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const slot = new Slot(id, this.#journal);
    this.#slots.set(key, slot);
    return slot;
  }

  #mark(slot: Slot): void {
    this.#urgent.add(slot);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#running !== undefined || this.#phase === "waiting" || this.#phase === "stopped") return;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    await nextTurn(); // the rest of this turn's changes
    const budget = new TurnBudget(this.#options.clock);
    for (let atMost = FIRST_OPERATIONS; ; ) {
      while (this.#phase !== "stopped" && this.#urgent.size + this.#bulk.size > 0) {
        await this.#read(budget);
        await this.#pass(await this.#takeWork(budget, atMost), budget);
        atMost = PASS_OPERATIONS;
        await budget.pause(); // what others have ready by then goes into the same batch
      }
      this.#beReady();
      if (!this.#journal.tellSome()) break;
      await budget.breathe();
    }
    this.#running = undefined;
  }

  #beReady(): void {
    if (this.#phase !== "writing") return;
    if ([...this.#slots.values()].some((slot) => slot.actual.kind === "unread")) return;
    this.#phase = "ready";
    for (const resolve of this.#readyWaiters.splice(0)) resolve();
  }

  async #read(budget: TurnBudget): Promise<void> {
    const waiting = this.#unread();
    if (waiting.length === 0) return;
    const isUrgent = this.#urgent.size > 0;
    const why = await readUnread(this.#options.backend, waiting, budget, () => !isUrgent && this.#urgent.size > 0);
    if (why === undefined) return;
    this.#reporter.unreadable(why);
    for (const slot of waiting) if (isUnread(slot)) this.#postpone(slot);
  }

  /** What is to be read now. A reading is one of all services, so what is not urgent waits until nothing else is left to do. */
  #unread(): Slot[] {
    if (this.#urgent.size > 0) return [...this.#urgent].filter(isUnread);
    const waiting = [...this.#bulk];
    return waiting.every(isUnread) ? waiting : [];
  }

  #postpone(slot: Slot): void {
    this.#urgent.delete(slot);
    this.#bulk.delete(slot);
    this.#retries.failed(slot);
  }

  async #takeWork(budget: TurnBudget, atMost: number): Promise<Work[]> {
    const work: Work[] = [];
    let operations = 0;
    for (const queue of [this.#urgent, this.#bulk])
      for (const slot of queue) {
        if (operations >= atMost) return work;
        if (slot.actual.kind === "unread") continue; // came while others were read: stays in its queue for the next pass
        this.#urgent.delete(slot);
        this.#bulk.delete(slot);
        const plan = await this.#plan(slot, budget);
        if (plan === undefined) continue; // whoever wants it read has put it into a queue again
        operations += plan.adds.length + plan.deletes.length;
        work.push({ slot, plan, desired: slot.desired, settled: [] });
        if (budget.worked(1 + Math.min(slot.desired?.destinations.size ?? 0, ENTRIES_PER_LOOK))) await budget.breathe();
      }
    return work;
  }

  /** What the comparison found out is noted at once: the wish may be another one in the next turn. */
  async #plan(slot: Slot, budget: TurnBudget): Promise<Plan | undefined> {
    const steps = this.#planner.plan(slot);
    for (;;) {
      const step = steps.next();
      if (step.done === true) {
        if (step.value !== undefined) takeNote(slot, step.value);
        return step.value;
      }
      await budget.breathe();
    }
  }

  async #pass(work: readonly Work[], budget: TurnBudget): Promise<void> {
    await this.#apply(work, plannedAdds, budget);
    await this.#apply(work, pendingDeletes, budget);
    const repaired: RepairedSlot[] = [];
    for (const { slot, plan, settled } of work) {
      const ok = this.#finish(slot, plan, settled);
      if (ok && plan.repairs.length > 0) repaired.push({ slot, repairs: plan.repairs });
      if (budget.worked(ENTRIES_PER_SLOT)) await budget.breathe();
    }
    this.#reporter.repaired(repaired);
    while (this.#journal.hasChanges && this.#journal.tellSome()) await budget.breathe();
  }

  async #apply(work: readonly Work[], runOf: (one: Work) => Run, budget: TurnBudget): Promise<void> {
    const runs: Run[] = [];
    for (const one of work) {
      const run = runOf(one);
      if (run.operations.length > 0) runs.push(run);
      if (budget.worked(1 + run.operations.length)) await budget.breathe();
    }
    const noteworthy = await this.#batcher.apply(runs, budget);
    if (noteworthy.length === 0) return;
    const bySlot = new Map(work.map((one) => [one.slot, one.settled]));
    for (const settled of noteworthy) bySlot.get(settled.slot)?.push(settled);
  }

  /** @returns true when the slot is as it should be */
  #finish(slot: Slot, plan: Plan, settled: readonly Settled[]): boolean {
    const failed = this.#reporter.settled(slot, settled);
    this.#reporter.drifted(slot, plan.drift);
    if (plan.foreign.length > 0) this.#reporter.foreign(slot, plan.foreign);
    const surprised = settled.some((s) => s.outcome.kind === "vanished") || slot.actual.kind === "unread";
    if (failed) this.#retries.failed(slot);
    else if (surprised) this.#retries.surprised(slot);
    else this.#retries.succeeded(slot);
    if (slot.idle && !failed && !surprised) this.#slots.delete(slot.key);
    else if (plan.adds.length + plan.deletes.length > 0) slot.share();
    return !failed && !surprised;
  }

  async #release(release: Exclude<Release, "none">): Promise<void> {
    const slots = [...this.#slots.values()].reverse(); // the next start makes the first one first: see #inOrderOfRepair
    const budget = new TurnBudget(this.#options.clock);
    const flushed = release === "table" && (await this.#flush(slots));
    if (flushed) await this.#pass([], budget);
    else {
      const whole = release === "services" ? slots.filter(({ owned }) => owned.print !== undefined) : [];
      await this.#pass(whole.map(wholeService), budget);
      await this.#releaseOurs(
        slots.filter((slot) => !slot.idle),
        budget,
      );
    }
    this.#retries[Symbol.dispose]();
  }

  /** @returns false when the kernel refuses: then ours go one by one */
  async #flush(slots: readonly Slot[]): Promise<boolean> {
    const { errno, reason } = await this.#options.backend.flush();
    if (errno !== 0) {
      this.#reporter.unflushed(errno, reason);
      return false;
    }
    for (const slot of slots) slot.settle({ do: "del-service", service: slot.id }, 0);
    return true;
  }

  async #releaseOurs(slots: readonly Slot[], budget: TurnBudget): Promise<void> {
    await readUnread(this.#options.backend, slots, budget);
    for (const slot of slots) {
      slot.desired = undefined;
      const dump = await this.#options.backend.dumpDestinations(slot.id);
      if (dump.kind === "complete") for (const _ of slot.observeDestinations(dump.entries)) await budget.breathe();
      await budget.breathe();
    }
    const work: Work[] = [];
    for (const slot of slots) {
      const plan = await this.#plan(slot, budget);
      if (plan !== undefined) work.push({ slot, plan, desired: undefined, settled: [] });
    }
    await this.#pass(work, budget);
  }
}
