import type { Milliseconds } from "../../main/units.js";
import type { CapturedFrame } from "./pcap.js";

/** What the tests look for on the wire. Decoded here on its own, so that the codec under test is not its own judge. */
export type Frame = Advert | Arp | NeighbourAdvert | OtherFrame;

export interface Advert {
  readonly kind: "advert";
  readonly at: Milliseconds;
  readonly source: string;
  readonly destination: string;
  readonly version: number;
  readonly vrid: number;
  readonly priority: number;
  /** Adver Int (v2, seconds) or Max Adver Int (v3, centiseconds) on the wire. */
  readonly intervalMs: number;
  /** The whole VRRP message, header and addresses. */
  readonly bytes: Uint8Array;
}

export interface Arp {
  readonly kind: "arp";
  readonly at: Milliseconds;
  readonly operation: "request" | "reply";
  readonly sender: string;
  /** Hardware address inside the ARP, lower case with colons. */
  readonly senderMac: string;
  readonly target: string;
  /** The sender announces its own address (RFC 5227 §1.1). */
  readonly gratuitous: boolean;
}

export interface NeighbourAdvert {
  readonly kind: "neighbour-advert";
  readonly at: Milliseconds;
  /** As groups of four digits without compression: what the test wants to see is compared the same way. */
  readonly target: string;
  /** Of the Ethernet header. */
  readonly senderMac: string;
}

export interface OtherFrame {
  readonly kind: "other";
  readonly at: Milliseconds;
}

const ETHERNET_BYTES = 14;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_ARP = 0x0806;
const PROTOCOL_ICMPV6 = 58;
const PROTOCOL_VRRP = 112;
const PROTOCOL_AH = 51;
/** RFC 2402 with an authentication value of 96 bits, as `auth_type AH` has it. */
const AH_BYTES = 24;

/** Never throws: what is too short or unknown is `other`. */
export function decodeFrame({ at, bytes }: CapturedFrame): Frame {
  const other: OtherFrame = { kind: "other", at };
  if (bytes.length < ETHERNET_BYTES) return other;
  const payload = bytes.subarray(ETHERNET_BYTES);
  switch (u16(bytes, 12)) {
    case ETHERTYPE_IPV4:
      return decodeAdvert(at, payload) ?? other;
    case ETHERTYPE_IPV6:
      return decodeIpv6(at, bytes, payload) ?? other;
    case ETHERTYPE_ARP:
      return decodeArp(at, payload) ?? other;
    default:
      return other;
  }
}

/** RFC 3768 §5.3 (version 2) and RFC 5798 §5.2 (version 3) inside RFC 791. */
function decodeAdvert(at: Milliseconds, ip: Uint8Array): Advert | undefined {
  const [versionAndLength = 0] = ip;
  const total = u16(ip, 2);
  const signed = ip[9] === PROTOCOL_AH;
  const bytes = ip.subarray((versionAndLength & 0x0f) * 4 + (signed ? AH_BYTES : 0), total);
  const ours = signed || ip[9] === PROTOCOL_VRRP;
  if (ip.length < 20 || ip.length < total || !ours || bytes.length < 8) return undefined;
  return advertOf(at, bytes, ipv4(ip, 12), ipv4(ip, 16));
}

/** RFC 8200 without extension headers. */
function decodeIpv6(at: Milliseconds, frame: Uint8Array, ip: Uint8Array): Advert | NeighbourAdvert | undefined {
  const payload = ip.subarray(40, 40 + u16(ip, 4));
  if (ip.length < 40 || payload.length < u16(ip, 4)) return undefined;
  if (ip[6] === PROTOCOL_VRRP && payload.length >= 8) return advertOf(at, payload, ipv6(ip, 8), ipv6(ip, 24));
  if (ip[6] !== PROTOCOL_ICMPV6 || payload[0] !== 136 || payload.length < 24) return undefined;
  return { kind: "neighbour-advert", at, target: ipv6(payload, 8), senderMac: mac(frame, 6) };
}

function advertOf(at: Milliseconds, bytes: Uint8Array, source: string, destination: string): Advert {
  const [versionAndType = 0, vrid = 0, priority = 0] = bytes;
  const version = versionAndType >> 4;
  const intervalMs = version === 2 ? (bytes[5] ?? 0) * 1000 : (u16(bytes, 4) & 0x0fff) * 10;
  return {
    kind: "advert",
    at,
    source,
    destination,
    version,
    vrid,
    priority,
    intervalMs,
    bytes,
  };
}

/** RFC 826 for Ethernet and IPv4. */
function decodeArp(at: Milliseconds, arp: Uint8Array): Arp | undefined {
  const operation = u16(arp, 6);
  if (arp.length < 28 || u16(arp, 2) !== ETHERTYPE_IPV4 || (operation !== 1 && operation !== 2)) return undefined;
  const senderMac = mac(arp, 8);
  const sender = ipv4(arp, 14);
  const target = ipv4(arp, 24);
  return {
    kind: "arp",
    at,
    operation: operation === 1 ? "request" : "reply",
    sender,
    senderMac,
    target,
    gratuitous: sender === target,
  };
}

const u16 = (bytes: Uint8Array, offset: number): number => ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
const mac = (bytes: Uint8Array, offset: number): string =>
  [...bytes.subarray(offset, offset + 6)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
export const ipv6 = (bytes: Uint8Array, offset: number): string =>
  Array.from({ length: 8 }, (_, i) =>
    u16(bytes, offset + 2 * i)
      .toString(16)
      .padStart(4, "0"),
  ).join(":");
const ipv4 = (bytes: Uint8Array, offset: number): string => bytes.subarray(offset, offset + 4).join(".");
