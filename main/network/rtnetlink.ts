import { familyOf, type IpAddress } from "../address.js";
import type { VirtualAddress } from "../config/model.js";
import { bytesOfIp, ipOfBytes } from "../ip-bytes.js";
import type { Request } from "../netlink/connection.js";
import { attributes, type Message, numberOf, textOf } from "../netlink/reader.js";
import type { MessageWriter } from "../netlink/writer.js";
import type { Milliseconds } from "../units.js";
import type { LinkDetails } from "../vrrp/ports.js";

/** linux/rtnetlink.h */
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTNLGRP_LINK = 1;
export const RTNLGRP_IPV4_IFADDR = 5;
export const RTNLGRP_IPV6_IFADDR = 9;
/** rt_addrprotos: who made an address; keepalived's number, so that tools which show it keep working. */
export const RTPROT_KEEPALIVED = 18;

/** linux/if_link.h, linux/if_addr.h */
const IFLA_ADDRESS = 1;
const IFLA_BROADCAST = 2;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_GROUP = 27;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
/** IFLA_MACVLAN_MODE, IFLA_IPVLAN_MODE and IFLA_VRF_TABLE are all the first of their kind. */
const IFLA_FIRST_OF_KIND = 1;
const IFLA_EXT_MASK = 29;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;
export const IFA_F_NODAD = 0x02;
const IFA_F_HOMEADDRESS = 0x10;
const IFA_F_MANAGETEMPADDR = 0x100;
const IFA_F_NOPREFIXROUTE = 0x200;
const IFA_F_MCAUTOJOIN = 0x400;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_TENTATIVE = 0x40;

const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;
const IFINFOMSG_BYTES = 16;
const IFADDRMSG_BYTES = 8;

/** What a RTM_NEWLINK says; a field that the message does not have is undefined (wireless events have next to none). */
export interface LinkMessage {
  readonly index: number;
  /** IFF_* (linux/if.h). */
  readonly flags: number;
  readonly name: string | undefined;
  readonly mtu: number | undefined;
  readonly mac: Uint8Array | undefined;
  readonly details: LinkDetails | undefined;
  /** Absent where nobody told (tests). */
  readonly shape?: { readonly hardware: number; readonly broadcast: Uint8Array | undefined };
}

export interface AddressMessage {
  readonly interfaceIndex: number;
  readonly address: IpAddress;
  readonly prefix: number;
  /** RT_SCOPE_*: 0 global, 253 link, 254 host. */
  readonly scope: number;
  /** IFA_F_*, all 32 bits. */
  readonly flags: number;
  readonly label: string | undefined;
  readonly broadcast: IpAddress | undefined;
  /** RTPROT_* of who made it; undefined from kernels before 5.18. */
  readonly protocol: number | undefined;
}

export type RouteMessage =
  | { readonly kind: "link"; readonly link: LinkMessage }
  | { readonly kind: "link-gone"; readonly index: number }
  | { readonly kind: "address" | "address-gone"; readonly address: AddressMessage };

/**
 * One message of NETLINK_ROUTE, or undefined when it is about something else (routes, bridge ports, other families).
 * @throws RangeError on bytes that are no such message
 */
export function decodeRouteMessage(message: Message): RouteMessage | undefined {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return decodeLink(message.type, message.payload);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return decodeAddress(message.type, message.payload);
    default:
      return undefined;
  }
}

