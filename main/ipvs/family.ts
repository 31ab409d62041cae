import { NETLINK_GENERIC } from "../../native-bindings/netlink.js";
import { DaemonError, errnoName } from "../errors.js";
import { NetlinkConnection, type OpenSocket } from "../netlink/connection.js";
import { familyId, familyRequest } from "../netlink/generic.js";
import type { Verdict } from "../netlink/reader.js";
import { encodeGetInfo } from "./encode.js";
import { kernelModules, type ModuleLoader } from "./kernel-modules.js";
import { IPVS_GENL_NAME } from "./wire.js";

const EPERM = 1;
const ENOENT = 2;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** A netlink socket to the kernel's IPVS, and the number that its messages have as their type. */
export interface IpvsFamily {
  readonly connection: NetlinkConnection;
  readonly family: number;
}

/**
 * IPVS of the network namespace in which this is called; its module is loaded if need be.
 * @throws DaemonError E_IPVS_MISSING, E_PRIVILEGE or E_NETLINK
 */
export async function openFamily(
  modules: ModuleLoader = kernelModules,
  openSocket?: OpenSocket,
  receiveBufferBytes = RECEIVE_BUFFER_BYTES,
): Promise<IpvsFamily> {
  if (!modules.hasIpvs()) await modules.load("ip_vs");
  const connection = connect(openSocket, receiveBufferBytes);
  try {
    const family = await resolveFamily(connection);
    await probe(connection, family);
    return { connection, family };
  } catch (error) {
    connection.close();
    throw error;
  }
}

function connect(openSocket: OpenSocket | undefined, receiveBufferBytes: number): NetlinkConnection {
  try {
    return new NetlinkConnection(NETLINK_GENERIC, {}, receiveBufferBytes, openSocket);
  } catch (cause) {
    if (cause instanceof DaemonError) throw cause;
    const why = errnoName(cause) ?? String(cause);
    throw new DaemonError("E_NETLINK", `cannot open a generic netlink socket for IPVS: ${why}`, { cause });
  }
}

async function resolveFamily(connection: NetlinkConnection): Promise<number> {
  const { verdict, parts } = await connection.query(familyRequest(IPVS_GENL_NAME));
  if (verdict.errno === ENOENT)
    throw new DaemonError(
      "E_IPVS_MISSING",
      "the kernel has no IPVS and `modprobe ip_vs` did not bring it: install the module of this kernel or start with --ipvs memory",
    );
  const family = parts.map((part) => familyId(part.payload)).find((id) => id !== undefined);
  if (verdict.errno !== 0 || family === undefined) throw refused("the number of generic netlink family IPVS", verdict);
  return family;
}

/** GET_INFO changes nothing and needs the same privilege as all the rest. */
async function probe(connection: NetlinkConnection, family: number): Promise<void> {
  const { verdict } = await connection.query({ type: family, encode: encodeGetInfo });
  if (verdict.errno === EPERM)
    throw new DaemonError(
      "E_PRIVILEGE",
      "IPVS cannot be changed without CAP_NET_ADMIN: start as root or grant the capability",
    );
  if (verdict.errno !== 0) throw refused("IPVS_CMD_GET_INFO", verdict);
}

const refused = (what: string, { errno, reason }: Verdict): DaemonError =>
  new DaemonError("E_NETLINK", `the kernel refused to tell ${what}: errno ${errno} ${reason}`.trimEnd());
