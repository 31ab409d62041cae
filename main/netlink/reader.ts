import { align } from "./writer.js";

/** linux/netlink.h */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
/** NLA_F_NESTED | NLA_F_NET_BYTEORDER are not part of the type. */
const NLA_TYPE_MASK = 0x3fff;

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** nl_pid of the socket whose request this answers, or caused the notification; 0 for the kernel's own. */
  readonly portId: number;
  /** What follows struct nlmsghdr. A view into the datagram. */
  readonly payload: Buffer;
}

/**
 * Splits a datagram into messages.
 * @throws RangeError on a length that does not fit: kernel and we disagree, so nothing of the rest can be trusted.
 */
export function* messages(datagram: Buffer): Generator<Message> {
  let at = 0;
  while (at < datagram.length) {
    if (datagram.length - at < 16)
      throw new RangeError(`netlink: ${datagram.length - at} stray octets after a message`);
    const length = datagram.readUInt32LE(at);
    if (length < 16 || length > datagram.length - at)
      throw new RangeError(`netlink: message length ${length} at ${at}`);
    yield {
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      portId: datagram.readUInt32LE(at + 12),
      payload: datagram.subarray(at + 16, at + length),
    };
    at += align(length);
  }
}

/**
 * Attributes by type; the last one wins, as in the kernel's nla_parse.
 * @param wanted the others are passed over: a link has some fifty, and a view of each is what decoding it costs
 * @throws RangeError on a torn attribute
 */
export function attributes(bytes: Buffer, wanted?: ReadonlySet<number>): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < 4) throw new RangeError(`netlink: ${bytes.length - at} stray octets after an attribute`);
    const length = bytes.readUInt16LE(at);
    if (length < 4 || length > bytes.length - at) throw new RangeError(`netlink: attribute length ${length} at ${at}`);
    const type = bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK;
    if (wanted === undefined || wanted.has(type)) found.set(type, bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

/** Text of a NUL-terminated (or not terminated) attribute. */
export function textOf(attribute: Buffer | undefined): string {
  if (attribute === undefined) return "";
  const end = attribute.indexOf(0);
  return attribute.toString("latin1", 0, end < 0 ? attribute.length : end);
}

/** Unsigned number of 1, 2 or 4 octets in host order; undefined when absent or of another size. */
export function numberOf(attribute: Buffer | undefined): number | undefined {
  switch (attribute?.length) {
    case 1:
      return attribute.readUInt8(0);
    case 2:
      return attribute.readUInt16LE(0);
    case 4:
      return attribute.readUInt32LE(0);
    default:
      return undefined;
  }
}

export interface Verdict {
  /** 0 for an acknowledgement, else a positive errno. */
  readonly errno: number;
  /** The kernel's own words (extended ack), where it has any. */
  readonly reason: string;
}

/** struct nlmsgerr, and the status word of NLMSG_DONE (which has the same first field). */
export function verdictOf(message: Message): Verdict {
  if (message.payload.length < 4) return { errno: 0, reason: "" };
  const errno = 0 - message.payload.readInt32LE(0); // not unary minus: it would make 0 a -0
  return { errno, reason: (message.flags & NLM_F_ACK_TLVS) === 0 ? "" : extendedReason(message) };
}

function extendedReason(message: Message): string {
  const isDone = message.type === NLMSG_DONE;
  if (!isDone && message.payload.length < 20) return "";
  const echoed = isDone || (message.flags & NLM_F_CAPPED) !== 0 ? 0 : message.payload.readUInt32LE(4) - 16;
  const start = isDone ? 4 : 20 + align(echoed);
  return start >= message.payload.length
    ? ""
    : textOf(attributes(message.payload.subarray(start)).get(NLMSGERR_ATTR_MSG));
}
