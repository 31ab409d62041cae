import type { IpAddress } from "../address.js";
import { bytesOfIp } from "../ip-bytes.js";
import {
  type ElementKey,
  type Expression,
  hooks,
  keyTypes,
  meta,
  NETWORK_HEADER,
  NFPROTO_IPV4,
  NFPROTO_IPV6,
  type NftChange,
  TRANSPORT_HEADER,
} from "./nft-codec.js";

/** Names that keepalived gives them, so that what people have written for its table goes on working. */
const VIPS = "vips";
const LINK_LOCAL = "vips_link_local";
const DISCOVERY = "neighbor-discovery";
const VMACS = "vmac_map";
const PARENT = "parent_link_local";
const REPORTS = "mld-report";

export interface FilterStyle {
  readonly table: string;
  readonly priority: number;
  readonly counters: boolean;
}

/** An address that no packet may reach, and the index of its interface, which counts for link-local ones; undefined: there is none. */
export interface BlockedAddress {
  readonly address: IpAddress;
  readonly interfaceIndex: number | undefined;
}

/** struct iphdr and struct ip6_hdr. */
const IPV4 = { source: 12, destination: 16, protocol: 9, bytes: 4 } as const;
const IPV6 = { source: 8, destination: 24, protocol: 6, bytes: 16 } as const;
const IPPROTO_IGMP = 2;
const IPPROTO_ICMPV6 = 58;
/** Neighbour solicitation and advertisement (RFC 4861 §4): an address must be found even when it takes no packets. */
const discovery = [135, 136] as const;
const NEIGHBOUR_ADVERT = 136;
/** Reports of MLD in version 2 (RFC 3810 §5.2) and 1 (RFC 2710 §3). */
const reports = [143, 131] as const;

/** An empty table of our own, whatever was in it before: that of a daemon that died. */
export const freshTable = (family: number, table: string): readonly NftChange[] => [
  { kind: "table", family, table },
  { kind: "delete-table", family, table },
  { kind: "table", family, table },
];

/** Like `nft add rule ip TABLE in ip daddr @vips drop`, and the same for packets from there. */
export function blockingRules4({ table, priority, counters }: FilterStyle): readonly NftChange[] {
  const of = { family: NFPROTO_IPV4, table } as const;
  const rule = (chain: string, offset: number): NftChange => ({
    ...{ kind: "rule", ...of, chain },
    steps: [networkField(offset, IPV4.bytes), inSet(VIPS), ...counted(counters), { do: "drop" }],
  });
  return [
    { kind: "set", ...of, set: VIPS, key: keyTypes.ipv4, id: 1 },
    ...baseChains(NFPROTO_IPV4, table, priority),
    rule("in", IPV4.destination),
    rule("out", IPV4.source),
  ];
}

/** As `blockingRules4`; link-local addresses are blocked on their own interface only, and neighbours find every address. */
export function blockingRules6({ table, priority, counters }: FilterStyle): readonly NftChange[] {
  const of = { family: NFPROTO_IPV6, table } as const;
  const drop: readonly Expression[] = [...counted(counters), { do: "drop" }];
  const rule = (chain: string, steps: readonly Expression[]): NftChange => ({ kind: "rule", ...of, chain, steps });
  const direction = (chain: "in" | "out", offset: number, side: number): readonly NftChange[] => [
    rule(chain, [
      networkField(IPV6.protocol, 1),
      equals([IPPROTO_ICMPV6]),
      icmpType,
      inSet(DISCOVERY),
      { do: "accept" },
    ]),
    rule(chain, [
      ...[networkField(offset, IPV6.bytes), mask([0xff, 0xc0]), equals([0xfe, 0x80, ...zeros(14)])],
      { do: "goto", chain: `${chain}_link_local` },
    ]),
    rule(chain, [networkField(offset, IPV6.bytes), inSet(VIPS), ...drop]),
    rule(`${chain}_link_local`, [
      ...[networkField(offset, IPV6.bytes), { do: "meta", key: side, register: 2 } as const, inSet(LINK_LOCAL)],
      ...drop,
    ]),
  ];
  return [
    { kind: "set", ...of, set: VIPS, key: keyTypes.ipv6, id: 1 },
    { kind: "set", ...of, set: LINK_LOCAL, key: keyTypes.ipv6AndInterface, id: 2 },
    { kind: "set", ...of, set: DISCOVERY, key: keyTypes.icmpv6Type, id: 3 },
    { kind: "elements", ...of, set: DISCOVERY, elements: discovery.map((type) => ({ key: Uint8Array.of(type) })) },
    ...baseChains(NFPROTO_IPV6, table, priority),
    ...(["in_link_local", "out_link_local"] as const).map(
      (chain): NftChange => ({ kind: "chain", ...of, chain, hook: undefined }),
    ),
    ...direction("in", IPV6.destination, meta.iif),
    ...direction("out", IPV6.source, meta.oif),
  ];
}

