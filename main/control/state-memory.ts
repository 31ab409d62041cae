import type { RecordKind } from "./record-index.js";
import { type SlabRecord, StateSlab } from "./state-slab.js";

/** Where the memory comes from. */
export interface StatePieces {
  /** What is there already: one at least, and more where an earlier daemon needed them. */
  readonly first: readonly Buffer[];
  /** One more. @throws Error when there is none to be had */
  readonly more: () => Buffer;
  /** Then; once. */
  readonly onFull: (why: string) => void;
}

/**
 * What must outlive a crash, in as many slabs as it takes: 50,000 virtual servers with a server each have 200,000 records. A slab
 * never moves, so to grow costs no more than to open another one; a record is looked for in one after the other.
 */
export class StateMemory {
  readonly #options: StatePieces;
  readonly #slabs: StateSlab[];
  #isFull: boolean = false;

  constructor(options: StatePieces) {
    this.#options = options;
    this.#slabs = options.first.map((bytes) => new StateSlab(bytes));
  }

  /** All records of a kind. */
  *records(kind: RecordKind): Generator<SlabRecord> {
    for (const slab of this.#slabs) yield* slab.records(kind);
  }

  get(kind: RecordKind, key: string): SlabRecord | undefined {
    for (let n = 0; n < this.#slabs.length; n++) {
      const record = this.#slabs[n]?.get(kind, key);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  /** What finds no room is forgotten by a crash. @throws RangeError when `key` is longer than 48 octets: a mistake of the caller */
  set(kind: RecordKind, key: string, state: number, number = 0): void {
    for (let n = 0; n < this.#slabs.length; n++) if (this.#slabs[n]?.update(kind, key, state, number)) return;
    for (let n = 0; n < this.#slabs.length; n++) if (this.#slabs[n]?.add(kind, key, state, number)) return;
    this.#grow()?.add(kind, key, state, number);
  }

  delete(kind: RecordKind, key: string): void {
    for (let n = 0; n < this.#slabs.length; n++) if (this.#slabs[n]?.delete(kind, key)) return;
  }

  #grow(): StateSlab | undefined {
    if (this.#isFull) return undefined;
    try {
      const slab = new StateSlab(this.#options.more());
      this.#slabs.push(slab);
      return slab;
    } catch (error) {
      this.#isFull = true;
      this.#options.onFull(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
}
