import { type Family, familyOf, type IpAddress } from "../address.js";
import type { NextHop, Realms, RouteConfig, RouteMetrics } from "../config/model-routes.js";
import { bytesOfIp, ipOfBytes } from "../ip-bytes.js";
import type { Request } from "../netlink/connection.js";
import { attributes, type Message, NLM_F_CREATE, NLM_F_EXCL, numberOf } from "../netlink/reader.js";
import { MessageWriter } from "../netlink/writer.js";
import { writeEncap } from "./encap-codec.js";
import { familyNumber, familyOfNumber, networkBytes, prefixText, prefixTextOf } from "./prefix-bytes.js";

/** linux/rtnetlink.h */
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTNLGRP_IPV4_ROUTE = 7;
export const RTNLGRP_IPV6_ROUTE = 11;
const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_MULTIPATH = 9;
const RTA_FLOW = 11;
const RTA_TABLE = 15;
const RTA_VIA = 18;
const RTA_PREF = 20;
const RTA_EXPIRES = 23;
const RTA_TTL_PROPAGATE = 26;
const RTN_UNSPEC = 0;
const RTN_UNICAST = 1;
/** RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT, RTN_THROW: packets go nowhere. */
const RTN_BLACKHOLE = 6;
const RTN_THROW = 9;
const RT_SCOPE_NOWHERE = 255;
const RTNH_F_ONLINK = 4;
const NLM_F_REPLACE = 0x100;
const NLM_F_APPEND = 0x800;
const RTMSG_BYTES = 12;
const RTNEXTHOP_BYTES = 8;
/** What the kernel takes for IPv6 (IP6_RT_PRIO_USER); IPv4 takes 0. */
const DEFAULT_METRIC6 = 1024;

/** RTAX_* by their names in the configuration. */
const plainNumbers = {
  mtu: 2,
  window: 3,
  ssthresh: 6,
  cwnd: 7,
  advmss: 8,
  reordering: 9,
  hoplimit: 10,
  initcwnd: 11,
  initrwnd: 14,
  quickack: 15,
  fastopen_no_cookie: 17,
} as const satisfies Record<keyof RouteMetrics["plain"], number>;
const RTAX_LOCK = 1;
const RTAX_FEATURES = 12;
const RTAX_FEATURE_ECN = 1;
const RTAX_CC_ALGO = 16;
/** The kernel keeps round trip times in eighths and their variance in quarters of a millisecond (net/tcp.h). */
const timeNumbers = {
  rtt: { number: 4, unit: 8 },
  rttvar: { number: 5, unit: 4 },
  rto_min: { number: 13, unit: 1 },
} as const satisfies Record<keyof RouteMetrics["times"], { number: number; unit: number }>;

/** A route whose interfaces are looked up. */
export interface PlacedRoute {
  readonly route: RouteConfig;
  /** That of its VRF, where it names one. */
  readonly table: number;
  /** Index of an interface that the route names. */
  readonly indexOf: (name: string) => number;
}

/** Like `ip route prepend|append|add ...`. */
export function addRouteRequest(placed: PlacedRoute): Request {
  const { route } = placed;
  // A second route that leads nowhere makes no sense, so keepalived adds these exclusively, whatever the line says.
  const exclusive = route.insertion === "add" || leadsNowhere(route);
  const flags = NLM_F_CREATE | (exclusive ? NLM_F_EXCL : 0) | (route.insertion === "append" ? NLM_F_APPEND : 0);
  return { type: RTM_NEWROUTE, flags, encode: (writer) => encodeAdd(writer, placed) };
}

/** Like `ip route del ...`: metrics and lifetime are left out, for they may have changed since. */
export function deleteRouteRequest(placed: PlacedRoute): Request {
  return { type: RTM_DELROUTE, encode: (writer) => encodeDelete(writer, placed) };
}

const leadsNowhere = ({ type }: RouteConfig): boolean => type >= RTN_BLACKHOLE && type <= RTN_THROW;

