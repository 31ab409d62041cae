import { readFileSync } from "node:fs";

/** Commands of one kind. Times are ns of CLOCK_MONOTONIC (`process.hrtime.bigint()`); 0: never. */
export interface CommandCount {
  readonly count: number;
  readonly firstNs: number;
  readonly lastNs: number;
}

/** What was done to an IPVS table, as bench/native/ipvs_counts.h lays it out in a file. */
export interface TableCounts {
  readonly newService: CommandCount;
  readonly setService: CommandCount;
  readonly deleteService: CommandCount;
  readonly newDestination: CommandCount;
  readonly setDestination: CommandCount;
  readonly deleteDestination: CommandCount;
  /** Portions in which commands were handed over; counted for ours only. */
  readonly batches: CommandCount;
}

/** IPVS_CMD_* of linux/ip_vs.h; the last place is ours. */
export const commandNumbers = {
  newService: 1,
  setService: 2,
  deleteService: 3,
  newDestination: 5,
  setDestination: 6,
  deleteDestination: 7,
  batches: 31,
} as const;

const WORDS = 3;
export const countsBytes = 32 * WORDS * 8;

export function readTableCounts(file: string): TableCounts {
  const bytes = readBytes(file);
  const at = (command: number): CommandCount => {
    const word = (i: number): number => Number(bytes.readBigUInt64LE((command * WORDS + i) * 8));
    return { count: word(0), firstNs: word(1), lastNs: word(2) };
  };
  const { newService, setService, deleteService } = commandNumbers;
  const { newDestination, setDestination, deleteDestination, batches } = commandNumbers;
  return {
    newService: at(newService),
    setService: at(setService),
    deleteService: at(deleteService),
    newDestination: at(newDestination),
    setDestination: at(setDestination),
    deleteDestination: at(deleteDestination),
    batches: at(batches),
  };
}

/** All zeros as long as nobody has counted. */
function readBytes(file: string): Buffer {
  try {
    const bytes = readFileSync(file);
    if (bytes.length >= countsBytes) return bytes;
  } catch {
    // not there yet
  }
  return Buffer.alloc(countsBytes);
}

/** Counts into a mapped file of this shape, as the peer's library does. */
export class TableCounter {
  readonly #words: BigUint64Array;

  constructor(memory: Buffer) {
    this.#words = new BigUint64Array(memory.buffer, memory.byteOffset, countsBytes / 8);
  }

  /** `since`: when the first of them was handed over. */
  add(command: number, count: number, since: bigint): void {
    const now = process.hrtime.bigint();
    const at = command * WORDS;
    if (this.#words[at] === 0n) this.#words[at + 1] = since;
    this.#words[at + 2] = now;
    this.#words[at] = (this.#words[at] ?? 0n) + BigInt(count);
  }
}
