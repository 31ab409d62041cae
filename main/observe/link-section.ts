import { familyOf } from "../address.js";
import { list, weighted, yes } from "./data-text.js";
import type { LinkDump, VirtualLinkDump, VrrpDump } from "./vrrp-dump.js";
import { section } from "./vrrp-sections.js";

/** linux/if.h */
const IFF_UP = 0x1;
const IFF_BROADCAST = 0x2;
const IFF_LOOPBACK = 0x8;
const IFF_POINTOPOINT = 0x10;
const IFF_RUNNING = 0x40;
const IFF_NOARP = 0x80;
const IFF_MULTICAST = 0x1000;

/** linux/if_arp.h */
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;

export const isUp = ({ flags }: Pick<LinkDump, "flags">): boolean =>
  (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0;

/** The interfaces of the host in keepalived.data, and who tracks them. */
export function* linkSection(dump: VrrpDump): Generator<string> {
  const garp = garpLines(dump);
  yield* section("Interfaces", dump.links ?? [], (link) => linkData(link, garp.get(link.name) ?? []));
}

function linkData(link: LinkDump, garp: readonly string[]): string[] {
  const { name, index, mac, broadcast, delays, vrf } = link;
  return [
    ` Name = ${name}`,
    `   index = ${index}`,
    ...addressData(link),
    ...(mac.length === 0 ? [] : [`   MAC = ${octets(mac)}`, `   MAC broadcast = ${octets(broadcast)}`]),
    `   State = ${stateOf(link.flags)}`,
    `   Delayed state change running = ${yes(link.delayed)}`,
    `   Up debounce timer = ${Math.round(delays.up * 1000)}us`,
    `   Down debounce timer = ${Math.round(delays.down * 1000)}us`,
    ...(link.virtual === undefined ? [] : [virtualData(link.virtual)]),
    ...(link.created ? ["   I/f created by keepalived"] : []),
    `   MTU = ${link.mtu}`,
    `   HW Type = ${hardwareName(link.hardware)}`,
    `   NIC ${link.polled === undefined ? "netlink status update" : (polling[link.polled] ?? polling["IOCTL"])}`,
    ...(vrf === undefined ? [] : [`   VRF ${"table" in vrf ? `master table ${vrf.table}` : `slave of ${vrf.master}`}`]),
    ...garp,
    ...list("   Tracking VRRP instances :", link.tracking.map(weighted)),
  ];
}

const polling: Readonly<Record<string, string>> = {
  MII: "support MII regs",
  ETHTOOL: "support ETHTOOL GLINK interface",
  IOCTL: "ioctl refresh polling",
};

function addressData({ addresses }: LinkDump): string[] {
  return (["inet", "inet6"] as const).flatMap((family) => {
    const title = family === "inet" ? "IPv4 address" : "IPv6 address";
    const [first = "(none)", ...more] = addresses.filter((address) => familyOf(address) === family);
    return [`   ${title} = ${first}`, ...list(`   Additional ${title}es :`, more)];
  });
}

const octets = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");

const upAndRunning = (flags: number): string =>
  `${flags & IFF_UP ? "" : "not "}UP, ${flags & IFF_RUNNING ? "" : "not "}RUNNING`;

function stateOf(flags: number): string {
  return [
    upAndRunning(flags),
    ...(flags & IFF_BROADCAST ? [] : ["no broadcast"]),
    ...(flags & IFF_LOOPBACK ? ["loopback"] : []),
    ...(flags & IFF_POINTOPOINT ? ["point to point"] : []),
    ...(flags & IFF_NOARP ? ["no arp"] : []),
    ...(flags & IFF_MULTICAST ? [] : ["no multicast"]),
  ].join(", ");
}

function virtualData({ kind, mode, lower, lowerFlags }: VirtualLinkDump): string {
  const type = kind === "macvlan" ? "VMAC" : "IPVLAN";
  return `   ${type} type ${mode}, underlying interface = ${lower}, state = ${upAndRunning(lowerFlags)}`;
}

function hardwareName(hardware: number): string {
  if (hardware === ARPHRD_ETHER) return "ETHERNET";
  return hardware === ARPHRD_LOOPBACK ? "LOOPBACK" : `UNKNOWN (${hardware})`;
}

/** By interface. */
function garpLines({ garpGroups = [] }: VrrpDump): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  let number = 0;
  for (const { config } of garpGroups) {
    if (config.shared) number++;
    const kind = (name: string, interval: number): string[] =>
      interval === 0 ? [] : [`   Gratuitous ${name} interval ${Math.floor(interval)}ms`];
    const texts = [
      ...kind("ARP", config.garpInterval),
      ...kind("NA", config.gnaInterval),
      ...(config.shared ? [`   Gratuitous ARP aggregation group ${number}`] : []),
    ];
    for (const name of config.interfaces) found.set(name, texts);
  }
  return found;
}
