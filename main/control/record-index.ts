/** Layout of a record: state-slab.ts. */
export const RECORD = 64;
export const KEY_MAX = 48;
const KEY_AT = 16;

export const recordKinds = {
  health: 1,
  vrrp: 2,
  owned: 3,
  setting: 4,
  fifo: 5,
  ipvs: 6,
  ah: 7,
  hmac: 8,
  bfd: 9,
  quorum: 10,
  track: 11,
} as const;
export type RecordKind = keyof typeof recordKinds;

/**
 * Finds a record of the state slab by its kind and key. The keys are in the slab already: a Map of 100,000 strings would be 20 MB,
 * and V8 would move it as a whole each time that it grows. Open addressing, linear probing; it never grows.
 */
export class RecordIndex {
  readonly #bytes: Buffer;
  /** Numbers of records, 0 for none. */
  readonly #table: Int32Array<ArrayBuffer>;
  readonly #mask: number;
  /** The key that is looked for; one octet more shows that it is too long. */
  readonly #key = Buffer.alloc(KEY_MAX + 4);

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const size = 2 ** Math.ceil(Math.log2((2 * bytes.length) / RECORD));
    this.#table = new Int32Array(size);
    this.#mask = size - 1;
  }

  /** @returns where the record begins @throws RangeError when `key` is longer than a record holds */
  find(kind: RecordKind, key: string): number | undefined {
    const length = this.#key.write(key, "utf8");
    if (length > KEY_MAX || key.length > KEY_MAX)
      throw new RangeError(`state key of more than ${KEY_MAX} octets: ${key}`);
    const code = recordKinds[kind];
    for (let at = hash(this.#key, 0, length, code) & this.#mask; ; at = (at + 1) & this.#mask) {
      const slot = (this.#table[at] ?? 0) * RECORD;
      if (slot === 0) return undefined;
      if (this.#bytes[slot] === code && this.#bytes.readUInt16LE(slot + 2) === length && this.#hasKey(slot, length))
        return slot;
    }
  }

  /** A complete record that is not in it. */
  add(slot: number): void {
    let at = this.#homeOf(slot);
    while (this.#table[at] !== 0) at = (at + 1) & this.#mask;
    this.#table[at] = slot / RECORD;
  }

  /** A record that is in it, before it is marked free. What had to give way to it moves up. */
  remove(slot: number): void {
    let hole = this.#homeOf(slot);
    while (this.#table[hole] !== slot / RECORD) hole = (hole + 1) & this.#mask;
    for (let at = (hole + 1) & this.#mask; ; at = (at + 1) & this.#mask) {
      const record = this.#table[at] ?? 0;
      if (record === 0) break;
      const distance = (at - this.#homeOf(record * RECORD)) & this.#mask;
      if (distance < ((at - hole) & this.#mask)) continue; // would come to lie before its place
      this.#table[hole] = record;
      hole = at;
    }
    this.#table[hole] = 0;
  }

  #hasKey(slot: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#bytes[slot + KEY_AT + i] !== this.#key[i]) return false;
    return true;
  }

  #homeOf(slot: number): number {
    const length = this.#bytes.readUInt16LE(slot + 2);
    return hash(this.#bytes, slot + KEY_AT, length, this.#bytes[slot] ?? 0) & this.#mask;
  }
}

/** FNV-1a with a finalizer: its low bits alone are the index. */
function hash(bytes: Buffer, from: number, length: number, kind: number): number {
  let h = 0x811c9dc5 ^ kind;
  for (let i = from; i < from + length; i++) h = Math.imul(h ^ (bytes[i] ?? 0), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return h ^ (h >>> 13);
}