function encodeAdd(writer: MessageWriter, placed: PlacedRoute): void {
  const { route } = placed;
  writeHeader(writer, placed, route.scope ?? 0, route.type);
  writeWay(writer, placed);
  if (route.expires !== undefined) writer.u32(RTA_EXPIRES, Math.round(route.expires / 1000));
  if (route.preference !== undefined) writer.u8(RTA_PREF, route.preference);
  if (route.ttlPropagate !== undefined) writer.u8(RTA_TTL_PROPAGATE, route.ttlPropagate ? 1 : 0);
  writeMetrics(writer, route.metrics);
}

function encodeDelete(writer: MessageWriter, placed: PlacedRoute): void {
  const { type } = placed.route;
  writeHeader(writer, placed, RT_SCOPE_NOWHERE, type === RTN_UNICAST ? RTN_UNSPEC : type);
  writeWay(writer, placed);
}

/** struct rtmsg { u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags } */
function writeHeader(writer: MessageWriter, { route, table }: PlacedRoute, scope: number, type: number): void {
  const header = Buffer.alloc(RTMSG_BYTES);
  header.writeUInt8(familyNumber(route.family), 0);
  header.writeUInt8(route.destination.length, 1);
  header.writeUInt8(route.from?.length ?? 0, 2);
  header.writeUInt8(route.tos, 3);
  header.writeUInt8(table < 256 ? table : 0, 4);
  header.writeUInt8(route.protocol, 5);
  header.writeUInt8(scope, 6);
  header.writeUInt8(type, 7);
  header.writeUInt32LE(route.onlink ? RTNH_F_ONLINK : 0, 8);
  writer.header(header);
}

/** Where packets go, and which ones: what tells routes apart. */
function writeWay(writer: MessageWriter, { route, table, indexOf }: PlacedRoute): void {
  const { destination, from, source, gateway, device, metric, realms, encap, hops, family } = route;
  if (destination.length > 0) writer.raw(RTA_DST, networkBytes(destination));
  if (from !== undefined) writer.raw(RTA_SRC, networkBytes(from));
  if (source !== undefined) writer.raw(RTA_PREFSRC, bytesOfIp(source));
  if (table > 255) writer.u32(RTA_TABLE, table);
  if (encap !== undefined) writeEncap(writer, encap);
  if (gateway !== undefined) writeGateway(writer, family, gateway);
  if (device !== undefined) writer.u32(RTA_OIF, indexOf(device));
  if (metric !== undefined) writer.u32(RTA_PRIORITY, metric);
  if (realms !== undefined) writer.u32(RTA_FLOW, flowOf(realms));
  if (hops.length > 0)
    writer.nest(RTA_MULTIPATH, () => {
      for (const hop of hops) writeHop(writer, hop, family, indexOf);
    });
}

/** struct rtvia { u16 family; u8 address[] }: a gateway of the other family (RFC 5549). */
function writeGateway(writer: MessageWriter, family: Family, gateway: IpAddress): void {
  const octets = bytesOfIp(gateway);
  const own = familyOf(gateway);
  if (own === family) {
    writer.raw(RTA_GATEWAY, octets);
    return;
  }
  const via = Buffer.alloc(2 + octets.length);
  via.writeUInt16LE(familyNumber(own), 0);
  octets.copy(via, 2);
  writer.raw(RTA_VIA, via);
}

/** struct rtnexthop { u16 len; u8 flags; u8 hops; s32 ifindex }, with attributes behind it. */
function writeHop(writer: MessageWriter, hop: NextHop, family: Family, indexOf: (name: string) => number): void {
  const inner = new MessageWriter(256);
  if (hop.encap !== undefined) writeEncap(inner, hop.encap);
  if (hop.gateway !== undefined) writeGateway(inner, family, hop.gateway);
  if (hop.realms !== undefined) inner.u32(RTA_FLOW, flowOf(hop.realms));
  const attached = inner.bytes();
  const header = Buffer.alloc(RTNEXTHOP_BYTES);
  header.writeUInt16LE(RTNEXTHOP_BYTES + attached.length, 0);
  header.writeUInt8(hop.onlink ? RTNH_F_ONLINK : 0, 2);
  header.writeUInt8(hop.weight - 1, 3);
  header.writeInt32LE(hop.device === undefined ? 0 : indexOf(hop.device), 4);
  writer.header(Buffer.concat([header, attached]));
}

