import assert from "node:assert/strict";
import type { Clock } from "../../main/clock.js";
import { MemoryBackend } from "../../main/ipvs/memory-backend.js";
import { type Operation, operationTarget } from "../../main/ipvs/operation.js";
import type { OwnershipRecord } from "../../main/ipvs/ownership.js";
import type { ReconcilePolicy } from "../../main/ipvs/planner.js";
import { type Destination, destinationKey, type ServiceEntry, type Table, tableOf } from "../../main/ipvs/table.js";
import { IpvsWriter } from "../../main/ipvs/writer.js";
import type { Log } from "../../main/observe/log.js";
import { type Milliseconds, ms } from "../../main/units.js";

/** Time that passes only when a test says so. */
export class HandClock implements Clock {
  #now = 0;
  #timers: { readonly at: number; readonly fn: () => void }[] = [];

  now(): Milliseconds {
    return ms(this.#now);
  }

  after(delay: Milliseconds, fn: () => void): Disposable {
    const timer = { at: this.#now + delay, fn };
    this.#timers.push(timer);
    return {
      [Symbol.dispose]: () => {
        this.#timers = this.#timers.filter((t) => t !== timer);
      },
    };
  }

  get pending(): number {
    return this.#timers.length;
  }

  /** Runs what is due, one timer at a time in the order of their times, and lets the loop come to rest after each. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= end).sort((x, y) => x.at - y.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((t) => t !== due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
      await rest();
    }
    this.#now = end;
  }
}

/** Turns of the loop: more than the longest chain of answers that one change causes here. */
export async function rest(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

export interface StandOptions {
  readonly refuse?: (operation: Operation) => number | undefined;
  readonly policy?: ReconcilePolicy;
}

/** A writer over the in-memory back end, with everything it says and does recorded. */
export class Stand {
  readonly clock = new HandClock();
  readonly logs: { readonly level: string; readonly event: string; readonly sentence: string }[] = [];
  /** What reached the back end, without the address of the service: `new-dest [10.0.0.1]:80`. */
  sent: string[] = [];
  batches = 0;
  #wanted: Table = new Map();
  readonly owned = new Map<string, number>();
  readonly backend: MemoryBackend;
  readonly writer: IpvsWriter;
  readonly log: Log;
  policy: ReconcilePolicy;

  constructor({ refuse, policy = "presence" }: StandOptions = {}) {
    this.policy = policy;
    this.backend = new MemoryBackend({
      refuse: (operation) => refuse?.(operation),
      onApply: (operations) => {
        this.batches += 1;
        this.sent.push(...operations.map((operation) => `${operation.do} ${operationTarget(operation)}`));
      },
    });
    this.log = Object.assign(
      (level: string, event: string, sentence: string) => void this.logs.push({ level, event, sentence }),
      { detail: false },
    );
    this.writer = this.anotherWriter();
  }

  /** As after a restart: same kernel, new process. */
  anotherWriter(): IpvsWriter {
    return new IpvsWriter({
      backend: this.backend,
      clock: this.clock,
      log: this.log,
      policy: () => this.policy,
      onOwnershipChange: (added, removed) => this.#record(added, removed),
    });
  }

  records(): OwnershipRecord[] {
    return [...this.owned].map(([key, print]) => ({ key, print }));
  }

  /** Writes `entries` as the first table. */
  async start(...entries: readonly ServiceEntry[]): Promise<void> {
    this.#wanted = tableOf(entries);
    this.writer.setDesired(this.#wanted);
    await this.writer.ready();
    this.sent = [];
    this.batches = 0;
  }

  async reload(...entries: readonly ServiceEntry[]): Promise<void> {
    const before = this.#wanted;
    this.#wanted = tableOf(entries);
    for (const _ of this.writer.forgive());
    for (const key of before.keys()) if (!this.#wanted.has(key)) this.writer.setService(key, undefined, "bulk");
    for (const [key, entry] of this.#wanted) if (before.get(key) !== entry) this.writer.setService(key, entry, "bulk");
    await rest();
  }

  /** Somebody else's ipvsadm. */
  async others(...operations: readonly Operation[]): Promise<void> {
    const before = this.sent.length;
    const verdicts = await this.backend.apply(operations);
    this.sent.length = before;
    this.batches -= 1;
    assert.deepEqual(
      verdicts.map((v) => v.errno),
      operations.map(() => 0),
    );
  }

  /** What the kernel has: weights by destination, by service. */
  async kernel(): Promise<Record<string, Record<string, number>>> {
    const table: Record<string, Record<string, number>> = {};
    const services = await this.backend.dumpServices();
    if (services.kind === "unreliable") throw new Error(services.why);
    for (const service of services.entries) {
      const dump = await this.backend.dumpDestinations(service);
      if (dump.kind === "unreliable") throw new Error(dump.why);
      const name = service.match.kind === "address" ? service.match.address : `mark ${service.match.fwmark}`;
      table[name] = Object.fromEntries(dump.entries.map((d: Destination) => [destinationKey(d), d.weight]));
    }
    return table;
  }

  events(event: string): string[] {
    return this.logs.filter((line) => line.event === event).map((line) => line.sentence);
  }

  #record(added: readonly OwnershipRecord[], removed: readonly string[]): void {
    for (const { key, print } of added) this.owned.set(key, print);
    for (const key of removed) this.owned.delete(key);
  }
}
