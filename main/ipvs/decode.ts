import type { Family, IpAddress } from "../address.js";
import type { Protocol } from "../config/model.js";
import type { TunnelConfig } from "../config/model-lvs.js";
import { AttributeCursor } from "../netlink/attribute-cursor.js";
import { GENL_HEADER_BYTES } from "../netlink/generic.js";
import { type Port, port } from "../units.js";
import { readAddress } from "./ip-codec.js";
import { type Destination, IP_VS_SVC_F_HASHED, type Service, type ServiceMatch } from "./table.js";
import {
  dst,
  FORWARDING_MASK,
  families,
  IPVS_CMD_ATTR_DEST,
  IPVS_CMD_ATTR_SERVICE,
  methods,
  protocols,
  svc,
  tunnelChecksums,
  tunnelTypes,
} from "./wire.js";

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
 * The destination of one message of a dump of `service`. Undefined when it has a family, method or tunnel unknown to us.
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
  let [tunnelType, tunnelPort, tunnelFlags] = [0, 0, 0];
  while (nest.next()) {
    if (nest.type === dst.address) addressBytes = nest.bytes();
    else if (nest.type === dst.port) portNumber = nest.be16();
    else if (nest.type === dst.forwarding) method = nest.u32() & FORWARDING_MASK;
    else if (nest.type === dst.weight) weight = nest.s32();
    else if (nest.type === dst.upperThreshold) upperThreshold = nest.u32();
    else if (nest.type === dst.lowerThreshold) lowerThreshold = nest.u32();
    else if (nest.type === dst.family) family = familyOfCode(nest.u16());
    else if (nest.type === dst.tunnelType) tunnelType = nest.u8();
    else if (nest.type === dst.tunnelPort) tunnelPort = nest.be16();
    else if (nest.type === dst.tunnelFlags) tunnelFlags = nest.u16();
  }
  const forwarding = methods[method];
  if (family === undefined || forwarding === undefined) return undefined;
  const address = readAddress(addressBytes, family);
  const plain = { family, address, port: port(portNumber), forwarding, weight, upperThreshold, lowerThreshold };
  if (forwarding !== "TUN" || tunnelType === 0) return plain;
  const tunnel = tunnelOf(tunnelType, tunnelPort, tunnelFlags);
  return tunnel && { ...plain, tunnel };
}

/** Whether the kernel tells of the destination's tunnel, as it does since it knows of others than IP in IP (Linux 5.2). */
export function tellsOfTunnels(payload: Buffer): boolean {
  const nest = findNest(payload, IPVS_CMD_ATTR_DEST);
  while (nest?.next() === true) if (nest.type === dst.tunnelType) return true;
  return false;
}

function tunnelOf(typeCode: number, portNumber: number, flags: number): TunnelConfig | undefined {
  const [type, checksum] = [tunnelTypes[typeCode], tunnelChecksums[flags]];
  return type && checksum && { type, port: port(type === "gue" ? portNumber : 0), checksum };
}

const emptyBytes: Buffer = Buffer.alloc(0);

export function findNest(payload: Buffer, type: number): AttributeCursor | undefined {
  const attributes = new AttributeCursor(payload, GENL_HEADER_BYTES);
  while (attributes.next()) if (attributes.type === type) return attributes.nested();
  return undefined;
}

export function familyOfCode(code: number): Family | undefined {
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
