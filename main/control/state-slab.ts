import { KEY_MAX, RECORD, RecordIndex, type RecordKind, recordKinds } from "./record-index.js";

/**
 * What must outlive a crash of the daemon, kept in the launcher's memfd: health by check identity, VRRP states with the time
 * of the last advert, and the kernel's IPVS entries that are ours. Fixed records of 64 octets, so that a change is one small
 * store and needs no disk, no system call and no allocation of note.
 *
 * Header record: "HOLDFAST", u32 version, u32 records in use or once used. Record: u8 kind (0 free, written last), u8 state, u16 length of the key,
 * f64 number (at 8), 48 octets of key (at 16). Keys are at most 48 octets of UTF-8. A record that a dying process left half
 * written is still marked free, because its kind is stored last.
 */
const MAGIC = "HOLDFAST";
const VERSION = 1;

export interface SlabRecord {
  readonly kind: RecordKind;
  readonly key: string;
  /** Meaning belongs to the kind: health 0 down, 1 up; vrrp its numeric state. */
  readonly state: number;
  /** vrrp: CLOCK_BOOTTIME of the last advert sent, ms. Else 0. */
  readonly number: number;
}

export class StateSlab {
  readonly #bytes: Buffer;
  readonly #index: RecordIndex;
  readonly #free: number[] = [];
  /** Records that were ever used; those behind it are untouched pages. */
  #used = 0;
  /** Records that found no room: from then on a crash may forget some state. */
  lost = 0;

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
      const record = this.#read(n * RECORD);
      if (record?.kind === kind) yield record;
    }
  }

  get(kind: RecordKind, key: string): SlabRecord | undefined {
    const slot = this.#index.find(kind, key);
    return slot === undefined ? undefined : this.#read(slot);
  }

  /** @throws RangeError when `key` is longer than 48 octets: a mistake of the caller */
  set(kind: RecordKind, key: string, state: number, number = 0): void {
    const existing = this.#index.find(kind, key);
    if (existing !== undefined) {
      this.#bytes.writeUInt8(state, existing + 1);
      this.#bytes.writeDoubleLE(number, existing + 8);
      return;
    }
    const slot = this.#free.pop() ?? this.#extend();
    if (slot === undefined) {
      this.lost += 1;
      return;
    }
    const length = this.#bytes.write(key, slot + 16, KEY_MAX, "utf8");
    this.#bytes.writeUInt8(state, slot + 1);
    this.#bytes.writeUInt16LE(length, slot + 2);
    this.#bytes.writeDoubleLE(number, slot + 8);
    this.#bytes.writeUInt8(recordKinds[kind], slot);
    this.#index.add(slot);
  }

  delete(kind: RecordKind, key: string): void {
    const slot = this.#index.find(kind, key);
    if (slot === undefined) return;
    this.#index.remove(slot);
    this.#bytes.writeUInt8(0, slot);
    this.#free.push(slot);
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
    const kind = kindOf(this.#bytes.readUInt8(slot));
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

function kindOf(code: number): RecordKind | undefined {
  switch (code) {
    case recordKinds.health:
      return "health";
    case recordKinds.vrrp:
      return "vrrp";
    case recordKinds.owned:
      return "owned";
    default:
      return undefined;
  }
}
