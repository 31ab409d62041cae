/**
 * A bounded queue of byte records in shared memory: one producer (main thread), one consumer (log thread).
 * A record goes in whole or not at all; the producer never waits, it counts what did not fit.
 *
 * Layout: eight 32-bit words, then a power of two of data bytes. A record is its length (u32, little endian) and
 * its bytes; both may wrap around the end. HEAD and TAIL count bytes ever written and read, modulo 2^32.
 */
const HEAD = 0;
const TAIL = 1;
/** Bytes whose lines have reached the sinks; follows TAIL. */
const WRITTEN = 2;
const DROPPED = 3;
/** Grows with every event the consumer may sleep through. */
const WAKE = 4;
const CLOSING = 5;
const HEADER_BYTES = 32;
const LENGTH_BYTES = 4;

/** @throws RangeError when `capacity` is not a power of two in 64 bytes .. 1 GiB */
export function createRing(capacity: number): SharedArrayBuffer {
  const fits =
    Number.isInteger(capacity) && capacity >= 64 && capacity <= 2 ** 30 && Number.isInteger(Math.log2(capacity));
  if (!fits) throw new RangeError(`ring capacity must be a power of two in 64..2^30, got ${capacity}`);
  return new SharedArrayBuffer(HEADER_BYTES + capacity);
}

export class RingWriter {
  readonly #header: Int32Array;
  readonly #data: Uint8Array;
  readonly #mask: number;
  readonly #length = new Uint8Array(LENGTH_BYTES);
  readonly #lengthView = new DataView(this.#length.buffer);
  #wakening: "none" | "near" = "none";

  constructor(shared: SharedArrayBuffer) {
    this.#header = new Int32Array(shared, 0, HEADER_BYTES / 4);
    this.#data = new Uint8Array(shared, HEADER_BYTES);
    this.#mask = this.#data.length - 1;
  }

  /** @returns false when the record did not fit: it is counted as dropped */
  push(record: Uint8Array): boolean {
    const head = Atomics.load(this.#header, HEAD);
    const used = (head - Atomics.load(this.#header, TAIL)) >>> 0;
    if (LENGTH_BYTES + record.length > this.#data.length - used) {
      Atomics.add(this.#header, DROPPED, 1);
      return false;
    }
    this.#lengthView.setUint32(0, record.length, true);
    this.#copyIn(head, this.#length);
    this.#copyIn(head + LENGTH_BYTES, record);
    // The consumer reads HEAD with acquire semantics: it sees the bytes before it sees the new HEAD.
    Atomics.store(this.#header, HEAD, (head + LENGTH_BYTES + record.length) | 0);
    this.#wakeSoon();
    return true;
  }

  /** Tells the consumer to end once it has read everything. */
  close(): void {
    Atomics.store(this.#header, CLOSING, 1);
    this.#wake();
  }

  /** A point in the stream, for `reached`. */
  position(): number {
    return Atomics.load(this.#header, HEAD);
  }

  /** Have the sinks got everything before `position`? */
  reached(position: number): boolean {
    return ((Atomics.load(this.#header, WRITTEN) - position) | 0) >= 0;
  }

  dropped(): number {
    return Atomics.load(this.#header, DROPPED) >>> 0;
  }

  /** Once for all that is written in one go: waking a thread takes longer than writing a record. */
  #wakeSoon(): void {
    if (this.#wakening === "near") return;
    this.#wakening = "near";
    queueMicrotask(() => this.#wake());
  }

  #wake(): void {
    this.#wakening = "none";
    Atomics.add(this.#header, WAKE, 1);
    Atomics.notify(this.#header, WAKE);
  }

  #copyIn(position: number, bytes: Uint8Array): void {
    const at = position & this.#mask;
    const first = this.#data.length - at;
    this.#data.set(bytes.length <= first ? bytes : bytes.subarray(0, first), at);
    if (bytes.length > first) this.#data.set(bytes.subarray(first), 0);
  }
}

export class RingReader {
  readonly #header: Int32Array;
  readonly #data: Uint8Array;
  readonly #mask: number;

  constructor(shared: SharedArrayBuffer) {
    this.#header = new Int32Array(shared, 0, HEADER_BYTES / 4);
    this.#data = new Uint8Array(shared, HEADER_BYTES);
    this.#mask = this.#data.length - 1;
  }

  /** The next record, copied out, or undefined when there is none. At most once: a reader that dies loses it. */
  take(): Uint8Array | undefined {
    const tail = Atomics.load(this.#header, TAIL);
    const available = (Atomics.load(this.#header, HEAD) - tail) >>> 0;
    if (available === 0) return undefined;
    const length = new DataView(this.#copyOut(tail, LENGTH_BYTES).buffer).getUint32(0, true);
    if (LENGTH_BYTES + length > available) throw new RangeError(`torn log ring: ${length} of ${available} bytes`);
    const record = this.#copyOut(tail + LENGTH_BYTES, length);
    Atomics.store(this.#header, TAIL, (tail + LENGTH_BYTES + length) | 0);
    return record;
  }

  /** Everything taken so far is out: frees those who wait for a flush. */
  markWritten(): void {
    Atomics.store(this.#header, WRITTEN, Atomics.load(this.#header, TAIL));
  }

  /** Read it before looking for records, then hand it to `sleep`: what happens between ends the sleep at once. */
  wakeCount(): number {
    return Atomics.load(this.#header, WAKE);
  }

  /** Blocks this thread until the writer does something after `wakeCount`, at most `timeoutMs`. */
  sleep(wakeCount: number, timeoutMs: number): void {
    Atomics.wait(this.#header, WAKE, wakeCount, timeoutMs);
  }

  closing(): boolean {
    return Atomics.load(this.#header, CLOSING) === 1;
  }

  dropped(): number {
    return Atomics.load(this.#header, DROPPED) >>> 0;
  }

  #copyOut(position: number, length: number): Uint8Array<ArrayBuffer> {
    const at = position & this.#mask;
    const out = new Uint8Array(length);
    const first = Math.min(length, this.#data.length - at);
    out.set(this.#data.subarray(at, at + first));
    out.set(this.#data.subarray(0, length - first), first);
    return out;
  }
}
