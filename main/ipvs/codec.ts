import type { Family, IpAddress } from "../address.js";
import type { Protocol } from "../config/model.js";
import { AttributeCursor } from "../netlink/attribute-cursor.js";
import { GENL_HEADER_BYTES, genericHeader } from "../netlink/generic.js";
import type { MessageWriter } from "../netlink/writer.js";
import { type Port, port } from "../units.js";
import { unreachable } from "../unreachable.js";
import { INET_UNION_BYTES, readAddress, writeAddress } from "./ip-codec.js";
import type { Operation } from "./operation.js";
import {
  type Destination,
  type DestinationId,
  type ForwardingMethod,
  IP_VS_SVC_F_HASHED,
  type Service,
  type ServiceId,
  type ServiceMatch,
} from "./table.js";

/** Generic netlink messages of family "IPVS" (linux/ip_vs.h), in the attribute order of keepalived. */
export const IPVS_GENL_NAME = "IPVS";
const IPVS_GENL_VERSION = 1;

export const commands = {
  "new-service": 1,
  "set-service": 2,
  "del-service": 3,
  getService: 4,
  "new-dest": 5,
  "set-dest": 6,
  "del-dest": 7,
  getDest: 8,
  getInfo: 15,
} as const;

const IPVS_CMD_ATTR_SERVICE = 1;
const IPVS_CMD_ATTR_DEST = 2;
/** As libnl sets it, so that requests are keepalived's octet by octet; the kernel does not ask for it. */
const NLA_F_NESTED = 0x8000;
const svc = {
  af: 1,
  protocol: 2,
  address: 3,
  port: 4,
  fwmark: 5,
  scheduler: 6,
  flags: 7,
  timeout: 8,
  netmask: 9,
  pe: 11,
} as const;
const dst = {
  address: 1,
  port: 2,
  forwarding: 3,
  weight: 4,
  upperThreshold: 5,
  lowerThreshold: 6,
  family: 11,
  tunnelType: 13,
} as const;

const families: Readonly<Record<Family, number>> = { inet: 2, inet6: 10 };
const protocols: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };
/** IP_VS_CONN_F_FWD_MASK and its values. */
const FORWARDING_MASK = 0x7;
const methods: readonly ForwardingMethod[] = ["NAT", "LOCAL", "TUN", "DR", "BYPASS"];
const TUNNEL_TYPE_IPIP = 0;
/** struct ip_vs_flags.mask: every flag is set as given. */
const ALL_FLAGS = 0xffffffff;

const addressScratch = new Uint8Array(INET_UNION_BYTES);
const flagsScratch = Buffer.alloc(8);

export function encodeOperation(writer: MessageWriter, operation: Operation): void {
  genericHeader(writer, commands[operation.do], IPVS_GENL_VERSION);
  switch (operation.do) {
    case "new-service":
    case "set-service":
      encodeService(writer, operation.service);
      break;
    case "del-service":
      encodeServiceId(writer, operation.service);
      break;
    case "new-dest":
    case "set-dest":
      encodeServiceId(writer, operation.service);
      encodeDestination(writer, operation.destination);
      break;
    case "del-dest":
      encodeServiceId(writer, operation.service);
      writer.nest(NLA_F_NESTED | IPVS_CMD_ATTR_DEST, () => writeDestinationId(writer, operation.destination));
      break;
    default:
      unreachable(operation);
  }
}

/** Body of a dump of all services. */
export const encodeGetServices = (writer: MessageWriter): void =>
  genericHeader(writer, commands.getService, IPVS_GENL_VERSION);

/** Body of a dump of the destinations of one service; empty also when the kernel does not know the service. */
export function encodeGetDestinations(writer: MessageWriter, service: ServiceId): void {
  genericHeader(writer, commands.getDest, IPVS_GENL_VERSION);
  encodeServiceId(writer, service);
}

