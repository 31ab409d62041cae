import { KEY_MAX, RECORD, RecordIndex, type RecordKind, recordKinds } from "./record-index.js";

/**
 * A piece of what must outlive a crash of the daemon, kept in the launcher's memfd (state-memory.ts): health by check identity, VRRP states with the time
 * of the last advert, the kernel's IPVS entries that are ours, how settings of interfaces were before us, and the pipes that we made. Fixed records of 64 octets, so that a change is one small
 * store and needs no disk, no system call and no allocation of note.
 *
 * Header record: "HOLDFAST", u32 version, u32 records in use or once used. Record: u8 kind (0 free, written last), u8 state, u16 length of the key,
 * f64 number (at 8), 48 octets of key (at 16). Keys are at most 48 octets of UTF-8. A record that a dying process left half
 * written is still marked free, because its kind is stored last.
 */
const MAGIC = "HOLDFAST";
const VERSION = 1;

/** Length of what `isForeign` reads. */
export const SLAB_HEAD = 12;

/** Whether the memory of another daemon has a form that this version does not read. @param head its first octets; zeros: nothing is there */
export const isForeign = (head: Buffer): boolean =>
  head.toString("latin1", 0, 8) === MAGIC && head.readUInt32LE(8) !== VERSION;

export interface SlabRecord {
  readonly kind: RecordKind;
  readonly key: string;
  /** Meaning belongs to the kind: health and quorum 0 down, 1 up; vrrp its numeric state; setting what we made of it. */
  readonly state: number;
  /**
   * vrrp: CLOCK_BOOTTIME of the last advert sent, ms. owned: its print. setting: how it was before. fifo: its inode. ipvs: what it is
   * about. track: what its tracker makes of it. health: what the check said of its weight. ah, hmac: what signatures may have been made up to. Else 0.
   */
  readonly number: number;
}

export class StateSlab {
  readonly #bytes: Buffer;
  readonly #index: RecordIndex;
  readonly #free: number[] = [];
  /** Records that were ever used; those behind it are untouched pages. */
  #used = 0;

  /** Takes over what `bytes` holds when it is a slab of this version, else starts empty. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#index = new RecordIndex(bytes);
    const known = bytes.toString("latin1", 0, 8) === MAGIC && bytes.readUInt32LE(8) === VERSION;
    if (!known) {
      bytes.write(MAGIC, 0, "latin1");
      bytes.writeUInt32LE(VERSION, 8);
      bytes.writeUInt32LE(0, 12); // what else is there is not read, and never touched before it is needed
    }
    this.#readAll();
  }

  /** All records of a kind. */
  *records(kind: RecordKind): Generator<SlabRecord> {
    for (let n = this.#used; n > 0; n--) {
      if (this.#bytes[n * RECORD] !== recordKinds[kind]) continue; // of a hundred thousand others, without a look at their keys
      const record = this.#read(n * RECORD);
      if (record !== undefined) yield record;
    }
  }

  get(kind: RecordKind, key: string): SlabRecord | undefined {
    const slot = this.#index.find(kind, key);
    return slot === undefined ? undefined : this.#read(slot);
  }

  /** @returns false: there is no room @throws RangeError when `key` is longer than 48 octets: a mistake of the caller */
  set(kind: RecordKind, key: string, state: number, number = 0): boolean {
    return this.update(kind, key, state, number) || this.add(kind, key, state, number);
  }

  /** A record that is there. @returns whether it is @throws RangeError when `key` is longer than 48 octets: a mistake of the caller */
  update(kind: RecordKind, key: string, state: number, number: number): boolean {
    const existing = this.#index.find(kind, key);
    if (existing === undefined) return false;
    this.#bytes.writeUInt8(state, existing + 1);
    this.#bytes.writeDoubleLE(number, existing + 8);
    return true;
  }

  /** One that is not there. @returns false: there is no room for it */
  add(kind: RecordKind, key: string, state: number, number: number): boolean {
    const slot = this.#free.pop() ?? this.#extend();
    if (slot === undefined) return false;
    const length = this.#bytes.write(key, slot + 16, KEY_MAX, "utf8");
    this.#bytes.writeUInt8(state, slot + 1);
    this.#bytes.writeUInt16LE(length, slot + 2);
    this.#bytes.writeDoubleLE(number, slot + 8);
    this.#bytes.writeUInt8(recordKinds[kind], slot);
    this.#index.add(slot);
    return true;
  }

  /** @returns whether it was there */
  delete(kind: RecordKind, key: string): boolean {
    const slot = this.#index.find(kind, key);
    if (slot === undefined) return false;
    this.#index.remove(slot);
    this.#bytes.writeUInt8(0, slot);
    this.#free.push(slot);
    return true;
  }

  #readAll(): void {
    this.#used = Math.min(this.#bytes.readUInt32LE(12), Math.floor(this.#bytes.length / RECORD) - 1);
    for (let n = this.#used; n > 0; n--) {
      const slot = n * RECORD;
      if (this.#read(slot) === undefined) this.#free.push(slot);
      else this.#index.add(slot);
    }
  }

  #extend(): number | undefined {
    const slot = (this.#used + 1) * RECORD;
    if (slot + RECORD > this.#bytes.length) return undefined;
    this.#bytes.writeUInt8(0, slot);
    this.#used += 1;
    this.#bytes.writeUInt32LE(this.#used, 12);
    return slot;
  }

  /** Undefined for a free or senseless record: it comes from a process that died. */
  #read(slot: number): SlabRecord | undefined {
    const kind = kinds.get(this.#bytes.readUInt8(slot));
    const length = this.#bytes.readUInt16LE(slot + 2);
    if (kind === undefined || length > KEY_MAX) return undefined;
    return {
      kind,
      key: this.#bytes.toString("utf8", slot + 16, slot + 16 + length),
      state: this.#bytes.readUInt8(slot + 1),
      number: this.#bytes.readDoubleLE(slot + 8),
    };
  }
}

const kinds: ReadonlyMap<number, RecordKind> = new Map(
  Object.entries(recordKinds).map(([kind, code]) => [code, kind as RecordKind]),
);
