/**
 * Writes netlink messages one after another into one buffer (linux/netlink.h): struct nlmsghdr, a family header, then
 * struct nlattr { u16 len; u16 type } + payload, everything padded to 4 octets. Byte order is the host's, which is
 * little-endian on every platform Node runs LVS on; values that the kernel wants in network order say `be` in the name.
 */
export class MessageWriter {
  #buffer: Buffer;
  /** The same memory: a DataView is faster than Buffer's checked methods, above all before they are compiled. */
  #view: DataView;
  #used = 0;
  #messageStart = 0;

  constructor(initialBytes = 64 * 1024) {
    this.#buffer = Buffer.alloc(initialBytes);
    this.#view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
  }

  /** Octets written so far; whole messages only, between `end` and the next `begin`. */
  get length(): number {
    return this.#used;
  }

  /** A view, valid until the next write. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#used);
  }

  reset(): void {
    this.#buffer.fill(0, 0, this.#used); // padding goes to the kernel: nothing old may leak
    this.#used = 0;
  }

  /** struct nlmsghdr. `flags` are NLM_F_*; the length is patched by `end`. nl_pid 0: the kernel fills it in. */
  begin(type: number, flags: number, sequence: number): void {
    const at = this.#reserve(16);
    this.#messageStart = at;
    this.#view.setUint16(at + 4, type, true);
    this.#view.setUint16(at + 6, flags, true);
    this.#view.setUint32(at + 8, sequence >>> 0, true);
  }

  end(): void {
    this.#view.setUint32(this.#messageStart, this.#used - this.#messageStart, true);
  }

  /** A whole message. `body`: what follows struct nlmsghdr. */
  message(type: number, flags: number, sequence: number, body: Uint8Array): void {
    const at = this.#reserve(16 + align(body.length));
    const view = this.#view;
    this.#messageStart = at;
    view.setUint32(at, 16 + body.length, true);
    view.setUint16(at + 4, type, true);
    view.setUint16(at + 6, flags, true);
    view.setUint32(at + 8, sequence, true);
    this.#buffer.set(body, at + 16);
  }

  /** Sets NLM_F_* bits in the header of the message that was begun last. */
  addFlags(flags: number): void {
    const at = this.#messageStart + 6;
    this.#view.setUint16(at, this.#view.getUint16(at, true) | flags, true);
  }

  /** A family header, for instance struct ifaddrmsg or struct genlmsghdr. */
  header(bytes: Uint8Array): void {
    const at = this.#reserve(align(bytes.length));
    this.#buffer.set(bytes, at);
  }

  /** Attributes that were written before: a copy of their bytes. */
  copy(attributes: Uint8Array): void {
    this.header(attributes);
  }

  u8(type: number, value: number): void {
    const at = this.#attribute(type, 1);
    this.#view.setUint8(at, value);
  }

  u16(type: number, value: number): void {
    const at = this.#attribute(type, 2);
    this.#view.setUint16(at, value, true);
  }

  u32(type: number, value: number): void {
    const at = this.#attribute(type, 4);
    this.#view.setUint32(at, value >>> 0, true);
  }

  be16(type: number, value: number): void {
    const at = this.#attribute(type, 2);
    this.#view.setUint16(at, value);
  }

  be32(type: number, value: number): void {
    const at = this.#attribute(type, 4);
    this.#view.setUint32(at, value >>> 0);
  }

  raw(type: number, value: Uint8Array): void {
    const at = this.#attribute(type, value.length);
    this.#buffer.set(value, at);
  }

  /** NUL-terminated, as NLA_NUL_STRING wants. */
  text(type: number, value: string): void {
    this.raw(type, Buffer.from(`${value}\0`, "latin1"));
  }

  /** NLA_F_NESTED is not set: the IPVS and rtnetlink parsers used here neither need nor want it. */
  nest(type: number, body: () => void): void {
    const start = this.#reserve(4);
    body();
    this.#view.setUint16(start, this.#used - start, true);
    this.#view.setUint16(start + 2, type, true);
  }

  /** @returns offset of the payload */
  #attribute(type: number, payload: number): number {
    if (payload + 4 > 0xffff) throw new RangeError(`netlink attribute ${type} of ${payload} octets is too long`);
    const at = this.#reserve(align(4 + payload));
    this.#view.setUint16(at, 4 + payload, true);
    this.#view.setUint16(at + 2, type, true);
    return at + 4;
  }

  #reserve(bytes: number): number {
    const at = this.#used;
    if (at + bytes > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, at + bytes));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer, larger.byteOffset, larger.length);
    }
    this.#used = at + bytes;
    return at;
  }
}

/** NLMSG_ALIGN and NLA_ALIGN are both 4. */
export const align = (n: number): number => (n + 3) & ~3;
