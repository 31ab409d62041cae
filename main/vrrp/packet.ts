import { type Family, familyOf, type IpAddress } from "../address.js";
import { bytesOfIp, ipOfBytes } from "../ip-bytes.js";
import { type Milliseconds, ms, type Priority, type Vrid } from "../units.js";
import { AH_BYTES, signAh, writeAh } from "./ah.js";
import { advertChecksum, type ChecksumForm } from "./checksum.js";
import { HMAC_BYTES } from "./hmac-trailer.js";
import {
  destinationOf,
  IPPROTO_AH,
  IPPROTO_VRRP,
  ipHeaderBytes,
  ipv4At,
  readIpHeader,
  sourceOf,
  toGroup,
  u16,
  writeIpHeader,
} from "./ip-header.js";

/**
 * Adverts as whole packets: RFC 3768 §5 (version 2) and RFC 5798 §5 (version 3) in an IP header.
 * IP header, [authentication header], VRRP header, addresses, [8 octets in version 2 over IPv4], [HMAC trailer].
 */

/** RFC 5798 §5.1.1.3: a receiver discards everything that came over a router. */
export const VRRP_TTL = 255;
export const VRRP_HEADER = 8;
/** RFC 3768 §5.3.10: two words, present even without authentication. */
export const AUTH_DATA = 8;
const ADVERTISEMENT = 1;

export const authTypes = { none: 0, pass: 1, ah: 2 } as const;

/** Everything in an advert but what changes from packet to packet (IP identification, priority, signatures). */
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
  /** v2 over IPv4: the password is the key of an authentication header instead of going over the wire. */
  readonly ah?: boolean;
  /** Default 255. */
  readonly ttl?: number;
  readonly checksum?: ChecksumForm;
  /** Leaves room for the trailer that auth_hmac signs with; signHmac fills it. */
  readonly hmac?: boolean;
}

/** Where the parts of a packet are. */
export interface AdvertLayout {
  readonly family: Family;
  /** Of the VRRP header. */
  readonly message: number;
  /** End of the VRRP message: the trailer begins here, or the packet ends. */
  readonly end: number;
  /** What the checksum covers ends here: over IPv6 the trailer is in it. */
  readonly summed: number;
  readonly length: number;
}

type Shape = Pick<AdvertSpec, "version" | "ah" | "hmac"> & { readonly family: Family; readonly count: number };

/** Octets of the message with so many addresses. */
export function messageBytes(family: Family, version: number, count: number): number {
  const auth = version === 2 && family === "inet" ? AUTH_DATA : 0;
  return VRRP_HEADER + (family === "inet" ? 4 : 16) * count + auth;
}

export function layoutOf({ family, version, count, ah, hmac }: Shape): AdvertLayout {
  const message = ipHeaderBytes(family) + (ah === true ? AH_BYTES : 0);
  const end = message + messageBytes(family, version, count);
  const length = end + (hmac === true ? HMAC_BYTES : 0);
  return { family, message, end, summed: family === "inet" ? end : length, length };
}

/** A whole packet for a socket that takes headers (IP_HDRINCL). The IPv4 checksum stays 0: the kernel fills it. */
export function encodeAdvert(spec: AdvertSpec, priority: Priority, id: number, sequence = 0): Uint8Array<ArrayBuffer> {
  const family = familyOf(spec.source);
  const layout = layoutOf({ ...spec, family, count: spec.addresses.length });
  const bytes = new Uint8Array(layout.length);
  const { source, destination, ttl = VRRP_TTL } = spec;
  writeIpHeader(bytes, { source, destination, ttl, protocol: spec.ah === true ? IPPROTO_AH : IPPROTO_VRRP });
  if (spec.ah === true) writeAh(bytes);
  writeMessage(bytes.subarray(layout.message, layout.end), spec, family);
  stampId(bytes, id);
  stampPriority(bytes, priority, layout, spec.checksum);
  if (spec.ah === true) signAh(bytes, { key: authData(spec.authPass), sequence, unicast: !toGroup(bytes) });
  return bytes;
}

function writeMessage(message: Uint8Array, spec: AdvertSpec, family: Family): void {
  message[0] = (spec.version << 4) | ADVERTISEMENT;
  message[1] = spec.vrid;
  message[3] = spec.addresses.length;
  writeInterval(message, spec);
  const size = family === "inet" ? 4 : 16;
  for (const [i, address] of spec.addresses.entries()) message.set(bytesOfIp(address), VRRP_HEADER + size * i);
  const plain = spec.ah === true ? undefined : spec.authPass;
  if (spec.version === 2 && family === "inet") message.set(authData(plain), message.length - AUTH_DATA);
}