/**
 * IGMP reports of a VMAC leave by the interface below it, with that one's MAC address: a switch must learn the virtual MAC
 * from the master's frames only, and backups join the group as well.
 */
export function igmpRules({ table, priority, counters }: FilterStyle): readonly NftChange[] {
  const of = { family: NFPROTO_IPV4, table } as const;
  const { interfaceIndex } = keyTypes;
  const kind = Buffer.alloc(16);
  kind.write("macvlan", "latin1");
  return [
    { kind: "set", ...of, set: VMACS, key: interfaceIndex, data: interfaceIndex, id: 4 },
    ...baseChains(NFPROTO_IPV4, table, priority),
    {
      ...{ kind: "rule", ...of, chain: "out" },
      steps: [
        ...[networkField(IPV4.protocol, 1), equals([IPPROTO_IGMP]), networkField(IPV4.destination, IPV4.bytes)],
        { do: "meta", key: meta.oifkind, register: 2 },
        { do: "equals", register: 2, value: kind },
        { do: "meta", key: meta.oif, register: 2 },
        { do: "lookup", set: VMACS, register: 2, into: 2 },
        ...counted(counters),
        ...([{ do: "duplicate" }, { do: "drop" }] as const),
      ],
    },
  ];
}

/**
 * The same for MLD, whose reports the kernel sends for every address. And a VMAC has the link-local address of the interface below
 * it, to speak to neighbours: it must not answer for it, for the virtual MAC address is that of the master.
 */
export function mldRules({ table, priority, counters }: FilterStyle): readonly NftChange[] {
  const of = { family: NFPROTO_IPV6, table } as const;
  const { interfaceIndex, ipv6AndInterface, icmpv6Type } = keyTypes;
  const isIcmp: readonly Expression[] = [
    { do: "meta", key: meta.l4proto, register: 1 },
    equals([IPPROTO_ICMPV6]),
    icmpType,
  ];
  const rule = (steps: readonly Expression[]): NftChange => ({ kind: "rule", ...of, chain: "out", steps });
  return [
    { kind: "set", ...of, set: VMACS, key: interfaceIndex, data: interfaceIndex, id: 5 },
    { kind: "set", ...of, set: REPORTS, key: icmpv6Type, id: 6 },
    { kind: "set", ...of, set: PARENT, key: ipv6AndInterface, id: 7 },
    { kind: "elements", ...of, set: REPORTS, elements: reports.map((type) => ({ key: Uint8Array.of(type) })) },
    ...baseChains(NFPROTO_IPV6, table, priority),
    rule([
      ...[...isIcmp, inSet(REPORTS), networkField(IPV6.destination, IPV6.bytes)],
      { do: "meta", key: meta.oif, register: 2 },
      { do: "lookup", set: VMACS, register: 2, into: 2 },
      ...counted(counters),
      ...([{ do: "duplicate" }, { do: "drop" }] as const),
    ]),
    rule([
      ...[...isIcmp, equals([NEIGHBOUR_ADVERT]), networkField(IPV6.source, IPV6.bytes)],
      { do: "meta", key: meta.oif, register: 2 },
      ...[inSet(PARENT), ...counted(counters), { do: "drop" } as const],
    ]),
  ];
}

