import type { Family } from "../address.js";
import { isLinkLocal6 } from "../config/ip.js";
import type { Config, VrrpInstanceConfig } from "../config/model.js";
import type { GarpGroupConfig, LinkbeatMethod, TrackRef } from "../config/model-vrrp.js";
import type { GarpGroupDump, LinkDump, VirtualLinkDump } from "../observe/vrrp-dump.js";
import type { Milliseconds } from "../units.js";
import type { InterfaceAddress, Link } from "../vrrp/ports.js";
import { trackedLinks } from "../vrrp/tracking.js";
import { vipInterface } from "../vrrp/vip-interface.js";

/** What the host and the router know of network interfaces. */
export interface LinkSources {
  links(): readonly Link[];
  addresses(index: number): readonly InterfaceAddress[];
  delay(name: string): { readonly up: Milliseconds; readonly down: Milliseconds; readonly running: boolean };
  method(name: string): LinkbeatMethod | undefined;
  /** When the next announcement may go, boot time; 0: none has gone yet. */
  freeAt(name: string, family: Family): Milliseconds;
}

type Sections = Pick<Config, "vrrpInstances" | "syncGroups" | "staticEntries" | "linkSettings" | "global">;

/** Interfaces as dump files show them, a step for each instance and each of them: there may be thousands. */
export function* linkDumps(config: Sections, sources: LinkSources): Generator<LinkDump | undefined> {
  const links = sources.links().toSorted((a, b) => a.index - b.index);
  const byIndex = new Map(links.map((link) => [link.index, link]));
  const tracking = yield* trackingOf(config);
  const ours = new Set<string>();
  const created = new Set<string>();
  for (const address of config.staticEntries.addresses) ours.add(address.address);
  for (const instance of config.vrrpInstances) {
    if (instance.virtualInterface.own !== undefined) created.add(vipInterface(instance));
    for (const { address, dev, more } of addressesOf(instance)) {
      ours.add(address);
      if (dev !== undefined && more.base !== undefined) created.add(dev);
    }
    yield;
  }
  for (const link of links) {
    const { name, index, mac, mtu, shape } = link;
    if (shape === undefined) continue;
    const lower = isVirtual(link) ? byIndex.get(link.details?.lower ?? 0) : undefined;
    const delay = sources.delay(created.has(name) ? (lower?.name ?? name) : name);
    const own = sources.addresses(index).map(({ address }) => address);
    yield {
      ...{ name, index, mac, mtu, flags: shape.flags, hardware: shape.hardware, broadcast: shape.broadcast },
      addresses: own.filter((one) => !ours.has(one) && (!one.includes(":") || isLinkLocal6(one))),
      delays: delay,
      delayed: delay.running,
      virtual: lower && virtualOf(link, lower),
      created: created.has(name),
      polled: sources.method(name),
      vrf: vrfOf(link, byIndex),
      tracking: tracking.get(name) ?? [],
    };
  }
}

/** Groups of the configuration, then other interfaces of instances where all have a gap. */
export function garpDumps(config: Sections, sources: LinkSources, offset: number): readonly GarpGroupDump[] {
  const { vrrpGarpInterval: garpInterval, vrrpGnaInterval: gnaInterval } = config.global;
  const indices = new Map(sources.links().map(({ name, index }) => [name, index]));
  const at = (name: string): number => indices.get(name) ?? 0;
  const next = (name: string | undefined, family: Family): number => {
    const free = name === undefined ? 0 : sources.freeAt(name, family);
    return free === 0 ? 0 : free + offset;
  };
  const groups: Pick<GarpGroupConfig, "garpInterval" | "gnaInterval" | "interfaces" | "shared">[] = [
    ...config.linkSettings.garpGroups,
  ];
  const known = new Set(groups.flatMap(({ interfaces }) => interfaces));
  for (const name of garpInterval === 0 && gnaInterval === 0 ? [] : physicalLinks(config)) {
    if (known.has(name)) continue;
    known.add(name);
    groups.push({ garpInterval, gnaInterval, interfaces: [name], shared: false });
  }
  return groups.map((group) => {
    const interfaces = group.interfaces.filter((name) => indices.has(name)).toSorted((a, b) => at(a) - at(b));
    const [first] = interfaces;
    return {
      config: { ...group, interfaces },
      garpNext: next(first, "inet"),
      gnaNext: next(first, "inet6"),
    };
  });
}

function* physicalLinks({ vrrpInstances }: Sections): Generator<string> {
  for (const instance of vrrpInstances) {
    if (instance.interface !== "") yield instance.interface;
    for (const { dev, more } of addressesOf(instance)) {
      const name = more.base ?? dev;
      if (name !== undefined && name !== instance.virtualInterface.own?.name) yield name;
    }
  }
}

const addressesOf = ({ virtualAddresses, excludedAddresses }: VrrpInstanceConfig) => [
  ...virtualAddresses,
  ...excludedAddresses,
];

/** keepalived's weight of an interface that is not to be tracked. */
const UNTRACKED = 255;

/** Who tracks an interface; members of groups that do come after those that do it themselves. */
function* trackingOf({
  vrrpInstances,
  syncGroups,
}: Sections): Generator<undefined, ReadonlyMap<string, readonly TrackRef[]>> {
  const found = new Map<string, Map<string, TrackRef>>();
  const note = (link: string, entry: TrackRef): void => {
    let entries = found.get(link);
    if (entries === undefined) found.set(link, (entries = new Map()));
    if (!entries.has(entry.name)) entries.set(entry.name, entry);
  };
  for (const config of vrrpInstances) {
    const { name, interface: own, trackInterfaces, dontTrackPrimary } = config;
    for (const link of trackedLinks(config)) {
      const isOwn = link === own || link === vipInterface(config);
      const entry = isOwn ? undefined : trackInterfaces.find((one) => one.name === link);
      const weight = isOwn && dontTrackPrimary ? UNTRACKED : 0;
      note(link, { name, weight: entry?.weight ?? weight, reverse: entry?.reverse ?? false });
    }
    yield;
  }
  for (const { members, trackInterfaces } of syncGroups)
    for (const entry of trackInterfaces) for (const name of members) note(entry.name, { ...entry, name });
  return new Map([...found].map(([link, entries]) => [link, [...entries.values()]]));
}

const isVirtual = ({ details }: Link): boolean => details?.kind === "macvlan" || details?.kind === "ipvlan";

/** MACVLAN_MODE_* and IPVLAN_MODE_* of linux/if_link.h. */
const macvlanModes: Readonly<Record<number, string>> = {
  1: "private",
  2: "vepa",
  4: "bridge",
  8: "passthru",
  16: "source",
};
const ipvlanModes = ["L2", "L3", "L3S"] as const;

function virtualOf({ details }: Link, lower: Link): VirtualLinkDump {
  const { kind, mode = 0 } = details ?? {};
  const shown = { lower: lower.name, lowerFlags: lower.shape?.flags ?? 0 };
  if (kind === "ipvlan") return { kind, mode: `${ipvlanModes[mode] ?? "unknown mode"} bridge`, ...shown };
  return { kind: "macvlan", mode: macvlanModes[mode] ?? "unknown", ...shown };
}

function vrfOf({ details }: Link, byIndex: ReadonlyMap<number, Link>): LinkDump["vrf"] {
  if (details?.kind === "vrf") return { table: details.table ?? 0 };
  const master = byIndex.get(details?.master ?? 0);
  return master?.details?.kind === "vrf" ? { master: master.name } : undefined;
}
