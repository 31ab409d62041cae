import type { Family, IpAddress } from "../address.js";
import type { TunnelConfig } from "../config/model-lvs.js";
import { genericHeader } from "../netlink/generic.js";
import { MessageWriter } from "../netlink/writer.js";
import { unreachable } from "../unreachable.js";
import { INET_UNION_BYTES, writeAddress } from "./ip-codec.js";
import type { Operation } from "./operation.js";
import type { Destination, DestinationId, ForwardingMethod, Service, ServiceId } from "./table.js";
import {
  ALL_FLAGS,
  commands,
  dst,
  families,
  IPVS_CMD_ATTR_DEST,
  IPVS_CMD_ATTR_SERVICE,
  IPVS_GENL_VERSION,
  methods,
  NLA_F_NESTED,
  protocols,
  svc,
  tunnelChecksums,
  tunnelTypes,
} from "./wire.js";

const addressScratch = new Uint8Array(INET_UNION_BYTES);
const flagsScratch = Buffer.alloc(8);
const scratchWriter = new MessageWriter(512);

/** What follows struct nlmsghdr. Valid until the next call. */
export function operationBody(operation: Operation): Uint8Array {
  switch (operation.do) {
    case "new-dest":
    case "set-dest":
      return destinationBody(commands[operation.do], operation.service, operation.destination);
    default:
      scratchWriter.reset();
      writeOther(scratchWriter, operation);
      return scratchWriter.bytes();
  }
}

export const encodeOperation = (writer: MessageWriter, operation: Operation): void =>
  writer.copy(operationBody(operation));

type OtherOperation = Exclude<Operation, { readonly destination: Destination }>;

function writeOther(writer: MessageWriter, operation: OtherOperation): void {
  genericHeader(writer, commands[operation.do], IPVS_GENL_VERSION);
  switch (operation.do) {
    case "new-service":
    case "set-service":
      encodeService(writer, operation.service);
      break;
    case "del-service":
      encodeServiceId(writer, operation.service);
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

/**
 * Operations on destinations come service by service, and most octets of one are as in the one before: such a message is laid
 * out once and then only filled in. The hottest of all paths.
 */
interface DestinationLayout {
  readonly command: number;
  readonly service: ServiceId;
  readonly family: Family;
  readonly forwarding: ForwardingMethod;
  readonly tunnel: TunnelConfig | undefined;
  /** From struct genlmsghdr on. */
  readonly octets: Uint8Array;
  readonly view: DataView;
  /** Where the values are that differ from destination to destination. */
  readonly address: number;
  readonly port: number;
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
}

let lastLayout: DestinationLayout | undefined;

function destinationBody(command: number, service: ServiceId, destination: Destination): Uint8Array {
  const { family, forwarding, tunnel } = destination;
  let layout = lastLayout;
  if (
    layout?.service !== service ||
    layout.command !== command ||
    layout.forwarding !== forwarding ||
    layout.family !== family ||
    layout.tunnel !== tunnel
  ) {
    layout = destinationLayout(command, service, destination);
    lastLayout = layout;
  }
  const { view } = layout;
  writeAddress(layout.octets, destination.address, family, layout.address);
  view.setUint16(layout.port, destination.port);
  view.setUint32(layout.weight, destination.weight, true);
  view.setUint32(layout.upperThreshold, destination.upperThreshold, true);
  view.setUint32(layout.lowerThreshold, destination.lowerThreshold, true);
  return layout.octets;
}

function destinationLayout(
  command: number,
  service: ServiceId,
  { family, forwarding, tunnel }: Destination,
): DestinationLayout {
  const writer = scratchWriter;
  writer.reset();
  genericHeader(writer, command, IPVS_GENL_VERSION);
  encodeServiceId(writer, service);
  const nest = writer.length;
  writer.nest(NLA_F_NESTED | IPVS_CMD_ATTR_DEST, () => {
    writer.u16(dst.family, families[family]);
    writer.raw(dst.address, new Uint8Array(INET_UNION_BYTES));
    writer.be16(dst.port, 0);
    writer.u32(dst.forwarding, methods.indexOf(forwarding));
    writer.u32(dst.weight, 0);
    if (forwarding === "TUN") writeTunnel(writer, tunnel);
    writer.u32(dst.upperThreshold, 0);
    writer.u32(dst.lowerThreshold, 0);
  });
  const octets = Uint8Array.from(writer.bytes());
  return {
    command,
    service,
    family,
    forwarding,
    tunnel,
    octets,
    view: new DataView(octets.buffer),
    address: nest + 16,
    port: nest + 36,
    weight: nest + 52,
    upperThreshold: octets.length - 12,
    lowerThreshold: octets.length - 4,
  };
}

function writeTunnel(writer: MessageWriter, tunnel: TunnelConfig | undefined): void {
  writer.u8(dst.tunnelType, tunnelTypes.indexOf(tunnel?.type ?? "ipip"));
  if (tunnel === undefined) return;
  if (tunnel.type === "gue") writer.be16(dst.tunnelPort, tunnel.port);
  writer.u16(dst.tunnelFlags, tunnelChecksums.indexOf(tunnel.checksum));
}

function writeDestinationId(writer: MessageWriter, { family, address, port }: DestinationId): void {
  writer.u16(dst.family, families[family]);
  writeUnion(writer, dst.address, address, family);
  writer.be16(dst.port, port);
}
