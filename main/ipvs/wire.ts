import type { Family } from "../address.js";
import type { Protocol } from "../config/model.js";
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
  getInfo: 15,
} as const;

export const IPVS_CMD_ATTR_SERVICE = 1;
export const IPVS_CMD_ATTR_DEST = 2;
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
  pe: 11,
} as const;
export const dst = {
  address: 1,
  port: 2,
  forwarding: 3,
  weight: 4,
  upperThreshold: 5,
  lowerThreshold: 6,
  family: 11,
  tunnelType: 13,
} as const;

export const families: Readonly<Record<Family, number>> = { inet: 2, inet6: 10 };
export const protocols: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };
/** IP_VS_CONN_F_FWD_MASK and its values. */
export const FORWARDING_MASK = 0x7;
export const methods: readonly ForwardingMethod[] = ["NAT", "LOCAL", "TUN", "DR", "BYPASS"];
export const TUNNEL_TYPE_IPIP = 0;
/** struct ip_vs_flags.mask: every flag is set as given. */
export const ALL_FLAGS = 0xffffffff;
