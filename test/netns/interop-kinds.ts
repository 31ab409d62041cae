/** The ways in which a virtual router can be on the wire, and one instance of each in a keepalived.conf. */

export interface Kind {
  readonly name: string;
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  readonly peers?: "unicast";
  readonly auth?: "PASS" | "AH" | "time" | "monotonic";
  readonly vmac?: readonly string[];
  /** Network device; default eth0. */
  readonly device?: string;
}

/** Everything that keepalived 2.2.7 has too. */
export const kinds: readonly Kind[] = [
  { name: "v2 IPv4", version: 2, family: 4 },
  { name: "v2 IPv4 PASS", version: 2, family: 4, auth: "PASS" },
  { name: "v2 IPv4 AH", version: 2, family: 4, auth: "AH" },
  { name: "v2 IPv4 VMAC", version: 2, family: 4, vmac: ["use_vmac"] },
  { name: "v2 IPv4 unicast", version: 2, family: 4, peers: "unicast" },
  { name: "v2 IPv4 unicast PASS", version: 2, family: 4, peers: "unicast", auth: "PASS" },
  { name: "v2 IPv4 unicast AH", version: 2, family: 4, peers: "unicast", auth: "AH" },
  { name: "v2 IPv6", version: 2, family: 6 },
  { name: "v2 IPv6 unicast", version: 2, family: 6, peers: "unicast" },
  { name: "v3 IPv4", version: 3, family: 4 },
  { name: "v3 IPv4 VMAC", version: 3, family: 4, vmac: ["use_vmac"] },
  { name: "v3 IPv4 VMAC, sent by the base", version: 3, family: 4, vmac: ["use_vmac", "vmac_xmit_base"] },
  { name: "v3 IPv4 unicast", version: 3, family: 4, peers: "unicast" },
  { name: "v3 IPv4 unicast VMAC", version: 3, family: 4, peers: "unicast", vmac: ["use_vmac"] },
  { name: "v3 IPv6", version: 3, family: 6 },
  { name: "v3 IPv6 VMAC", version: 3, family: 6, vmac: ["use_vmac"] },
  { name: "v3 IPv6 VMAC, sent by the base", version: 3, family: 6, vmac: ["use_vmac", "vmac_xmit_base"] },
  { name: "v3 IPv6 unicast", version: 3, family: 6, peers: "unicast" },
];

/** auth_hmac: Debian's keepalived is older, so only our own routers talk like this. */
export const signedKinds: readonly Kind[] = [
  { name: "v2 IPv4 signed, time", version: 2, family: 4, auth: "time" },
  { name: "v3 IPv4 signed, time", version: 3, family: 4, auth: "time" },
  { name: "v3 IPv4 signed, monotonic", version: 3, family: 4, auth: "monotonic" },
  { name: "v3 IPv4 unicast signed, time", version: 3, family: 4, peers: "unicast", auth: "time" },
  { name: "v3 IPv6 signed, time", version: 3, family: 6, auth: "time" },
  { name: "v3 IPv6 unicast signed, monotonic", version: 3, family: 6, peers: "unicast", auth: "monotonic" },
];

export const kindsWith = (...names: readonly string[]): readonly Kind[] =>
  names.map((name) => kinds.find((kind) => kind.name === name) ?? missing(name));

function missing(name: string): never {
  throw new Error(`no kind ${name}`);
}

/** Where a kind stands in a list decides about its VRID and its address. */
export const vridOf = (index: number): number => index + 11;
export const vipOf = (kind: Kind, index: number): string =>
  kind.family === 4 ? `10.1.${vridOf(index)}.1` : `2001:db8:${vridOf(index)}::1`;

/** Of adverts of a kind, ms: the shortest that version 2 has, and one that a busy machine does not miss thrice. */
export const intervalOf = (kind: Kind): number => (kind.version === 2 ? 1000 : 300);

/** RFC 3768 §6.1, RFC 5798 §6.1, ms: how long a backup of this priority waits, without and with adverts being due. */
export const skewOf = (kind: Kind, priority: number): number => ((256 - priority) * intervalOf(kind)) / 256;
export const masterDownOf = (kind: Kind, priority: number): number => 3 * intervalOf(kind) + skewOf(kind, priority);

export interface Side {
  readonly priority: number;
  /** Ends of unicast, by family. */
  readonly own: Readonly<Record<4 | 6, string>>;
  readonly peer: Readonly<Record<4 | 6, string>>;
  /** Instead of what the kind says. */
  readonly version?: 2 | 3;
  /** In each instance. A later line wins over what the kind says. */
  readonly lines?: readonly string[];
  /** Before and after the instances. */
  readonly blocks?: readonly string[];
}

export function configOf(list: readonly Kind[], side: Side): string {
  const head = ["global_defs {", "  router_id test", "  script_user root", "}"];
  return [...head, ...list.map((kind, i) => instance(kind, i, side)), ...(side.blocks ?? []), ""].join("\n");
}

function instance(
  kind: Kind,
  index: number,
  { priority, own, peer, version = kind.version, lines = [] }: Side,
): string {
  const block = (name: string, within: readonly string[]): readonly string[] => [`${name} {`, ...within, "}"];
  const inside = [
    "state BACKUP",
    `interface ${kind.device ?? "eth0"}`,
    `virtual_router_id ${vridOf(index)}`,
    `version ${version}`,
    `priority ${priority}`,
    `advert_int ${intervalOf(kind) / 1000}`,
    "garp_master_delay 0",
    ...(kind.vmac ?? []),
    ...(kind.peers === undefined
      ? []
      : [`unicast_src_ip ${own[kind.family]}`, ...block("unicast_peer", [peer[kind.family]])]),
    ...authLines(kind).flatMap(([name, within]) => block(name, within)),
    ...lines,
    ...block("virtual_ipaddress", [`${vipOf(kind, index)}/${kind.family === 4 ? 24 : 64}`]),
  ];
  return block(
    `vrrp_instance V${vridOf(index)}`,
    inside.map((line) => `  ${line}`),
  ).join("\n");
}

function authLines({ auth }: Kind): readonly (readonly [string, readonly string[]])[] {
  if (auth === undefined) return [];
  if (auth === "PASS" || auth === "AH") return [["authentication", [`auth_type ${auth}`, "auth_pass secret12"]]];
  return [["auth_hmac", ["key 1 0123456789abcdef0123456789abcdef", "active_key 1", `anti_replay ${auth}`]]];
}