/** struct ifinfomsg { u8 family; u8 pad; u16 type; s32 index; u32 flags; u32 change } */
function decodeLink(type: number, payload: Buffer): RouteMessage | undefined {
  requireHeader(payload, IFINFOMSG_BYTES);
  // AF_BRIDGE tells of bridge ports in the same group: its RTM_DELLINK only means that a port left its bridge.
  if (payload.readUInt8(0) !== AF_UNSPEC) return undefined;
  const index = payload.readInt32LE(4);
  if (type === RTM_DELLINK) return { kind: "link-gone", index };
  const found = attributes(payload.subarray(IFINFOMSG_BYTES), ofLink);
  const name = found.get(IFLA_IFNAME);
  const mac = found.get(IFLA_ADDRESS);
  const broadcast = found.get(IFLA_BROADCAST);
  const link: LinkMessage = {
    index,
    flags: payload.readUInt32LE(8),
    name: name === undefined ? undefined : textOf(name),
    mtu: numberOf(found.get(IFLA_MTU)),
    mac: mac === undefined ? undefined : Uint8Array.from(mac),
    details: name === undefined ? undefined : detailsOf(found),
    shape: { hardware: payload.readUInt16LE(2), broadcast: broadcast && Uint8Array.from(broadcast) },
  };
  return { kind: "link", link };
}

/** What is read of a link. */
const ofLink: ReadonlySet<number> = new Set([
  IFLA_ADDRESS,
  IFLA_BROADCAST,
  IFLA_IFNAME,
  IFLA_MTU,
  IFLA_LINK,
  IFLA_MASTER,
  IFLA_LINKINFO,
  IFLA_GROUP,
]);

function detailsOf(found: ReadonlyMap<number, Buffer>): LinkDetails {
  const info = found.get(IFLA_LINKINFO);
  const about = info === undefined ? undefined : attributes(info);
  const kindName = about?.get(IFLA_INFO_KIND);
  const kind = kindName === undefined ? undefined : textOf(kindName);
  const data = about?.get(IFLA_INFO_DATA);
  const known = kind === "macvlan" || kind === "ipvlan" || kind === "vrf";
  const first = known && data !== undefined ? numberOf(attributes(data).get(IFLA_FIRST_OF_KIND)) : undefined;
  return {
    kind,
    lower: numberOf(found.get(IFLA_LINK)),
    master: numberOf(found.get(IFLA_MASTER)),
    group: numberOf(found.get(IFLA_GROUP)) ?? 0,
    mode: kind === "vrf" ? undefined : first,
    table: kind === "vrf" ? first : undefined,
  };
}

/** struct ifaddrmsg { u8 family; u8 prefixlen; u8 flags; u8 scope; u32 index } */
function decodeAddress(type: number, payload: Buffer): RouteMessage | undefined {
  requireHeader(payload, IFADDRMSG_BYTES);
  const family = payload.readUInt8(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const found = attributes(payload.subarray(IFADDRMSG_BYTES));
  // On a point-to-point link IFA_ADDRESS is the peer's; IPv6 has IFA_LOCAL only then.
  const local = found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS);
  const octets = family === AF_INET ? 4 : 16;
  const prefix = payload.readUInt8(1);
  if (local?.length !== octets) throw new RangeError(`rtnetlink: an address of ${local?.length ?? 0} octets`);
  if (prefix > octets * 8) throw new RangeError(`rtnetlink: prefix length ${prefix}`);
  const broadcast = found.get(IFA_BROADCAST);
  const label = found.get(IFA_LABEL);
  const address: AddressMessage = {
    interfaceIndex: payload.readUInt32LE(4),
    address: ipOfBytes(local),
    prefix,
    scope: payload.readUInt8(3),
    flags: numberOf(found.get(IFA_FLAGS)) ?? payload.readUInt8(2),
    label: label === undefined ? undefined : textOf(label),
    broadcast: broadcast === undefined ? undefined : ipOfBytes(broadcast),
    protocol: numberOf(found.get(IFA_PROTO)),
  };
  return { kind: type === RTM_NEWADDR ? "address" : "address-gone", address };
}

function requireHeader(payload: Buffer, bytes: number): void {
  if (payload.length < bytes) throw new RangeError(`rtnetlink: a header of ${payload.length} octets, ${bytes} needed`);
}

/**
 * Like `ip addr add ADDRESS/PREFIX dev IF [broadcast B] [label L] scope S`. NLM_F_CREATE and _EXCL are not set and the
 * attributes come in keepalived's order, IFA_PROTO (new in its 2.4) after those of its earlier releases.
 */
