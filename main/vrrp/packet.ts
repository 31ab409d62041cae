import type { IpAddress } from "../address.js";
import { type Milliseconds, ms, type Priority, type Vrid } from "../units.js";
import { ipv4ToNumber, numberToIpv4 } from "./ipv4.js";

/** Adverts over IPv4 as bytes: RFC 3768 §5 (version 2) and RFC 5798 §5 (version 3), with their IP header. */

export const IPPROTO_VRRP = 112;
/** RFC 5798 §5.1.1.3: a receiver discards everything that came over a router. */
export const VRRP_TTL = 255;
const IP_HEADER = 20;
const VRRP_HEADER = 8;
/** RFC 3768 §5.3.10: two words, present even without authentication. */
export const AUTH_DATA = 8;
/** Internetwork control precedence, as RFC 791 §3.1 has it for routing protocols. */
const TOS = 0xc0;
const ADVERTISEMENT = 1;

export const authTypes = { none: 0, pass: 1, ah: 2 } as const;

/** Everything in an advert but what changes from packet to packet (IP identification, priority). */
export interface AdvertSpec {
  readonly version: 2 | 3;
  readonly vrid: Vrid;
  /** v2: whole seconds; v3: multiples of 10 ms. */
  readonly interval: Milliseconds;
  readonly addresses: readonly IpAddress[];
  /** v2 only; at most 8 octets are used. */
  readonly authPass: string | undefined;
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

/** A whole IPv4 packet for an IP_HDRINCL socket. The IP checksum stays 0: the kernel fills it. */
export function encodeAdvert(spec: AdvertSpec, priority: Priority, id: number): Uint8Array<ArrayBuffer> {
  const length = IP_HEADER + VRRP_HEADER + 4 * spec.addresses.length + (spec.version === 2 ? AUTH_DATA : 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x45);
  view.setUint8(1, TOS);
  view.setUint16(2, length);
  view.setUint8(8, VRRP_TTL);
  view.setUint8(9, IPPROTO_VRRP);
  view.setUint32(12, ipv4ToNumber(spec.source));
  view.setUint32(16, ipv4ToNumber(spec.destination));
  view.setUint8(20, (spec.version << 4) | ADVERTISEMENT);
  view.setUint8(21, spec.vrid);
  view.setUint8(23, spec.addresses.length);
  writeInterval(view, spec);
  for (const [i, address] of spec.addresses.entries()) {
    view.setUint32(IP_HEADER + VRRP_HEADER + 4 * i, ipv4ToNumber(address));
  }
  if (spec.version === 2) bytes.set(authData(spec.authPass), length - AUTH_DATA);
  stampId(bytes, id);
  stampPriority(bytes, priority);
  return bytes;
}

function writeInterval(view: DataView, spec: AdvertSpec): void {
  if (spec.version === 3) {
    view.setUint16(24, Math.round(spec.interval / 10) & 0x0fff);
  } else {
    view.setUint8(24, spec.authPass === undefined ? authTypes.none : authTypes.pass);
    view.setUint8(25, Math.round(spec.interval / 1000));
  }
}

/** RFC 2338 §5.3.6.2: the password's first 8 octets, padded with zeros. */
export function authData(authPass: string | undefined): Uint8Array {
  const data = new Uint8Array(AUTH_DATA);
  new TextEncoder().encodeInto(authPass ?? "", data);
  return data;
}

/** Patches the IP identification of an encoded advert. */
export function stampId(packet: Uint8Array, id: number): void {
  packet[4] = id >>> 8;
  packet[5] = id & 0xff;
}

/** Patches priority and checksum of an encoded advert. */
export function stampPriority(packet: Uint8Array, priority: Priority): void {
  packet[22] = priority;
  packet[26] = 0;
  packet[27] = 0;
  const version = (packet[20] ?? 0) >>> 4;
  const sum = advertChecksum(version === 3 ? 3 : 2, packet, IP_HEADER, packet.length);
  packet[26] = sum >>> 8;
  packet[27] = sum & 0xff;
}

/**
 * Checksum of the VRRP message in `packet[from, to)`; 0 when it is right already.
 * v3 covers a pseudo header of source, destination, protocol and length (RFC 5798 §5.2.8), v2 does not.
 */
export function advertChecksum(version: 2 | 3, packet: Uint8Array, from: number, to: number): number {
  let sum = 0;
  if (version === 3) {
    for (let i = 12; i < 20; i += 2) sum += word(packet, i, 20);
    sum += IPPROTO_VRRP + (to - from);
  }
  for (let i = from; i < to; i += 2) sum += word(packet, i, to);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A last odd octet counts as the high half of a word (RFC 1071 §4.1). */
function word(bytes: Uint8Array, at: number, end: number): number {
  return ((bytes[at] ?? 0) << 8) | (at + 1 < end ? (bytes[at + 1] ?? 0) : 0);
}

/** A received packet, taken apart but not judged: validate.ts does that. */
export interface ReceivedAdvert {
  /** As received, IP header included. Valid only while the packet is handled. */
  readonly bytes: Uint8Array;
  readonly ipHeaderLength: number;
  /** What the IP header says; `bytes.length` is what came. */
  readonly totalLength: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly version: number;
  readonly type: number;
  readonly vrid: number;
  readonly priority: number;
  /** As the header says; `addresses` holds those that are really there. */
  readonly addressCount: number;
  readonly addresses: readonly IpAddress[];
  /** Octet 4: v2 only has an authentication type. */
  readonly authType: number;
  /** v2: octet 5 in seconds. v3: 12 bits in centiseconds. */
  readonly interval: Milliseconds;
}

export type Decoded =
  | { readonly ok: true; readonly advert: ReceivedAdvert }
  | { readonly ok: false; readonly problem: "too-short" | "not-ipv4" };

/** Never throws, whatever the bytes. */
export function decodeAdvert(bytes: Uint8Array): Decoded {
  const first = bytes[0] ?? 0;
  const ipHeaderLength = (first & 0x0f) * 4;
  if (bytes.length < IP_HEADER + VRRP_HEADER) return { ok: false, problem: "too-short" };
  if (first >>> 4 !== 4 || ipHeaderLength < IP_HEADER) return { ok: false, problem: "not-ipv4" };
  if (bytes.length < ipHeaderLength + VRRP_HEADER) return { ok: false, problem: "too-short" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { ok: true, advert: takeApart(bytes, view, ipHeaderLength) };
}

function takeApart(bytes: Uint8Array, view: DataView, at: number): ReceivedAdvert {
  const version = view.getUint8(at) >>> 4;
  const addressCount = view.getUint8(at + 3);
  return {
    bytes,
    ipHeaderLength: at,
    totalLength: view.getUint16(2),
    ttl: view.getUint8(8),
    protocol: view.getUint8(9),
    source: numberToIpv4(view.getUint32(12)),
    destination: numberToIpv4(view.getUint32(16)),
    version,
    type: view.getUint8(at) & 0x0f,
    vrid: view.getUint8(at + 1),
    priority: view.getUint8(at + 2),
    addressCount,
    addresses: readAddresses(view, at + VRRP_HEADER, addressCount),
    authType: view.getUint8(at + 4),
    interval: version === 3 ? ms((view.getUint16(at + 4) & 0x0fff) * 10) : ms(view.getUint8(at + 5) * 1000),
  };
}

function readAddresses(view: DataView, from: number, count: number): readonly IpAddress[] {
  const addresses: IpAddress[] = [];
  for (let i = 0, at = from; i < count && at + 4 <= view.byteLength; i++, at += 4) {
    addresses.push(numberToIpv4(view.getUint32(at)));
  }
  return addresses;
}

/** Octets that an advert of `version` with `addressCount` addresses has, IP header included. */
export function advertLength(version: 2 | 3, ipHeaderLength: number, addressCount: number): number {
  return ipHeaderLength + VRRP_HEADER + 4 * addressCount + (version === 2 ? AUTH_DATA : 0);
}
