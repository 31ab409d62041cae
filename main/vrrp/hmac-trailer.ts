import { createHmac } from "node:crypto";
import { u16 } from "./ip-header.js";

/**
 * The trailer of auth_hmac, behind the VRRP message of any version and family (keepalived.conf(5) auth_hmac). 28 octets: type,
 * key id, reserved (2), sequence (seconds 4, 1/65536 seconds 2, counter 2), HMAC (16).
 */

export const HMAC_BYTES = 28;
const TYPE = 1;
const SEQUENCE = 4;
const CODE = 12;
const CODE_BYTES = 16;
/** Version and family, router, and source address: what the destination may not change. */
const PSEUDO_BYTES = 20;
/** Of the checksum in the message: it is 0 for the HMAC, because it depends on the destination. */
const CHECKSUM = 6;

/** A moment and a counter, as one number of 64 bits: seconds since 1970, 1/65536 seconds, counter. */
export type Sequence = bigint;

export const secondsOf = (sequence: Sequence): number => Number(sequence >> 32n);

export function sequenceOf(unixMs: number): Sequence {
  const seconds = Math.floor(unixMs / 1000);
  const fraction = Math.min(0xffff, Math.floor(((unixMs - seconds * 1000) / 1000) * 65536));
  return (BigInt(seconds >>> 0) << 32n) | (BigInt(fraction) << 16n);
}

/** RFC 1982 in 64 bits: numbers go round. */
export const isAfter = (a: Sequence, b: Sequence): boolean => BigInt.asIntN(64, a - b) > 0n;

/** Of the advert after `last`: the clock's, or one more when the clock has not gone on. */
export function nextSequence(last: Sequence | undefined, clock: Sequence, restartAfter: number | undefined): Sequence {
  if (last === undefined) return clock;
  // A clock that was set back: peers would call everything stale until it has caught up.
  const ahead = secondsOf(last) - secondsOf(clock);
  if (restartAfter !== undefined && ahead > restartAfter) return clock;
  const next = BigInt.asUintN(64, last + 1n);
  return isAfter(clock, next) ? clock : next;
}

export interface Trailer {
  readonly type: number;
  readonly keyId: number;
  readonly reserved: number;
  readonly sequence: Sequence;
  readonly code: Uint8Array;
}

/** @param at where it begins; HMAC_BYTES are there */
export function readTrailer(packet: Uint8Array, at: number): Trailer {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  return {
    type: view.getUint8(at),
    keyId: view.getUint8(at + 1),
    reserved: u16(packet, at + 2),
    sequence: view.getBigUint64(at + SEQUENCE),
    code: packet.subarray(at + CODE, at + CODE + CODE_BYTES),
  };
}

export const isWellFormed = ({ type, reserved }: Trailer): boolean => type === TYPE && reserved === 0;

export interface HmacKey {
  readonly id: number;
  /** 32 to 64 octets. */
  readonly bytes: Uint8Array;
}

/** Writes the trailer behind the message in `packet[message, end)`. */
export function signTrailer(
  packet: Uint8Array,
  { message, end }: { readonly message: number; readonly end: number },
  key: HmacKey,
  sequence: Sequence,
): void {
  packet[end] = TYPE;
  packet[end + 1] = key.id;
  packet.fill(0, end + 2, end + SEQUENCE);
  new DataView(packet.buffer, packet.byteOffset, packet.byteLength).setBigUint64(end + SEQUENCE, sequence);
  packet.set(trailerCode(packet, message, end, key.bytes), end + CODE);
}

/** The first half of HMAC-SHA256 over a pseudo header, the message without its checksum, and the trailer without its code. */
export function trailerCode(packet: Uint8Array, message: number, end: number, key: Uint8Array): Uint8Array {
  const size = end - message;
  const text = new Uint8Array(PSEUDO_BYTES + size + HMAC_BYTES);
  const isIpv6 = (packet[0] ?? 0) >>> 4 === 6;
  text[0] = isIpv6 ? 6 : 4;
  text[1] = (packet[message] ?? 0) >>> 4;
  text[2] = packet[message + 1] ?? 0;
  text.set(isIpv6 ? packet.subarray(8, 24) : packet.subarray(12, 16), 4);
  text.set(packet.subarray(message, end + CODE), PSEUDO_BYTES);
  text.fill(0, PSEUDO_BYTES + CHECKSUM, PSEUDO_BYTES + CHECKSUM + 2);
  return createHmac("sha256", key).update(text).digest().subarray(0, CODE_BYTES);
}
