import type { Family, IpAddress } from "../address.js";
import type { Milliseconds, Port } from "../units.js";
import type { Forwarding, Protocol, SourcePosition, VirtualServerConfig } from "./model.js";

/** What of a configuration belongs to LVS. */
export interface LvsSections {
  readonly virtualServers: readonly VirtualServerConfig[];
  readonly virtualServerGroups: readonly VirtualServerGroupConfig[];
  readonly bfdInstances: readonly BfdInstanceConfig[];
  /** The block SSL; undefined: SSL_GET shows no certificate. */
  readonly checkerTls: CheckerTlsConfig | undefined;
}

/** self_check: while this host seems to be in trouble, nobody is taken out of the table. docs/directors-faults.md */
export interface SelfCheckConfig {
  /** Uplinks; may be empty. */
  readonly interfaces: readonly string[];
  /** Percent of the hosts that were well. */
  readonly most: number;
  readonly hold: Milliseconds;
  readonly tellsFifo: boolean;
  readonly mails: boolean;
}

/** How packets get to a real server, as the file asks for it. */
export interface ForwardingConfig {
  readonly method: Forwarding;
  /** Of method TUN. */
  readonly tunnel: TunnelConfig;
}

export interface TunnelConfig {
  readonly type: "ipip" | "gue" | "gre";
  /** GUE only, else 0. */
  readonly port: Port;
  readonly checksum: "nocsum" | "csum" | "remcsum";
}

/** What IPVS is told about a service, besides scheduler and persistence. */
export interface ServiceIpvsConfig {
  readonly tunnel: TunnelConfig;
  /** Method of the sorry server. */
  readonly sorryForwarding: ForwardingConfig;
  /** One-packet scheduling. */
  readonly onePacket: boolean;
  /** IP_VS_SVC_F_SCHED1 to 3: sh-fallback and mh-fallback are the first, sh-port and mh-port the second. */
  readonly flag1: boolean;
  readonly flag2: boolean;
  readonly flag3: boolean;
  readonly persistenceEngine: string | undefined;
}

/** What IPVS is told about a real server, besides its weight. */
export interface DestinationIpvsConfig {
  readonly forwarding: ForwardingConfig;
  /** Connections; 0: no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
}

/** `virtual_server group NAME`: a service for every entry of the group, and one pool and quorum for all. */
export interface GroupService {
  readonly kind: "group";
  readonly group: string;
  /** Place among the virtual servers of this group, from 0. */
  readonly ordinal: number;
  /** Undefined: its members are marks only. */
  readonly protocol: Protocol | undefined;
  /** As ip_family says. Undefined: of its members and its real servers. */
  readonly family: Family | undefined;
}

export interface VirtualServerGroupConfig {
  readonly at: SourcePosition;
  readonly name: string;
  readonly entries: readonly GroupEntry[];
}

export type GroupEntry =
  | {
      readonly kind: "addresses";
      readonly first: IpAddress;
      /** Inclusive; `first` when it is a single address. */
      readonly last: IpAddress;
      readonly port: Port;
    }
  /** Family undefined: that of the service. A virtual server's own entries all have one. */
  | { readonly kind: "fwmark"; readonly fwmark: number; readonly family: Family | undefined };

/** Names of PEM files, read when an SSL_GET runs. */
export interface CheckerTlsConfig {
  readonly password: string | undefined;
  readonly caFile: string | undefined;
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** A BFD session (RFC 5880). */
export interface BfdInstanceConfig {
  readonly at: SourcePosition;
  readonly name: string;
  readonly sourceAddress: IpAddress | undefined;
  readonly neighborAddress: IpAddress;
  readonly minRx: Milliseconds;
  readonly minTx: Milliseconds;
  readonly idleTx: Milliseconds;
  readonly multiplier: number;
  readonly passive: boolean;
  /** TTL or hop limit of sent packets. */
  readonly ttl: number;
  /** By how much the TTL of received packets may be lower than the other side's is taken to be; 255: unchecked. */
  readonly maxHops: number;
  /** Packets that have less come from too far away. */
  readonly leastTtl: number;
  readonly multihop: boolean;
  /** Of trackers that name none. -253..253 */
  readonly weight: number;
  readonly reverse: boolean;
  /** Who hears of changes. */
  readonly informs: "both" | "vrrp" | "checker";
}
