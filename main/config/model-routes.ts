import type { Family, IpAddress } from "../address.js";
import type { Milliseconds } from "../units.js";

/** Routes and policy rules as the kernel knows them: names of tables, scopes and protocols are numbers here. */

export interface Prefix {
  readonly address: IpAddress;
  readonly length: number;
}

/** Routing realms, `from/to`; 0: none. */
export interface Realms {
  readonly from: number;
  readonly to: number;
}

export interface RouteConfig {
  readonly family: Family;
  /** RTN_* of linux/rtnetlink.h; 1 is unicast. */
  readonly type: number;
  readonly destination: Prefix;
  /** Preferred source of packets. */
  readonly source: IpAddress | undefined;
  /** Packets from here only (IPv6). */
  readonly from: Prefix | undefined;
  readonly gateway: IpAddress | undefined;
  readonly device: string | undefined;
  readonly onlink: boolean;
  readonly encap: Encap | undefined;
  readonly tos: number;
  /** 254 is main. */
  readonly table: number;
  /** Interface whose table it is; then `table` has no meaning. */
  readonly vrf: string | undefined;
  readonly protocol: number;
  /** Undefined: what the kernel takes. */
  readonly scope: number | undefined;
  readonly metric: number | undefined;
  readonly expires: Milliseconds | undefined;
  /** Router preference in ICMPv6's encoding: 0 medium, 1 high, 3 low. */
  readonly preference: number | undefined;
  readonly realms: Realms | undefined;
  readonly ttlPropagate: boolean | undefined;
  readonly metrics: RouteMetrics;
  readonly insertion: "prepend" | "append" | "add";
  /** Losing it affects the instance. */
  readonly tracked: boolean;
  readonly trackGroup: string | undefined;
  readonly hops: readonly NextHop[];
}

export interface Metric<T> {
  readonly value: T;
  /** The kernel does not change it. */
  readonly locked: boolean;
}

export const plainMetrics = [
  "mtu",
  "advmss",
  "reordering",
  "cwnd",
  "ssthresh",
  "window",
  "initcwnd",
  "initrwnd",
  "hoplimit",
  "quickack",
  "fastopen_no_cookie",
] as const;
export type PlainMetric = (typeof plainMetrics)[number];

export const timeMetrics = ["rtt", "rttvar", "rto_min"] as const;
export type TimeMetric = (typeof timeMetrics)[number];

/** RTAX_* of linux/rtnetlink.h, as far as the line gives them. */
export interface RouteMetrics {
  readonly plain: Readonly<Partial<Record<PlainMetric, Metric<number>>>>;
  readonly times: Readonly<Partial<Record<TimeMetric, Metric<Milliseconds>>>>;
  readonly congestionControl: Metric<string> | undefined;
  readonly ecn: boolean;
}

export interface NextHop {
  readonly gateway: IpAddress | undefined;
  readonly device: string | undefined;
  /** 1..256. */
  readonly weight: number;
  readonly onlink: boolean;
  readonly encap: Encap | undefined;
  readonly realms: Realms | undefined;
}

/** Lightweight tunnel (RTA_ENCAP). A tunnel id is decimal text: it has 64 bits. */
export type Encap =
  | {
      readonly kind: "ip" | "ip6";
      readonly id: string | undefined;
      readonly destination: IpAddress | undefined;
      readonly source: IpAddress | undefined;
      /** `tos` of IPv4, `tc` of IPv6. */
      readonly trafficClass: number | undefined;
      /** `ttl` of IPv4, `hoplimit` of IPv6. */
      readonly hopLimit: number | undefined;
      readonly flags: number | undefined;
    }
  | { readonly kind: "mpls"; readonly labels: readonly number[] }
  /** Four groups of hexadecimal digits. */
  | { readonly kind: "ila"; readonly locator: string };

export interface RuleConfig {
  readonly family: Family;
  readonly from: Prefix | undefined;
  readonly to: Prefix | undefined;
  readonly not: boolean;
  readonly preference: number;
  readonly tos: number;
  readonly fwmark: { readonly mark: number; readonly mask: number } | undefined;
  readonly inputDevice: string | undefined;
  readonly outputDevice: string | undefined;
  /** Decimal: 64 bits. */
  readonly tunnelId: string | undefined;
  readonly uids: NumberRange | undefined;
  readonly ipProtocol: number | undefined;
  readonly sourcePorts: NumberRange | undefined;
  readonly destinationPorts: NumberRange | undefined;
  readonly action: RuleAction;
  readonly realms: Realms | undefined;
  readonly suppressPrefixLength: number | undefined;
  readonly suppressGroup: number | undefined;
  readonly protocol: number;
  readonly tracked: boolean;
  readonly trackGroup: string | undefined;
}

/** Both ends included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

export type RuleAction =
  | { readonly do: "table"; readonly table: number }
  | { readonly do: "goto"; readonly preference: number }
  | { readonly do: "nop" | "blackhole" | "unreachable" | "prohibit" | "l3mdev" };
