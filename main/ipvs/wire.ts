import type { Family } from "../address.js";
import type { Protocol } from "../config/model.js";
import type { TunnelConfig } from "../config/model-lvs.js";
import type { ForwardingMethod } from "./table.js";

/** Generic netlink messages of family "IPVS" (linux/ip_vs.h), in the attribute order of keepalived. */
export const IPVS_GENL_NAME = "IPVS";
export const IPVS_GENL_VERSION = 1;

export const commands = {
  "new-service": 1,
  "set-service": 2,
  "del-service": 3,
  getService: 4,
  "new-dest": 5,
  "set-dest": 6,
  "del-dest": 7,
  getDest: 8,
  newDaemon: 9,
  delDaemon: 10,
  getDaemon: 11,
  setConfig: 12,
  getConfig: 13,
  getInfo: 15,
  flush: 17,
} as const;

export const IPVS_CMD_ATTR_SERVICE = 1;
export const IPVS_CMD_ATTR_DEST = 2;
export const IPVS_CMD_ATTR_DAEMON = 3;
/** Seconds. */
export const timeoutAttributes = { tcp: 4, tcpFin: 5, udp: 6 } as const;
/** As libnl sets it, so that requests are keepalived's octet by octet; the kernel does not ask for it. */
export const NLA_F_NESTED = 0x8000;
export const svc = {
  af: 1,
  protocol: 2,
  address: 3,
  port: 4,
  fwmark: 5,
  scheduler: 6,
  flags: 7,
  timeout: 8,
  netmask: 9,
  stats: 10,
  pe: 11,
  stats64: 12,
} as const;
export const dst = {
  address: 1,
  port: 2,
  forwarding: 3,
  weight: 4,
  upperThreshold: 5,
  lowerThreshold: 6,
  active: 7,
  inactive: 8,
  persistent: 9,
  stats: 10,
  family: 11,
  stats64: 12,
  tunnelType: 13,
  tunnelPort: 14,
  tunnelFlags: 15,
} as const;
/** IPVS_STATS_ATTR_*, by their numbers. */
export const counterAttributes = [undefined, "connections", "inPackets", "outPackets", "inBytes", "outBytes"] as const;
export const daemonAttributes = {
  state: 1,
  interface: 2,
  id: 3,
  maxLength: 4,
  group: 5,
  group6: 6,
  /** Unlike other ports in the order of the host. */
  port: 7,
  ttl: 8,
} as const;
/** IP_VS_STATE_* */
export const daemonStates = { master: 1, backup: 2 } as const;

export const families: Readonly<Record<Family, number>> = { inet: 2, inet6: 10 };
export const protocols: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };
/** IP_VS_CONN_F_FWD_MASK and its values. */
export const FORWARDING_MASK = 0x7;
export const methods: readonly ForwardingMethod[] = ["NAT", "LOCAL", "TUN", "DR", "BYPASS"];
/** By their numbers: IP_VS_CONN_F_TUNNEL_TYPE_*, IP_VS_TUNNEL_ENCAP_FLAG_*. */
export const tunnelTypes: readonly TunnelConfig["type"][] = ["ipip", "gue", "gre"];
export const tunnelChecksums: readonly TunnelConfig["checksum"][] = ["nocsum", "csum", "remcsum"];
/** struct ip_vs_flags.mask: every flag is set as given. */
export const ALL_FLAGS = 0xffffffff;