/** Version and size of the connection table: answered only to whoever may change the table too. */
export const encodeGetInfo = (writer: MessageWriter): void =>
  genericHeader(writer, commands.getInfo, IPVS_GENL_VERSION);

/**
 * What names the service, and no more: keepalived repeats scheduler and flags with every destination, and the kernel skips them.
 * Destinations come service by service, so the service's own part is nearly always the one of the operation before. */
let lastService: { readonly service: ServiceId; readonly nest: Uint8Array } | undefined;

function encodeServiceId(writer: MessageWriter, service: ServiceId): void {
  if (lastService?.service === service) {
    writer.copy(lastService.nest);
    return;
  }
  const start = writer.length;
  writer.nest(NLA_F_NESTED | IPVS_CMD_ATTR_SERVICE, () => writeServiceId(writer, service));
  lastService = { service, nest: Uint8Array.from(writer.bytes().subarray(start)) };
}

function encodeService(writer: MessageWriter, service: Service): void {
  writer.nest(NLA_F_NESTED | IPVS_CMD_ATTR_SERVICE, () => {
    writeServiceId(writer, service);
    writer.text(svc.scheduler, service.scheduler);
    if (service.persistenceEngine !== "") writer.text(svc.pe, service.persistenceEngine);
    flagsScratch.writeUInt32LE(service.flags, 0);
    flagsScratch.writeUInt32LE(ALL_FLAGS, 4);
    writer.raw(svc.flags, flagsScratch);
    writer.u32(svc.timeout, service.timeoutSeconds);
    if (service.family === "inet") writer.be32(svc.netmask, service.netmask);
    else writer.u32(svc.netmask, service.netmask);
  });
}

function writeServiceId(writer: MessageWriter, { family, match }: ServiceId): void {
  writer.u16(svc.af, families[family]);
  if (match.kind === "fwmark") {
    writer.u32(svc.fwmark, match.fwmark);
    return;
  }
  writer.u16(svc.protocol, protocols[match.protocol]);
  writeUnion(writer, svc.address, match.address, family);
  writer.be16(svc.port, match.port);
}

/** union nf_inet_addr: what an IPv4 address leaves is zero. */
function writeUnion(writer: MessageWriter, type: number, address: IpAddress, family: Family): void {
  addressScratch.fill(0);
  writeAddress(addressScratch, address, family);
  writer.raw(type, addressScratch);
}

function encodeDestination(writer: MessageWriter, destination: Destination): void {
  writer.nest(NLA_F_NESTED | IPVS_CMD_ATTR_DEST, () => {
    writeDestinationId(writer, destination);
    writer.u32(dst.forwarding, methods.indexOf(destination.forwarding));
    writer.u32(dst.weight, destination.weight);
    if (destination.forwarding === "TUN") writer.u8(dst.tunnelType, TUNNEL_TYPE_IPIP);
    writer.u32(dst.upperThreshold, destination.upperThreshold);
    writer.u32(dst.lowerThreshold, destination.lowerThreshold);
  });
}

function writeDestinationId(writer: MessageWriter, { family, address, port }: DestinationId): void {
  writer.u16(dst.family, families[family]);
  writeUnion(writer, dst.address, address, family);
  writer.be16(dst.port, port);
}

/**
 * The service of one message of a dump. Undefined for what we do not speak of: another family or protocol.
 * @throws RangeError when the message is torn
 */
