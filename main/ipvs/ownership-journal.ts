import { destinationRecord, type OwnershipRecord } from "./ownership.js";
import type { Destination } from "./table.js";

/** What became ours or was changed by us, and the keys of what is ours no longer. */
export type HearOwnership = (added: readonly OwnershipRecord[], removed: readonly string[]) => void;

/** Destinations of one service that were made together with it. */
interface Pool {
  /** Of the service; its destinations' keys begin with its key. */
  readonly record: OwnershipRecord;
  readonly untold: Iterator<Destination>;
}

const RECORDS_AT_ONCE = 256;

/**
 * Changes of what is ours, until they are told. Single changes are told after the pass that made them. The records of new
 * pools can wait until the kernel needs nothing more: should we die before that, the next daemon finds there what it wants,
 * and takes it for its own.
 */
export class OwnershipJournal {
  readonly #hear: HearOwnership | undefined;
  readonly #added: OwnershipRecord[] = [];
  readonly #removed: string[] = [];
  readonly #pools: Pool[] = [];

  constructor(hear: HearOwnership | undefined) {
    this.#hear = hear;
  }

  added(record: OwnershipRecord): void {
    this.#added.push(record);
  }

  removed(key: string): void {
    this.#removed.push(key);
  }

  created(service: OwnershipRecord, destinations: Iterable<Destination>): void {
    this.#pools.push({ record: service, untold: destinations[Symbol.iterator]() });
  }

  /** Single changes wait to be told. */
  get hasChanges(): boolean {
    return this.#added.length + this.#removed.length > 0;
  }

  /** Tells a part: new pools, which are older, before single changes. @returns false when there was none left */
  tellSome(): boolean {
    return this.#tellPools() || this.#tellChanges();
  }

  #tellPools(): boolean {
    const records: OwnershipRecord[] = [];
    for (let pool = this.#pools[0]; pool !== undefined; pool = this.#pools[0]) {
      const next = pool.untold.next();
      if (next.done === true) {
        records.push(pool.record);
        this.#pools.shift();
      } else {
        records.push(destinationRecord(pool.record.key, next.value));
      }
      if (records.length >= RECORDS_AT_ONCE) break;
    }
    if (records.length > 0) this.#hear?.(records, []);
    return records.length > 0;
  }

  #tellChanges(): boolean {
    if (!this.hasChanges) return false;
    const removed = this.#removed.splice(0, RECORDS_AT_ONCE);
    const added = this.#added.splice(0, RECORDS_AT_ONCE - removed.length); // also when nobody hears: else they never come to an end
    this.#hear?.(added, removed);
    return true;
  }
}
