import { NETLINK_ROUTE } from "../../native-bindings/netlink.js";
import type { Clock } from "../clock.js";
import { NetlinkConnection } from "../netlink/connection.js";
import type { Log } from "../observe/log.js";
import { KernelEntries } from "./host-entries.js";
import { KernelNetwork } from "./host-network.js";
import { NftConnection } from "./nft-connection.js";
import { PacketFilter } from "./packet-filter.js";

/**
 * Links and addresses of the network namespace that the process is in.
 * @throws DaemonError E_NETLINK when the kernel does not tell them; system error when there is no socket
 */
export function openHostNetwork(log: Log, clock: Clock): Promise<KernelNetwork> {
  return KernelNetwork.open((events) => new NetlinkConnection(NETLINK_ROUTE, events), log, clock);
}

/** Routes and rules of the same namespace. */
export const openHostEntries = (network: KernelNetwork, log: Log): KernelEntries =>
  new KernelEntries(network, (events) => new NetlinkConnection(NETLINK_ROUTE, events), log);

/** nftables of the same namespace; nothing is opened before it is needed. */
export const openPacketFilter = (network: KernelNetwork, log: Log): PacketFilter =>
  new PacketFilter(
    () => new NftConnection(),
    (name) => network.link(name),
    log,
  );