export function addAddressRequest(interfaceIndex: number, vip: VirtualAddress): Request {
  return { type: RTM_NEWADDR, encode: (writer) => encodeAdd(writer, interfaceIndex, vip) };
}

function encodeAdd(writer: MessageWriter, interfaceIndex: number, vip: VirtualAddress): void {
  const isIpv6 = familyOf(vip.address) === "inet6";
  const { preferredLifetime, peer } = vip.more;
  addressHeader(writer, interfaceIndex, vip);
  if (isIpv6 && preferredLifetime !== "forever") writer.raw(IFA_CACHEINFO, preferredFor(preferredLifetime));
  writer.raw(IFA_LOCAL, bytesOfIp(vip.address));
  if (peer !== undefined) writer.raw(IFA_ADDRESS, bytesOfIp(peer));
  const flags = addressFlags(vip, isIpv6);
  if (flags !== 0) writer.u32(IFA_FLAGS, flags);
  if (!isIpv6 && vip.broadcast !== undefined) writer.raw(IFA_BROADCAST, bytesOfIp(vip.broadcast));
  if (!isIpv6 && vip.label !== undefined) writer.text(IFA_LABEL, vip.label);
  writer.u8(IFA_PROTO, RTPROT_KEEPALIVED);
}

/** A VIP must answer at once: the router that had it is gone, and detection of duplicates would cost a second of service. */
function addressFlags({ more }: VirtualAddress, isIpv6: boolean): number {
  const both = (more.noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0) | (more.autojoin ? IFA_F_MCAUTOJOIN : 0);
  if (!isIpv6) return both;
  const temporary = more.managesTemporary ? IFA_F_MANAGETEMPADDR : 0;
  return both | temporary | (more.detectDuplicates ? 0 : IFA_F_NODAD) | (more.home ? IFA_F_HOMEADDRESS : 0);
}

/** Like `ip addr del ADDRESS/PREFIX dev IF`. */
export function deleteAddressRequest(interfaceIndex: number, vip: VirtualAddress): Request {
  return { type: RTM_DELADDR, encode: (writer) => encodeDelete(writer, interfaceIndex, vip) };
}

function encodeDelete(writer: MessageWriter, interfaceIndex: number, vip: VirtualAddress): void {
  addressHeader(writer, interfaceIndex, vip);
  const octets = bytesOfIp(vip.address);
  writer.raw(IFA_LOCAL, octets);
  const { peer } = vip.more;
  // Makes the kernel compare the prefix length too.
  if (octets.length === 4) writer.raw(IFA_ADDRESS, peer === undefined ? octets : bytesOfIp(peer));
}

function addressHeader(writer: MessageWriter, interfaceIndex: number, vip: VirtualAddress): void {
  const header = Buffer.alloc(IFADDRMSG_BYTES);
  header.writeUInt8(familyOf(vip.address) === "inet" ? AF_INET : AF_INET6, 0);
  header.writeUInt8(vip.prefix, 1);
  header.writeUInt8(vip.scope, 3);
  header.writeUInt32LE(interfaceIndex, 4);
  writer.header(header);
}

/**
 * struct ifa_cacheinfo { u32 preferred; u32 valid; u32 created; u32 updated }, in seconds: valid for ever. A /128 VIP has
 * preferred 0 unless configured: it is never chosen as source address of the host's own connections, as keepalived has it.
 */
function preferredFor(lifetime: Milliseconds): Buffer {
  const info = Buffer.alloc(16);
  info.writeUInt32LE(Math.round(lifetime / 1000), 0);
  info.writeUInt32LE(0xffffffff, 4);
  return info;
}

/** Body of a dump request for RTM_GETLINK: all links, without their counters. */
export function encodeLinkDump(writer: MessageWriter): void {
  writer.header(Buffer.alloc(IFINFOMSG_BYTES));
  writer.u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

/** Body of a dump request for RTM_GETADDR: both families. */
export function encodeAddressDump(writer: MessageWriter): void {
  writer.header(Buffer.alloc(IFADDRMSG_BYTES));
}
