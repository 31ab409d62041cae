import { familyOf, type IpAddress } from "../address.js";
import { bytesOfIp } from "../ip-bytes.js";
import { type FilterStyle, freshTable } from "./filter-rules.js";
import {
  AFTER_FOUR_OCTETS,
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

/** Packets to this address and port get this mark. */
export interface MarkedAddress {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly address: IpAddress;
  readonly port: number;
  readonly mark: number;
}

/** IP protocol numbers. */
const protocols = { TCP: 6, UDP: 17, SCTP: 132 } as const;
const names = ["TCP", "UDP", "SCTP"] as const;
/** Names that keepalived gives them. */
const mapOf = (protocol: MarkedAddress["protocol"]): string => `${protocol.toLowerCase()}_map`;
export const markFamilies = [NFPROTO_IPV4, NFPROTO_IPV6] as const;

/** The base chain, in each family. */
export const MARK_CHAIN = "in";
/** In it. */
export const MARK_RULES = names.length;

/** The map that such an address is in. */
export const mapFor = (one: MarkedAddress): { readonly family: number; readonly set: string } => ({
  family: nfproto(one),
  set: mapOf(one.protocol),
});

/** Where the destination is in struct iphdr and struct ip6_hdr, and where in the key the port goes that follows it. */
const layouts = {
  [NFPROTO_IPV4]: { key: keyTypes.ipv4AndPort, offset: 16, bytes: 4, register: AFTER_FOUR_OCTETS },
  [NFPROTO_IPV6]: { key: keyTypes.ipv6AndPort, offset: 24, bytes: 16, register: 2 },
} as const;

/**
 * A new table without elements. Like `nft add rule ip TABLE in meta l4proto tcp meta mark set ip daddr . tcp dport map @tcp_map
 * return`, for each protocol.
 */
export function markTable(family: (typeof markFamilies)[number], style: FilterStyle): readonly NftChange[] {
  const { table, priority, counters } = style;
  const of = { family, table } as const;
  const { key, offset, bytes, register } = layouts[family];
  const rule = (protocol: MarkedAddress["protocol"]): NftChange => ({
    ...{ kind: "rule", ...of, chain: MARK_CHAIN },
    steps: [
      { do: "meta", key: meta.l4proto, register: 1 },
      { do: "equals", register: 1, value: Uint8Array.of(protocols[protocol]) },
      { do: "payload", base: NETWORK_HEADER, offset, bytes },
      { do: "payload", base: TRANSPORT_HEADER, offset: 2, bytes: 2, register },
      { do: "lookup", set: mapOf(protocol), register: 1, into: 1 },
      { do: "set-mark" },
      ...(counters ? ([{ do: "counter" }] as const satisfies readonly Expression[]) : []),
      { do: "return" },
    ],
  });
  return [
    ...freshTable(family, table),
    ...names.map(
      (protocol, i): NftChange => ({ kind: "set", ...of, set: mapOf(protocol), key, data: keyTypes.mark, id: i + 1 }),
    ),
    { kind: "chain", ...of, chain: MARK_CHAIN, hook: { number: hooks.input, priority } },
    ...names.map(rule),
  ];
}

/** Adds or removes them. A list of elements is one attribute of 64 KiB, and one element takes some 64 octets. */
export const elementChanges = (
  kind: "elements" | "delete-elements",
  table: string,
  addresses: readonly MarkedAddress[],
): readonly NftChange[] =>
  markFamilies.flatMap((family) =>
    names.flatMap((protocol): NftChange[] => {
      const elements = addresses.filter((a) => a.protocol === protocol && nfproto(a) === family).map(elementOf(kind));
      return elements.length === 0 ? [] : [{ kind, family, table, set: mapOf(protocol), elements }];
    }),
  );

const nfproto = ({ address }: MarkedAddress): number => (familyOf(address) === "inet" ? NFPROTO_IPV4 : NFPROTO_IPV6);

/** Each part of a key fills whole words. */
const elementOf =
  (kind: "elements" | "delete-elements") =>
  ({ address, port, mark }: MarkedAddress): { readonly key: Uint8Array; readonly value?: Uint8Array } => {
    const key = Buffer.concat([bytesOfIp(address), Uint8Array.of(port >> 8, port & 255, 0, 0)]);
    if (kind === "delete-elements") return { key };
    const value = Buffer.alloc(4);
    value.writeUInt32LE(mark); // a mark is in the host's order
    return { key, value };
  };
