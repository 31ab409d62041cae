import { type Family, familyOf, type IpAddress } from "../address.js";
import { bytesOfIp, ipOfBytes } from "../ip-bytes.js";
import { numberToIpv4 } from "./ipv4.js";

/** The IP headers of adverts: RFC 791 §3.1 without options when sent, RFC 8200 §3 without extension headers. */

export const IPPROTO_AH = 51;
export const IPPROTO_VRRP = 112;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
/** Internetwork control precedence, as RFC 791 §3.1 has it for routing protocols. */
const TOS = 0xc0;

export const ipHeaderBytes = (family: Family): number => (family === "inet" ? IPV4_BYTES : IPV6_BYTES);

export interface IpHeaderSpec {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly ttl: number;
  readonly protocol: number;
}

/** Fills the header at the start of `packet`. The checksum of IPv4 stays 0: the kernel fills it. */
export function writeIpHeader(packet: Uint8Array<ArrayBuffer>, spec: IpHeaderSpec): void {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (familyOf(spec.source) === "inet") {
    view.setUint16(0, 0x4500 | TOS);
    view.setUint16(2, packet.length);
    packet[8] = spec.ttl;
    packet[9] = spec.protocol;
    packet.set(bytesOfIp(spec.source), 12);
    packet.set(bytesOfIp(spec.destination), 16);
  } else {
    view.setUint16(0, 0x6000 | (TOS << 4));
    view.setUint16(4, packet.length - IPV6_BYTES);
    packet[6] = spec.protocol;
    packet[7] = spec.ttl;
    packet.set(bytesOfIp(spec.source), 8);
    packet.set(bytesOfIp(spec.destination), 24);
  }
}

export interface IpHeader {
  readonly family: Family;
  readonly length: number;
  /** Of the packet, as the header says it. */
  readonly totalLength: number;
  readonly ttl: number;
  readonly protocol: number;
}

/** Undefined: there is no whole header. Addresses are left as octets until somebody wants them. */
export function readIpHeader(bytes: Uint8Array): IpHeader | undefined {
  const first = bytes[0] ?? 0;
  if (first >>> 4 === 4) {
    const length = (first & 0x0f) * 4;
    if (length < IPV4_BYTES || bytes.length < length) return undefined;
    return { family: "inet", length, totalLength: u16(bytes, 2), ttl: bytes[8] ?? 0, protocol: bytes[9] ?? 0 };
  }
  if (first >>> 4 !== 6 || bytes.length < IPV6_BYTES) return undefined;
  const totalLength = IPV6_BYTES + u16(bytes, 4);
  return { family: "inet6", length: IPV6_BYTES, totalLength, ttl: bytes[7] ?? 0, protocol: bytes[6] ?? 0 };
}

export const sourceOf = (packet: Uint8Array): IpAddress => addressAt(packet, 12, 8);
export const destinationOf = (packet: Uint8Array): IpAddress => addressAt(packet, 16, 24);

/** Whether it was sent to a multicast group: 224.0.0.0/4, ff00::/8. */
export const toGroup = (packet: Uint8Array): boolean =>
  (packet[0] ?? 0) >>> 4 === 6 ? packet[24] === 0xff : (packet[16] ?? 0) >>> 4 === 0xe;

function addressAt(packet: Uint8Array, at4: number, at6: number): IpAddress {
  return (packet[0] ?? 0) >>> 4 === 6 ? ipOfBytes(packet.subarray(at6, at6 + 16)) : ipv4At(packet, at4);
}

export const ipv4At = (bytes: Uint8Array, at: number): IpAddress =>
  numberToIpv4(((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | u16(bytes, at + 2));

export const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
