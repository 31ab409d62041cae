import { type Family, familyOf, type IpAddress } from "../address.js";
import type { Forwarding, Protocol } from "../config/model.js";
import type { TunnelConfig } from "../config/model-lvs.js";
import { type Port, port } from "../units.js";

/** The IPVS table as we want it or as the kernel has it: services with their destinations (ipvsadm(8)'s words). */

/** What packets a service takes. In the kernel a mark and an address are two ways to name a service, never both. */
export type ServiceMatch =
  | { readonly kind: "address"; readonly protocol: Protocol; readonly address: IpAddress; readonly port: Port }
  | { readonly kind: "fwmark"; readonly fwmark: number };

/** Names a service in the kernel. */
export interface ServiceId {
  readonly family: Family;
  readonly match: ServiceMatch;
}

export interface Service extends ServiceId {
  /** Name of a scheduler of the kernel: `rr`, `wlc`, ... */
  readonly scheduler: string;
  /** IP_VS_SVC_F_* without HASHED, which is the kernel's own. */
  readonly flags: number;
  /** Of a persistence template; 0 without persistence. */
  readonly timeoutSeconds: number;
  /** Granularity of persistence. IPv4: the mask as an unsigned number (0xffffff00). IPv6: a prefix length, 1..128. */
  readonly netmask: number;
  /** Persistence engine (`sip`), or empty. */
  readonly persistenceEngine: string;
}

/** LOCAL and BYPASS are never ours, but may be met. */
export type ForwardingMethod = Forwarding | "LOCAL" | "BYPASS";

/** Names a destination within its service. Its family may differ from the service's when it is tunnelled. */
export interface DestinationId {
  readonly family: Family;
  readonly address: IpAddress;
  readonly port: Port;
}

export interface Destination extends DestinationId {
  readonly forwarding: ForwardingMethod;
  /** 0..2147483647; 0 takes no new connections. */
  readonly weight: number;
  /** Connections at which it counts as overloaded, and at which no longer; 0 = none. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** Of method TUN. Absent: plain IP in IP, as nearly everywhere. */
  readonly tunnel?: TunnelConfig;
}

/** linux/ip_vs.h */
export const IP_VS_SVC_F_PERSISTENT = 0x1;
export const IP_VS_SVC_F_HASHED = 0x2;
export const IP_VS_SVC_F_ONEPACKET = 0x4;
export const IP_VS_SVC_F_SCHED1 = 0x8;
export const IP_VS_SVC_F_SCHED2 = 0x10;
export const IP_VS_SVC_F_SCHED3 = 0x20;
export const HOST_MASK_INET = 0xffffffff;
export const HOST_PREFIX_INET6 = 128;

/** Also how logs name the service: `[192.0.2.1]:tcp:80`, `FWM 7`, `FWM 7 inet6`. */
export type ServiceKey = string & { readonly serviceKey?: never };
/** `[192.0.2.10]:80` */
export type DestinationKey = string & { readonly destinationKey?: never };

export interface ServiceEntry {
  readonly service: Service;
  readonly destinations: ReadonlyMap<DestinationKey, Destination>;
}

export type Table = ReadonlyMap<ServiceKey, ServiceEntry>;

export function serviceKey({ family, match }: ServiceId): ServiceKey {
  if (match.kind === "address") return `[${match.address}]:${match.protocol.toLowerCase()}:${match.port}`;
  return family === "inet" ? `FWM ${match.fwmark}` : `FWM ${match.fwmark} inet6`;
}

export const destinationKey = ({ address, port }: DestinationId): DestinationKey => flat(`[${address}]:${port}`);

/**
 * V8 keeps what was put together as a tree of its parts, also as a key of a map, until somebody looks into it: then it is one text,
 * and a third of the size.
 */
const flat = (text: string): string => (Number.isNaN(text.charCodeAt(0)) ? "" : text);

/** Destinations keep their order. Of two with the same key the last one counts, in the place of the first. */
export function entryOf(service: Service, destinations: Iterable<Destination>): ServiceEntry {
  const map = new Map<DestinationKey, Destination>();
  for (const destination of destinations) map.set(destinationKey(destination), destination);
  return { service, destinations: map };
}

/** Services keep their order; of two with the same key the last one counts. */
export function tableOf(entries: Iterable<ServiceEntry>): Table {
  const table = new Map<ServiceKey, ServiceEntry>();
  for (const entry of entries) table.set(serviceKey(entry.service), entry);
  return table;
}

/** Equal in all that can be changed in place; the keys are equal already. */
export function sameService(a: Service, b: Service): boolean {
  return (
    a.scheduler === b.scheduler &&
    a.flags === b.flags &&
    a.timeoutSeconds === b.timeoutSeconds &&
    a.netmask === b.netmask &&
    a.persistenceEngine === b.persistenceEngine
  );
}

/** As `sameService`. */
export function sameDestination(a: Destination, b: Destination): boolean {
  return (
    a.weight === b.weight &&
    a.forwarding === b.forwarding &&
    a.upperThreshold === b.upperThreshold &&
    a.lowerThreshold === b.lowerThreshold &&
    sameTunnel(a.tunnel, b.tunnel)
  );
}

export function sameTunnel(a: TunnelConfig | undefined, b: TunnelConfig | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && a.type === b.type && a.port === b.port && a.checksum === b.checksum;
}

/** The reverse of `destinationKey`. @throws RangeError when `key` did not come from there */
export function destinationIdOf(key: DestinationKey): DestinationId {
  const end = key.lastIndexOf("]:");
  const address = key.slice(1, end);
  return { family: familyOf(address), address, port: port(Number(key.slice(end + 2))) };
}