export function decodeService(payload: Buffer): Service | undefined {
  const nest = findNest(payload, IPVS_CMD_ATTR_SERVICE);
  if (nest === undefined) return undefined;
  const raw = {
    af: 0,
    protocol: 0,
    address: emptyBytes,
    port: 0,
    fwmark: 0,
    scheduler: "",
    pe: "",
    flags: 0,
    timeout: 0,
  };
  let netmask = { host: 0, network: 0 };
  while (nest.next()) {
    if (nest.type === svc.af) raw.af = nest.u16();
    else if (nest.type === svc.protocol) raw.protocol = nest.u16();
    else if (nest.type === svc.address) raw.address = nest.bytes();
    else if (nest.type === svc.port) raw.port = nest.be16();
    else if (nest.type === svc.fwmark) raw.fwmark = nest.u32();
    else if (nest.type === svc.scheduler) raw.scheduler = nest.text();
    else if (nest.type === svc.pe) raw.pe = nest.text();
    else if (nest.type === svc.flags) raw.flags = nest.u32();
    else if (nest.type === svc.timeout) raw.timeout = nest.u32();
    else if (nest.type === svc.netmask) netmask = { host: nest.u32(), network: nest.be32() };
  }
  const family = familyOfCode(raw.af);
  const match = family === undefined ? undefined : matchOf(family, raw);
  if (family === undefined || match === undefined) return undefined;
  return {
    family,
    match,
    scheduler: raw.scheduler,
    flags: (raw.flags & ~IP_VS_SVC_F_HASHED) >>> 0,
    timeoutSeconds: raw.timeout,
    netmask: family === "inet" ? netmask.network : netmask.host,
    persistenceEngine: raw.pe,
  };
}

/**
 * The destination of one message of a dump of `service`. Undefined when it has a family or method unknown to us.
 * @throws RangeError when the message is torn
 */
export function decodeDestination(payload: Buffer, serviceFamily: Family): Destination | undefined {
  const nest = findNest(payload, IPVS_CMD_ATTR_DEST);
  if (nest === undefined) return undefined;
  let family: Family | undefined = serviceFamily; // a kernel before 3.18 has no ADDR_FAMILY
  let addressBytes = emptyBytes;
  let portNumber = 0;
  let method = 0;
  let weight = 0;
  let upperThreshold = 0;
  let lowerThreshold = 0;
  while (nest.next()) {
    if (nest.type === dst.address) addressBytes = nest.bytes();
    else if (nest.type === dst.port) portNumber = nest.be16();
    else if (nest.type === dst.forwarding) method = nest.u32() & FORWARDING_MASK;
    else if (nest.type === dst.weight) weight = nest.s32();
    else if (nest.type === dst.upperThreshold) upperThreshold = nest.u32();
    else if (nest.type === dst.lowerThreshold) lowerThreshold = nest.u32();
    else if (nest.type === dst.family) family = familyOfCode(nest.u16());
  }
  const forwarding = methods[method];
  if (family === undefined || forwarding === undefined) return undefined;
  const address = readAddress(addressBytes, family);
  return { family, address, port: port(portNumber), forwarding, weight, upperThreshold, lowerThreshold };
}

const emptyBytes: Buffer = Buffer.alloc(0);

function findNest(payload: Buffer, type: number): AttributeCursor | undefined {
  const attributes = new AttributeCursor(payload, GENL_HEADER_BYTES);
  while (attributes.next()) if (attributes.type === type) return attributes.nested();
  return undefined;
}

function familyOfCode(code: number): Family | undefined {
  if (code === families.inet) return "inet";
  return code === families.inet6 ? "inet6" : undefined;
}

interface RawMatch {
  readonly fwmark: number;
  readonly protocol: number;
  readonly address: Buffer;
  readonly port: number;
}

/** The kernel sends either a mark or protocol, address and port; mark 0 is none. */
function matchOf(family: Family, raw: RawMatch): ServiceMatch | undefined {
  if (raw.fwmark !== 0) return { kind: "fwmark", fwmark: raw.fwmark };
  const protocol = protocolOf(raw.protocol);
  if (protocol === undefined) return undefined;
  const address: IpAddress = readAddress(raw.address, family);
  const servicePort: Port = port(raw.port);
  return { kind: "address", protocol, address, port: servicePort };
}

function protocolOf(code: number): Protocol | undefined {
  for (const name of ["TCP", "UDP", "SCTP"] as const) if (protocols[name] === code) return name;
  return undefined;
}
