import type { Family } from "../address.js";
import type { AttributeCursor } from "../netlink/attribute-cursor.js";
import { port } from "../units.js";
import { decodeService, familyOfCode, findNest } from "./decode.js";
import { readAddress } from "./ip-codec.js";
import { type DestinationKey, destinationKey, type ServiceKey, serviceKey } from "./table.js";
import { counterAttributes, dst, IPVS_CMD_ATTR_DEST, IPVS_CMD_ATTR_SERVICE, svc } from "./wire.js";

/** Since the entry is in the table; they stop being exact at 2^53. */
export interface Traffic {
  connections: number;
  inPackets: number;
  outPackets: number;
  inBytes: number;
  outBytes: number;
}

export interface ServiceCounters extends Readonly<Traffic> {
  readonly key: ServiceKey;
}

export interface DestinationCounters extends Readonly<Traffic> {
  readonly key: DestinationKey;
  readonly weight: number;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
}

export const noTraffic = (): Traffic => ({ connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 });

/** Of one message of a dump of services. Undefined as for `decodeService`. @throws RangeError when the message is torn */
export function decodeServiceCounters(payload: Buffer): ServiceCounters | undefined {
  const service = decodeService(payload);
  const nest = findNest(payload, IPVS_CMD_ATTR_SERVICE);
  if (service === undefined || nest === undefined) return undefined;
  const traffic = noTraffic();
  let wide = false;
  while (nest.next()) {
    if (nest.type === svc.stats64) {
      readTraffic(nest.nested(), traffic);
      wide = true;
    } else if (nest.type === svc.stats && !wide) readTraffic(nest.nested(), traffic);
  }
  return { key: serviceKey(service), ...traffic };
}

/** Of one message of a dump of destinations, whatever their method. @throws RangeError when the message is torn */
export function decodeDestinationCounters(payload: Buffer, serviceFamily: Family): DestinationCounters | undefined {
  const nest = findNest(payload, IPVS_CMD_ATTR_DEST);
  if (nest === undefined) return undefined;
  let family: Family | undefined = serviceFamily; // a kernel before 3.18 has no ADDR_FAMILY
  let addressBytes: Buffer = Buffer.alloc(0);
  let [portNumber, weight, active, inactive, persistent] = [0, 0, 0, 0, 0];
  const traffic = noTraffic();
  let wide = false;
  while (nest.next()) {
    if (nest.type === dst.address) addressBytes = nest.bytes();
    else if (nest.type === dst.port) portNumber = nest.be16();
    else if (nest.type === dst.weight) weight = nest.s32();
    else if (nest.type === dst.family) family = familyOfCode(nest.u16());
    else if (nest.type === dst.active) active = nest.u32();
    else if (nest.type === dst.inactive) inactive = nest.u32();
    else if (nest.type === dst.persistent) persistent = nest.u32();
    else if (nest.type === dst.stats64) {
      readTraffic(nest.nested(), traffic);
      wide = true;
    } else if (nest.type === dst.stats && !wide) readTraffic(nest.nested(), traffic);
  }
  if (family === undefined) return undefined;
  const address = readAddress(addressBytes, family);
  return {
    key: destinationKey({ family, address, port: port(portNumber) }),
    weight,
    activeConnections: active,
    inactiveConnections: inactive,
    persistentConnections: persistent,
    ...traffic,
  };
}

/** 64 bits wide since Linux 4.2, and before that partly 32. */
function readTraffic(stats: AttributeCursor, into: Traffic): void {
  while (stats.next()) {
    const name = counterAttributes[stats.type];
    if (name !== undefined) into[name] = stats.length === 8 ? stats.u64() : stats.u32();
  }
}
