import type { Family, IpAddress } from "../address.js";
import { genericHeader } from "../netlink/generic.js";
import { MessageWriter } from "../netlink/writer.js";
import { unreachable } from "../unreachable.js";
import { INET_UNION_BYTES, writeAddress } from "./ip-codec.js";
import type { Operation } from "./operation.js";
import type { Destination, DestinationId, Service, ServiceId } from "./table.js";
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
  TUNNEL_TYPE_IPIP,
} from "./wire.js";

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

/** The DEST nest has fixed places for all values, so it is laid out once and only filled in: the hottest of all paths. */
interface DestinationLayout {
  readonly octets: Uint8Array;
  readonly view: DataView;
  /** Where U_THRESH's value is; L_THRESH's is 8 octets behind it. */
  readonly upperThreshold: number;
}

const ADDRESS_AT = 16;
const plainLayout = destinationLayout(false);
const tunnelLayout = destinationLayout(true);

function destinationLayout(tunnel: boolean): DestinationLayout {
  const writer = new MessageWriter(128);
  writer.nest(NLA_F_NESTED | IPVS_CMD_ATTR_DEST, () => {
    writer.u16(dst.family, 0);
    writer.raw(dst.address, new Uint8Array(INET_UNION_BYTES));
    writer.be16(dst.port, 0);
    writer.u32(dst.forwarding, 0);
    writer.u32(dst.weight, 0);
    if (tunnel) writer.u8(dst.tunnelType, TUNNEL_TYPE_IPIP);
    writer.u32(dst.upperThreshold, 0);
    writer.u32(dst.lowerThreshold, 0);
  });
  const octets = Uint8Array.from(writer.bytes());
  return { octets, view: new DataView(octets.buffer), upperThreshold: tunnel ? 68 : 60 };
}

function encodeDestination(writer: MessageWriter, destination: Destination): void {
  const { family, address, forwarding } = destination;
  const { octets, view, upperThreshold } = forwarding === "TUN" ? tunnelLayout : plainLayout;
  view.setUint16(8, families[family], true);
  octets.fill(0, ADDRESS_AT, ADDRESS_AT + INET_UNION_BYTES);
  writeAddress(octets, address, family, ADDRESS_AT);
  view.setUint16(36, destination.port);
  view.setUint32(44, methods.indexOf(forwarding), true);
  view.setUint32(52, destination.weight, true);
  view.setUint32(upperThreshold, destination.upperThreshold, true);
  view.setUint32(upperThreshold + 8, destination.lowerThreshold, true);
  writer.copy(octets);
}

function writeDestinationId(writer: MessageWriter, { family, address, port }: DestinationId): void {
  writer.u16(dst.family, families[family]);
  writeUnion(writer, dst.address, address, family);
  writer.be16(dst.port, port);
}
