import { NETLINK_ROUTE } from "../../native-bindings/netlink.js";
import type { Clock } from "../clock.js";
import { type AsideSocket, openAside } from "../netlink/aside-socket.js";
import { NetlinkConnection, type OpenSocket } from "../netlink/connection.js";
import type { Log } from "../observe/log.js";
import type { AsideConnection } from "./aside-requests.js";
import { FilterChoice } from "./filter-choice.js";
import { FilterWatch, type FilterWatchDeps } from "./filter-watch.js";
import { KernelEntries } from "./host-entries.js";
import { KernelNetwork } from "./host-network.js";
import { IptablesFilter } from "./iptables.js";
import { MarkWatch, type MarkWatchDeps } from "./ipvs-mark-watch.js";
import { IpvsMarks } from "./ipvs-marks.js";
import { NftConnection, takesTables } from "./nft-connection.js";
import { NftQuestions } from "./nft-questions.js";
import { PacketFilter } from "./packet-filter.js";
import { ToolThread } from "./tool-thread.js";

/**
 * Links and addresses of the network namespace that the process is in.
 * @param receiveBytes of the socket; undefined: what holds the changes of a host with thousands of links
 * @throws DaemonError E_NETLINK when the kernel does not tell them; system error when there is no socket
 */
export function openHostNetwork(log: Log, clock: Clock, receiveBytes?: number): Promise<KernelNetwork> {
  return KernelNetwork.open(
    (events) => new NetlinkConnection(NETLINK_ROUTE, events, receiveBytes),
    log,
    clock,
    () => openAsideConnection(receiveBytes),
  );
}

function openAsideConnection(receiveBytes?: number): AsideConnection {
  let socket: AsideSocket | undefined;
  const open: OpenSocket = (protocol, bytes, handlers) => {
    socket = openAside(protocol, bytes, handlers);
    return socket;
  };
  const connection = new NetlinkConnection(NETLINK_ROUTE, {}, receiveBytes, open);
  return { connection, write: async (path, text) => socket?.write(`/proc/sys/net/${path}`, text) };
}

/** Routes and rules of the same namespace. */
export const openHostEntries = (network: KernelNetwork, log: Log, receiveBytes?: number): KernelEntries =>
  new KernelEntries(network, (events) => new NetlinkConnection(NETLINK_ROUTE, events, receiveBytes), log);

/** The table of nftables_ipvs, where IPVS is, and what keeps it whole; nothing is opened before it is needed. */
export function openIpvsMarks(log: Log, watch: Pick<MarkWatchDeps, "clock" | "watches" | "allow">, open?: OpenSocket) {
  const marks = new IpvsMarks(() => new NftConnection(open), log);
  return new MarkWatch({ ...watch, marks, questions: () => new NftQuestions(open) });
}

interface PacketFilterDeps {
  readonly watch: Pick<FilterWatchDeps, "clock" | "allow">;
  /** Runs what starts a thread. */
  readonly unpinned: ConstructorParameters<typeof ToolThread>[0];
}

/**
 * nftables or iptables of the same namespace; nothing is opened before it is needed.
 * @param owner one word, by which rules of this daemon are told from those of another one
 */
export function openPacketFilter(
  network: KernelNetwork,
  log: Log,
  owner: string,
  { watch, unpinned }: PacketFilterDeps,
): FilterChoice {
  const connect = () => new NftConnection();
  const filter = new PacketFilter(connect, (name) => network.link(name), log);
  const nftables = new FilterWatch({ ...watch, filter, questions: () => new NftQuestions() });
  const { run } = new ToolThread(unpinned);
  const iptables = new IptablesFilter(run, log, owner);
  return new FilterChoice({ nftables, iptables, run, hasNftables: () => takesTables(connect), log });
}
