import { createHmac } from "node:crypto";
import { ipHeaderBytes } from "./ip-header.js";

/**
 * The authentication header (RFC 4302) of version 2 over IPv4, as RFC 2338 §5.3.6.3 had it: HMAC-MD5-96 (RFC 2403).
 * Octets: next header, length, reserved (2), SPI (4), sequence number (4), integrity check value (12).
 */

export const AH_BYTES = 24;
const ICV_BYTES = 12;
const IPPROTO_VRRP = 112;
/** Words of 4 octets, less 2 (RFC 4302 §2.2). */
const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 0;
const SPI = 4;
const SEQUENCE = 8;
const ICV = 12;
const AT = ipHeaderBytes("inet");

/** The parts that never change. keepalived's security parameters index is the source address. */
export function writeAh(packet: Uint8Array): void {
  packet[AT + NEXT_HEADER] = IPPROTO_VRRP;
  packet[AT + 1] = PAYLOAD_LENGTH;
  packet.set(packet.subarray(12, 16), AT + SPI);
}

export interface AhSignature {
  /** 8 octets: the password, padded with zeros. */
  readonly key: Uint8Array;
  readonly sequence: number;
  /** The TTL is left out of the check value of unicast packets only. */
  readonly unicast: boolean;
}

/** Writes sequence number and check value. The IP identification must be there already. */
export function signAh(packet: Uint8Array, { key, sequence, unicast }: AhSignature): void {
  new DataView(packet.buffer, packet.byteOffset).setUint32(AT + SEQUENCE, sequence);
  packet.set(checkValue(packet, AT, key, unicast), AT + ICV);
}

/** What an authentication header says. */
export interface Ah {
  readonly nextHeader: number;
  /** Whether the security parameters index is the source address. */
  readonly fromSource: boolean;
  readonly sequence: number;
  readonly icv: Uint8Array;
}

export function readAh(packet: Uint8Array, at: number): Ah {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  return {
    nextHeader: view.getUint8(at + NEXT_HEADER),
    fromSource: view.getUint32(at + SPI) === view.getUint32(12),
    sequence: view.getUint32(at + SEQUENCE),
    icv: packet.subarray(at + ICV, at + ICV + ICV_BYTES),
  };
}

/** Over a copy of the packet without what routers change (RFC 4302 §3.3.3.1.1), and without the check value itself. */
export function checkValue(packet: Uint8Array, at: number, key: Uint8Array, unicast: boolean): Uint8Array {
  const copy = Uint8Array.from(packet);
  copy[1] = 0; // type of service
  copy.fill(0, 6, 8); // flags and fragment offset
  copy.fill(0, 10, 12); // checksum
  if (unicast) copy[8] = 0;
  copy.fill(0, at + ICV, at + ICV + ICV_BYTES);
  return createHmac("md5", key).update(copy).digest().subarray(0, ICV_BYTES);
}
