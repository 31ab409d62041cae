/**
 * Writes netlink messages one after another into one buffer (linux/netlink.h): struct nlmsghdr, a family header, then
 * struct nlattr { u16 len; u16 type } + payload, everything padded to 4 octets. Byte order is the host's, which is
 * little-endian on every platform Node runs LVS on; values that the kernel wants in network order say `be` in the name.
 */
export class MessageWriter {
  #buffer: Buffer;
  #used = 0;
  #messageStart = 0;

  constructor(initialBytes = 64 * 1024) {
    this.#buffer = Buffer.alloc(initialBytes);
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
    this.#used = 0;
  }

  /** struct nlmsghdr. `flags` are NLM_F_*; the length is patched by `end`. nl_pid 0: the kernel fills it in. */
  begin(type: number, flags: number, sequence: number): void {
    const at = this.#reserve(16);
    this.#messageStart = at;
    this.#buffer.writeUInt16LE(type, at + 4);
    this.#buffer.writeUInt16LE(flags, at + 6);
    this.#buffer.writeUInt32LE(sequence >>> 0, at + 8);
  }

  end(): void {
    this.#buffer.writeUInt32LE(this.#used - this.#messageStart, this.#messageStart);
  }

  /** A family header, for instance struct ifaddrmsg or struct genlmsghdr. */
  header(bytes: Uint8Array): void {
    const at = this.#reserve(align(bytes.length));
    this.#buffer.set(bytes, at);
  }

  u8(type: number, value: number): void {
    this.#buffer.writeUInt8(value, this.#attribute(type, 1));
  }

  u16(type: number, value: number): void {
    this.#buffer.writeUInt16LE(value, this.#attribute(type, 2));
  }

  u32(type: number, value: number): void {
    this.#buffer.writeUInt32LE(value >>> 0, this.#attribute(type, 4));
  }

  be16(type: number, value: number): void {
    this.#buffer.writeUInt16BE(value, this.#attribute(type, 2));
  }

  be32(type: number, value: number): void {
    this.#buffer.writeUInt32BE(value >>> 0, this.#attribute(type, 4));
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
    this.#buffer.writeUInt16LE(this.#used - start, start);
    this.#buffer.writeUInt16LE(type, start + 2);
  }

  /** @returns offset of the payload */
  #attribute(type: number, payload: number): number {
    if (payload + 4 > 0xffff) throw new RangeError(`netlink attribute ${type} of ${payload} octets is too long`);
    const at = this.#reserve(align(4 + payload));
    this.#buffer.writeUInt16LE(4 + payload, at);
    this.#buffer.writeUInt16LE(type, at + 2);
    return at + 4;
  }

  #reserve(bytes: number): number {
    const at = this.#used;
    if (at + bytes > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, at + bytes));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#buffer.fill(0, at, at + bytes); // padding goes to the kernel: nothing old may leak
    this.#used = at + bytes;
    return at;
  }
}

/** NLMSG_ALIGN and NLA_ALIGN are both 4. */
export const align = (n: number): number => (n + 3) & ~3;
