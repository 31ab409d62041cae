/** Instances over the keywords that decide what adverts look like. Equal seeds give equal text. */

type Random = () => number;

/** mulberry32: small, fast, the same on every machine. */
function generator(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What differs between two hosts that run the same cases. */
export interface Side {
  /** Of all instances; undefined: generated. */
  readonly priority: number | undefined;
  readonly peers4: readonly string[];
  readonly peers6: readonly string[];
  /** auth_hmac in every instance. */
  readonly signed?: boolean;
}

const alone: Side = { priority: undefined, peers4: ["192.0.2.2", "192.0.2.3"], peers6: ["fe80::2", "fe80::3"] };
/** Other addresses of the one host whose octets are compared, and a peer that the second one reaches. */
export const otherSources = { inet: "192.0.2.77", inet6: "2001:db8:ffff::1" } as const;
export const globalPeer = "2001:db8:ffff::2";

/** A keepalived.conf with `count` instances on eth0, at most 250. VRIDs are their numbers, from 1. */
export function generateInstances(seed: number, count: number, side: Side = alone): string {
  const random = generator(seed);
  const blocks = Array.from({ length: count }, (_, i) => instance(random, i + 1, side));
  return ["global_defs {", "  router_id test", "}", ...blocks].join("\n");
}

function instance(random: Random, vrid: number, side: Side): string {
  const upTo = (n: number): number => Math.floor(random() * n);
  const pick = <T>(from: readonly [T, ...T[]]): T => from[upTo(from.length)] ?? from[0];
  const v6 = random() < 0.4;
  const version = pick([2, 3]);
  const unicast = random() < 0.3;
  // Routers of keepalived do not take each other's adverts of version 2 over IPv6 with a password: only their octets are compared.
  const auth =
    version === 2 ? pick(v6 ? (side === alone ? ["none", "PASS"] : ["none"]) : ["none", "PASS", "AH"]) : "none";
  const interval = version === 2 ? pick([1, 2, 3]) : pick([0.05, 0.1, 0.37, 1, 1.55, 2.5]);
  const addresses = pick(side === alone ? [1, 1, 2, 3, 5, 20, 60] : [1, 1, 2, 3, 5, 20]);
  const priority = pick([1, 50, 100, 101, 200, 254, 255]);
  const more = side === alone ? moreLines(random, { v6, unicast, version, vrid }) : [];
  const globalSource = more.some((line) => line.endsWith(otherSources.inet6));
  const lines = [
    `interface eth0`,
    `virtual_router_id ${vrid}`,
    `version ${version}`,
    `priority ${side.priority ?? priority}`,
    `advert_int ${interval}`,
    "garp_master_repeat 1",
    "garp_master_delay 0",
    ...(unicast
      ? unicastLines(
          globalSource ? [globalPeer] : v6 ? side.peers6 : side.peers4,
          pick([undefined, undefined, 1, 64, 254]),
        )
      : []),
    ...(!unicast && random() < 0.3 ? [`mcast_dst_ip ${v6 ? "ff02::77" : "224.0.0.77"}`] : []),
    ...(side.signed === true ? hmacLines(random) : []),
    ...(auth === "none" || side.signed === true
      ? []
      : authLines(auth, pick(["a", "secret12", "12345678901234", "pa55w0rd"]))),
    ...more,
    "virtual_ipaddress {",
    ...Array.from(
      { length: addresses },
      (_, i) => `  ${v6 ? `2001:db8:${vrid}::${i + 1}/64` : `10.${vrid}.0.${i + 1}/24`}`,
    ),
    "}",
  ];
  return [`vrrp_instance V${vrid} {`, ...lines.map((line) => `  ${line}`), "}"].join("\n");
}

/** Another source, checksums as before, a virtual MAC, addresses that no advert names. */
function moreLines(
  random: Random,
  { v6, unicast, version, vrid }: { v6: boolean; unicast: boolean; version: number; vrid: number },
): readonly string[] {
  const [source, checksum, vmac, base, excluded] = Array.from({ length: 5 }, random) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return [
    // keepalived sends multicast over IPv6 from link-local addresses only.
    ...(source < 0.4 && (unicast || !v6)
      ? [`${unicast ? "unicast" : "mcast"}_src_ip ${otherSources[v6 ? "inet6" : "inet"]}`]
      : []),
    ...(checksum < 0.4 && unicast && version === 3 && !v6 ? ["old_unicast_checksum"] : []),
    ...(vmac < 0.3 && !unicast ? ["use_vmac", ...(base < 0.5 ? ["vmac_xmit_base"] : [])] : []),
    ...(excluded < 0.2
      ? ["virtual_ipaddress_excluded {", `  ${v6 ? `2001:db8:${vrid}:f::1/64` : `10.${vrid}.9.1/24`}`, "}"]
      : []),
  ];
}

const unicastLines = (peers: readonly string[], ttl: number | undefined): readonly string[] => [
  ...(ttl === undefined ? [] : [`unicast_ttl ${ttl}`]),
  "unicast_peer {",
  ...peers.map((peer) => `  ${peer}`),
  "}",
];

const authLines = (type: string, password: string): readonly string[] => [
  "authentication {",
  `  auth_type ${type}`,
  `  auth_pass ${password}`,
  "}",
];

const hmacLines = (random: Random): readonly string[] => [
  "auth_hmac {",
  "  key 1 0123456789abcdef0123456789abcdef",
  `  key 2 hex:${"5a".repeat(64)}`,
  `  active_key ${random() < 0.5 ? 1 : 2}`,
  `  anti_replay ${random() < 0.5 ? "time" : "monotonic"}`,
  "}",
];
