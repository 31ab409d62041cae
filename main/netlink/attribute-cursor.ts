import { align } from "./writer.js";

const NLA_TYPE_MASK = 0x3fff;

/**
 * Walks struct nlattr after struct nlattr without allocating: for dumps of many thousand entries, where a Map of views per
 * entry (`attributes` in reader.ts) would cost more than the rest of the decoding.
 */
export class AttributeCursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  #next: number;
  /** Of the current attribute. */
  type = 0;
  /** Where the current payload begins in the buffer, and its length. */
  at = 0;
  length = 0;

  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.#next = from;
    this.#end = to;
  }

  /** Steps to the next attribute. @throws RangeError on a torn one */
  next(): boolean {
    const left = this.#end - this.#next;
    if (left <= 0) return false;
    if (left < 4) throw new RangeError(`netlink: ${left} stray octets after an attribute`);
    const length = this.#bytes.readUInt16LE(this.#next);
    if (length < 4 || length > left) throw new RangeError(`netlink: attribute length ${length} at ${this.#next}`);
    this.type = this.#bytes.readUInt16LE(this.#next + 2) & NLA_TYPE_MASK;
    this.at = this.#next + 4;
    this.length = length - 4;
    this.#next += align(length);
    return true;
  }

  /** The payload's own attributes. */
  nested(): AttributeCursor {
    return new AttributeCursor(this.#bytes, this.at, this.at + this.length);
  }

  u8(): number {
    this.#expect(1);
    return this.#bytes.readUInt8(this.at);
  }

  /** @throws RangeError when the payload has not two octets (as for the others) */
  u16(): number {
    this.#expect(2);
    return this.#bytes.readUInt16LE(this.at);
  }

  be16(): number {
    this.#expect(2);
    return this.#bytes.readUInt16BE(this.at);
  }

  u32(): number {
    this.#expect(4);
    return this.#bytes.readUInt32LE(this.at);
  }

  /** Exact below 2^53. */
  u64(): number {
    this.#expect(8);
    return this.#bytes.readUInt32LE(this.at) + this.#bytes.readUInt32LE(this.at + 4) * 2 ** 32;
  }

  be32(): number {
    this.#expect(4);
    return this.#bytes.readUInt32BE(this.at);
  }

  s32(): number {
    this.#expect(4);
    return this.#bytes.readInt32LE(this.at);
  }

  /** Up to the first NUL. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.at);
    const stop = this.at + this.length;
    return this.#bytes.toString("latin1", this.at, end < 0 || end > stop ? stop : end);
  }

  /** A view of the payload. */
  bytes(): Buffer {
    return this.#bytes.subarray(this.at, this.at + this.length);
  }

  #expect(octets: number): void {
    if (this.length < octets)
      throw new RangeError(`netlink: attribute ${this.type} has ${this.length} octets, not ${octets}`);
  }
}