const baseChains = (family: number, table: string, priority: number): readonly NftChange[] => [
  { kind: "chain", family, table, chain: "in", hook: { number: hooks.input, priority } },
  { kind: "chain", family, table, chain: "out", hook: { number: hooks.output, priority } },
];

/** Where an address has its place; a link-local one has none without its interface. */
export function elementOf(table: string, blocked: BlockedAddress): ElementPlace | undefined {
  const key = bytesOfIp(blocked.address);
  if (key.length === 4) return { family: NFPROTO_IPV4, table, set: VIPS, element: { key } };
  if (key[0] !== 0xfe || ((key[1] ?? 0) & 0xc0) !== 0x80)
    return { family: NFPROTO_IPV6, table, set: VIPS, element: { key } };
  if (blocked.interfaceIndex === undefined) return undefined;
  const element = { key: Buffer.concat([key, hostOrder(blocked.interfaceIndex)]) };
  return { family: NFPROTO_IPV6, table, set: LINK_LOCAL, element };
}

export interface ElementPlace {
  readonly family: number;
  readonly table: string;
  readonly set: string;
  readonly element: ElementKey;
}

/** A VMAC and the interface below it, by index. */
export const vmacElement = (table: string, vmac: number, base: number): ElementPlace => ({
  ...{ family: NFPROTO_IPV4, table, set: VMACS },
  element: { key: hostOrder(vmac), value: hostOrder(base) },
});

/** A VMAC that has addresses of IPv6, the interface below it, and the link-local address that both have. */
export function mldElements(
  table: string,
  vmac: number,
  base: number,
  shared: IpAddress | undefined,
): readonly ElementPlace[] {
  const redirected = { ...vmacElement(table, vmac, base), family: NFPROTO_IPV6 };
  if (shared === undefined) return [redirected];
  const element = { key: Buffer.concat([bytesOfIp(shared), hostOrder(vmac)]) };
  return [redirected, { family: NFPROTO_IPV6, table, set: PARENT, element }];
}

/** What has to be there before an element can be. */
export function partOf({ family, set }: ElementPlace): FilterPart {
  const is4 = family === NFPROTO_IPV4;
  if (set === VMACS || set === PARENT) return is4 ? "igmp" : "mld";
  return is4 ? "blocking4" : "blocking6";
}

export type FilterPart = "blocking4" | "blocking6" | "igmp" | "mld";

export const rulesOf = {
  blocking4: blockingRules4,
  blocking6: blockingRules6,
  igmp: igmpRules,
  mld: mldRules,
} as const satisfies Record<FilterPart, (style: FilterStyle) => readonly NftChange[]>;

function hostOrder(index: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(index);
  return bytes;
}

const networkField = (offset: number, bytes: number): Expression => ({
  ...{ do: "payload", base: NETWORK_HEADER, offset, bytes },
});
const icmpType: Expression = { do: "payload", base: TRANSPORT_HEADER, offset: 0, bytes: 1 };
const equals = (octets: readonly number[]): Expression => ({
  ...{ do: "equals", register: 1, value: Uint8Array.from(octets) },
});
const mask = (octets: readonly number[]): Expression => ({
  ...{ do: "mask", value: Uint8Array.from([...octets, ...zeros(16 - octets.length)]) },
});
const inSet = (set: string): Expression => ({ do: "lookup", set, register: 1 });
const counted = (counters: boolean): readonly Expression[] => (counters ? [{ do: "counter" }] : []);
const zeros = (count: number): readonly number[] => Array.from({ length: count }, () => 0);