const flowOf = ({ from, to }: Realms): number => ((from << 16) | to) >>> 0;

function writeMetrics(writer: MessageWriter, { plain, times, congestionControl, ecn }: RouteMetrics): void {
  const numbers: { readonly number: number; readonly value: number; readonly locked: boolean }[] = [];
  if (ecn) numbers.push({ number: RTAX_FEATURES, value: RTAX_FEATURE_ECN, locked: false });
  for (const [name, number] of typedEntries(plainNumbers)) {
    const metric = plain[name];
    if (metric !== undefined) numbers.push({ number, value: metric.value, locked: metric.locked });
  }
  for (const [name, { number, unit }] of typedEntries(timeNumbers)) {
    const metric = times[name];
    if (metric !== undefined) numbers.push({ number, value: Math.round(metric.value * unit), locked: metric.locked });
  }
  if (numbers.length === 0 && congestionControl === undefined) return;
  const lockBits = numbers.filter(({ locked }) => locked).reduce((bits, { number }) => bits | (1 << number), 0);
  const lock = congestionControl?.locked === true ? lockBits | (1 << RTAX_CC_ALGO) : lockBits;
  writer.nest(RTA_METRICS, () => {
    for (const { number, value } of numbers) writer.u32(number, value);
    if (congestionControl !== undefined) writer.text(RTAX_CC_ALGO, congestionControl.value);
    if (lock !== 0) writer.u32(RTAX_LOCK, lock);
  });
}

const typedEntries = <K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] =>
  Object.entries(record) as [K, V][];

/** What makes two routes the same entry of the kernel: one of them shadows or replaces the other. */
export function routeIdentity({ route, table }: Pick<PlacedRoute, "route" | "table">): string {
  const { family, destination, from, tos, metric } = route;
  const priority = metric ?? (family === "inet6" ? DEFAULT_METRIC6 : 0);
  return `${family} ${table} ${prefixText(destination)} ${prefixText(from)} ${tos} ${priority}`;
}

/** Where it leads, which tells apart routes that stand in one row. */
export const routeWay = ({ hops, gateway }: RouteConfig): string => (hops.length > 0 ? "many" : (gateway ?? "none"));

/** What a notification says of the end of a route, or of one that took its place. */
export interface RouteEnd {
  readonly kind: "deleted" | "replaced";
  readonly identity: string;
  /** Of the one that was deleted, or of the new one. */
  readonly way: string;
}

/** Undefined when the notification says something else. @throws RangeError on bytes that are no such message */
export function decodeRouteEnd({ type, flags, payload }: Message): RouteEnd | undefined {
  const replaced = type === RTM_NEWROUTE && (flags & NLM_F_REPLACE) !== 0;
  if (type !== RTM_DELROUTE && !replaced) return undefined;
  if (payload.length < RTMSG_BYTES) throw new RangeError(`rtnetlink: a route of ${payload.length} octets`);
  const family = familyOfNumber(payload.readUInt8(0));
  if (family === undefined) return undefined;
  const found = attributes(payload.subarray(RTMSG_BYTES));
  const table = numberOf(found.get(RTA_TABLE)) ?? payload.readUInt8(4);
  const to = prefixTextOf(found.get(RTA_DST), payload.readUInt8(1));
  const from = prefixTextOf(found.get(RTA_SRC), payload.readUInt8(2));
  const priority = numberOf(found.get(RTA_PRIORITY)) ?? 0;
  const identity = `${family} ${table} ${to} ${from} ${payload.readUInt8(3)} ${priority}`;
  return { kind: replaced ? "replaced" : "deleted", identity, way: wayOf(found) };
}

function wayOf(found: ReadonlyMap<number, Buffer>): string {
  if (found.has(RTA_MULTIPATH)) return "many";
  const gateway = found.get(RTA_GATEWAY) ?? found.get(RTA_VIA)?.subarray(2);
  return gateway === undefined ? "none" : ipOfBytes(gateway);
}