function writeInterval(message: Uint8Array, spec: AdvertSpec): void {
  if (spec.version === 3) {
    const centiseconds = Math.round(spec.interval / 10) & 0x0fff;
    message[4] = centiseconds >>> 8;
    message[5] = centiseconds & 0xff;
  } else {
    message[4] = authTypeOf(spec);
    message[5] = Math.round(spec.interval / 1000);
  }
}

/** RFC 2338 §5.3.6. */
export function authTypeOf({ authPass, ah }: Pick<AdvertSpec, "authPass" | "ah">): number {
  if (authPass === undefined) return authTypes.none;
  return ah === true ? authTypes.ah : authTypes.pass;
}

/** RFC 2338 §5.3.6.2: the password's first 8 octets, padded with zeros. */
export function authData(authPass: string | undefined): Uint8Array {
  const data = new Uint8Array(AUTH_DATA);
  new TextEncoder().encodeInto(authPass ?? "", data);
  return data;
}

/** Patches the IP identification of an encoded advert. IPv6 has none. */
export function stampId(packet: Uint8Array, id: number): void {
  if ((packet[0] ?? 0) >>> 4 !== 4) return;
  packet[4] = id >>> 8;
  packet[5] = id & 0xff;
}

/** Patches priority and checksum of an encoded advert. */
export function stampPriority(
  packet: Uint8Array,
  priority: Priority,
  { message, summed }: Pick<AdvertLayout, "message" | "summed">,
  form: ChecksumForm = "standard",
): void {
  packet[message + 2] = priority;
  stampChecksum(packet, message, summed, form);
}

/** Patches the checksum of the message in `packet[message, summed)`. */
export function stampChecksum(packet: Uint8Array, message: number, summed: number, form: ChecksumForm): void {
  packet[message + 6] = 0;
  packet[message + 7] = 0;
  const sum = advertChecksum((packet[message] ?? 0) >>> 4, packet, message, summed, form);
  packet[message + 6] = sum >>> 8;
  packet[message + 7] = sum & 0xff;
}

/** A received packet, taken apart but not judged: validate.ts does that. */
export interface ReceivedAdvert {
  /** As received, IP header included. Valid only while the packet is handled. */
  readonly bytes: Uint8Array;
  readonly family: Family;
  readonly ipHeaderLength: number;
  /** Where the VRRP header begins: behind the IP header, and an authentication header where there is one. */
  readonly messageAt: number;
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
  | { readonly ok: false; readonly problem: "too-short" | "not-ip" };

/** Never throws, whatever the bytes. */
export function decodeAdvert(bytes: Uint8Array): Decoded {
  const header = readIpHeader(bytes);
  if (header === undefined)
    return { ok: false, problem: bytes.length < ipHeaderBytes("inet") ? "too-short" : "not-ip" };
  const { length: ipHeaderLength, family, protocol, totalLength, ttl } = header;
  const messageAt = ipHeaderLength + (protocol === IPPROTO_AH ? AH_BYTES : 0);
  if (bytes.length < messageAt + VRRP_HEADER) return { ok: false, problem: "too-short" };
  const at = bytes.subarray(messageAt);
  const [first = 0, vrid = 0, priority = 0, addressCount = 0, authType = 0, seconds = 0] = at;
  const version = first >>> 4;
  return {
    ok: true,
    advert: {
      bytes,
      family,
      ipHeaderLength,
      messageAt,
      totalLength,
      ttl,
      protocol,
      source: sourceOf(bytes),
      destination: destinationOf(bytes),
      version,
      type: first & 0x0f,
      vrid,
      priority,
      addressCount,
      addresses: readAddresses(at.subarray(VRRP_HEADER), family, addressCount),
      authType,
      interval: version === 3 ? ms((u16(at, 4) & 0x0fff) * 10) : ms(seconds * 1000),
    },
  };
}

/** The virtual router of a packet, without taking it apart; undefined when it is too short to have one. */
export function vridOf(bytes: Uint8Array): number | undefined {
  const first = bytes[0] ?? 0;
  if (first >>> 4 === 6) return bytes[ipHeaderBytes("inet6") + 1];
  return bytes[(first & 0x0f) * 4 + (bytes[9] === IPPROTO_AH ? AH_BYTES : 0) + 1];
}

function readAddresses(bytes: Uint8Array, family: Family, count: number): readonly IpAddress[] {
  const addresses: IpAddress[] = [];
  const size = family === "inet" ? 4 : 16;
  for (let i = 0, at = 0; i < count && at + size <= bytes.length; i++, at += size) {
    addresses.push(family === "inet" ? ipv4At(bytes, at) : ipOfBytes(bytes.subarray(at, at + size)));
  }
  return addresses;
}
