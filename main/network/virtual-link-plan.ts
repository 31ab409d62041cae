import { type Family, familyOf } from "../address.js";
import type { Config, VirtualAddress, VrrpInstanceConfig } from "../config/model.js";
import type { VirtualInterface } from "../config/model-vrrp.js";
import { groupBy } from "../group-by.js";
import type { Link } from "../vrrp/ports.js";
import { IPVLAN_MODE_L2, MACVLAN_MODE_PRIVATE } from "./link-codec.js";

/** A virtual link that some instance needs. */
export interface LinkWish {
  /** Name of the instance, for messages. */
  readonly instance: string;
  readonly name: string;
  readonly base: string;
  readonly kind:
    | { readonly is: "macvlan"; readonly mac: Uint8Array }
    | { readonly is: "ipvlan"; readonly mode: "bridge" | "private" | "vepa" };
  /** Undefined: that of the base. */
  readonly group: number | undefined;
  readonly family: Family;
  /** Addresses of IPv6 will be on it. */
  readonly ipv6: boolean;
  /** Source of the adverts, held all the time. */
  readonly address: VirtualAddress | undefined;
  /** Neighbours of IPv6 are spoken to from here. */
  readonly needsLinkLocal: boolean;
  /** Makes the kernel tell others of the base. */
  readonly tell: boolean;
}

/** What the plan needs to know of the host. */
export interface LinkView {
  link(name: string): Link | undefined;
  /** Macvlans on that base, to be adopted. */
  on(base: string): readonly Link[];
  /** Made by us, so its name is free again when it is no longer wanted. */
  isOurs(name: string): boolean;
}

export interface LinkPlan {
  readonly wishes: readonly LinkWish[];
  /** With the names of the links in its instances and addresses. */
  readonly config: Config;
}

const IFNAMSIZ = 15;

/** Pure: which virtual links the configuration asks for, under which names. */
export function planLinks(config: Config, view: LinkView): LinkPlan {
  const planner = new Planner(config, view);
  if (!config.vrrpInstances.some(wantsLinks)) return { wishes: [], config };
  const vrrpInstances = config.vrrpInstances.map((one) => (wantsLinks(one) ? planner.place(one) : one));
  return { wishes: planner.wishes, config: { ...config, vrrpInstances } };
}

const addressesOf = (one: VrrpInstanceConfig): readonly VirtualAddress[] => [
  ...one.virtualAddresses,
  ...one.excludedAddresses,
];

const wantsLinks = (one: VrrpInstanceConfig): boolean =>
  one.virtualInterface.own !== undefined ||
  one.virtualInterface.forAddresses ||
  addressesOf(one).some(({ more }) => more.useVmac);

class Planner {
  readonly wishes: LinkWish[] = [];
  readonly #config: Config;
  readonly #view: LinkView;
  /** Names given in the file go first: generated ones keep out of their way. */
  readonly #taken: Set<string>;
  /** Macvlans by instance, base and MAC address. */
  readonly #extras = new Map<string, LinkWish>();
  /** Private macvlans that are there, by base and MAC address. */
  readonly #there = new Map<string, ReadonlyMap<string, readonly Link[]>>();

  constructor(config: Config, view: LinkView) {
    this.#config = config;
    this.#view = view;
    const given = config.vrrpInstances.map(({ virtualInterface }) => virtualInterface.own?.name);
    this.#taken = new Set(given.filter((name) => name !== undefined));
  }

  place(one: VrrpInstanceConfig): VrrpInstanceConfig {
    const own = one.virtualInterface.own;
    const placed = own === undefined ? undefined : this.#own(one, own);
    const move = (address: VirtualAddress): VirtualAddress => this.#placeAddress(one, address, placed?.name);
    const source = placed?.address?.address;
    return {
      ...one,
      sourceAddress: one.sourceAddress ?? source,
      virtualInterface:
        own === undefined || placed === undefined
          ? one.virtualInterface
          : { ...one.virtualInterface, own: { ...own, name: placed.name } },
      virtualAddresses: one.virtualAddresses.map(move),
      excludedAddresses: one.excludedAddresses.map(move),
    };
  }

  #own(one: VrrpInstanceConfig, own: VirtualInterface): LinkWish {
    const { family, interface: base, virtualInterface } = one;
    const here = addressesOf(one).filter(({ dev }) => dev === undefined || dev === base);
    const kind: LinkWish["kind"] =
      own.kind === "vmac" ? { is: "macvlan", mac: macOf(own.mac, one.vrid, family) } : { is: "ipvlan", mode: own.mode };
    const wish: LinkWish = {
      instance: one.name,
      name: this.#name(own.name, base, kind, this.#config.global.instanceDefaults.vmacPrefix, one.vrid, family),
      base,
      kind,
      group: own.group,
      family,
      ipv6: family === "inet6" || here.some(({ address }) => familyOf(address) === "inet6"),
      address: own.kind === "ipvlan" && own.address !== undefined ? plainAddress(own.address, one) : undefined,
      needsLinkLocal: family === "inet6" && !virtualInterface.transmitBase,
      tell: own.kind === "vmac" && own.netlinkNotify,
    };
    this.#push(wish);
    return wish;
  }

  /** The first of its kind is the one that is shared. */
  #push(wish: LinkWish): void {
    this.wishes.push(wish);
    if (wish.kind.is !== "macvlan") return;
    const key = `${wish.instance} ${wish.base} ${hex(wish.kind.mac)}`;
    if (!this.#extras.has(key)) this.#extras.set(key, wish);
  }

  /** Addresses of the instance's own interface and family are on its own link, which is their `dev` when none is given. */
  #placeAddress(one: VrrpInstanceConfig, address: VirtualAddress, own: string | undefined): VirtualAddress {
    const dev = address.dev ?? one.interface;
    const family = familyOf(address.address);
    const atHome = own !== undefined && dev === one.interface && family === one.family;
    if (atHome) return address.dev === undefined ? address : { ...address, dev: own };
    // One of the other family is on the interface below, as keepalived has it.
    const elsewhere = dev !== one.interface || family !== one.family;
    if (!address.more.useVmac && !(one.virtualInterface.forAddresses && elsewhere))
      return own === undefined ? address : { ...address, dev };
    return { ...address, dev: this.#extra(one, dev, family), more: { ...address.more, base: dev } };
  }

  /** A macvlan for addresses on another interface, or of the other family; one for all of them. */
  #extra(one: VrrpInstanceConfig, base: string, family: Family): string {
    const mac = macOf(undefined, one.vrid, family);
    const kind = { is: "macvlan", mac } as const;
    const known = this.#extras.get(`${one.name} ${base} ${hex(mac)}`);
    if (known !== undefined) return known.name;
    const prefix = this.#config.global.instanceDefaults.vmacAddrPrefix;
    const name = this.#name(undefined, base, kind, prefix, one.vrid, family);
    this.#push({
      ...{ instance: one.name, name, base, kind, group: undefined, family, ipv6: family === "inet6" },
      ...{ address: undefined, needsLinkLocal: family === "inet6", tell: false },
    });
    return name;
  }

  #name(
    given: string | undefined,
    base: string,
    kind: LinkWish["kind"],
    prefix: string,
    vrid: number,
    family: Family,
  ): string {
    if (given !== undefined && this.#view.link(given) !== undefined) return given;
    const chosen = this.#adoptable(base, kind) ?? given ?? this.#free(prefix, vrid, family);
    this.#taken.add(chosen);
    return chosen;
  }

  /**
   * What a daemon before this one left, or a reload has given another name. Its own name wins: no second one with its MAC address comes
   * up beside it (EADDRINUSE of drivers/net/macvlan.c), and it has the addresses.
   */
  #adoptable(base: string, kind: LinkWish["kind"]): string | undefined {
    if (kind.is !== "macvlan") return undefined;
    return this.#on(base)
      .get(hex(kind.mac))
      ?.find((link) => isThat(link, kind) && !this.#taken.has(link.name))?.name;
  }

  #on(base: string): ReadonlyMap<string, readonly Link[]> {
    const known = this.#there.get(base) ?? groupBy(this.#view.on(base), ({ mac }) => hex(mac));
    this.#there.set(base, known);
    return known;
  }

  /** PREFIX.VRID, PREFIX1.VRID and so on; IPv6 begins with PREFIX6.VRID. */
  #free(prefix: string, vrid: number, family: Family): string {
    const suffix = `.${vrid}`;
    const stem = prefix.slice(0, IFNAMSIZ - suffix.length - 1);
    const first = family === "inet6" ? `${stem}6${suffix}` : `${prefix.slice(0, IFNAMSIZ - suffix.length)}${suffix}`;
    for (let number = 0, name = first; ; name = `${stem.slice(0, IFNAMSIZ - suffix.length - 3)}${++number}${suffix}`) {
      if (this.#taken.has(name) || (family === "inet6" && number === 6)) continue;
      if (this.#view.link(name) === undefined || this.#view.isOurs(name)) return name;
    }
  }
}

/** Whether a link is what the wish asks for, so that it is adopted and not made anew. */
export function fits(wish: LinkWish, link: Link, base: Link | undefined): boolean {
  return link.details?.lower === base?.index && isThat(link, wish.kind);
}

function isThat(link: Link, kind: LinkWish["kind"]): boolean {
  const { details } = link;
  if (details?.kind !== kind.is) return false;
  if (kind.is === "ipvlan") return details.mode === IPVLAN_MODE_L2;
  return details.mode === MACVLAN_MODE_PRIVATE && Buffer.compare(link.mac, kind.mac) === 0;
}

const hex = (mac: Uint8Array): string => Buffer.from(mac).toString("hex");

/** RFC 5798 §7.3; five configured octets are completed by the VRID. */
function macOf(configured: readonly number[] | undefined, vrid: number, family: Family): Uint8Array {
  const octets = configured ?? [0, 0, 0x5e, 0, family === "inet" ? 1 : 2];
  return Uint8Array.from([...octets, vrid].slice(0, 6));
}

function plainAddress(
  { address, prefix }: { readonly address: string; readonly prefix: number },
  one: VrrpInstanceConfig,
): VirtualAddress {
  const more = { ...noFlags, preferredLifetime: "forever" } as const;
  return { address, prefix, dev: one.interface, label: undefined, broadcast: undefined, scope: 0, more };
}

const noFlags = {
  peer: undefined,
  home: false,
  detectDuplicates: false,
  managesTemporary: false,
  noPrefixRoute: false,
  autojoin: false,
  tracked: false,
  useVmac: false,
};

/** VMACs on which instances join a multicast group of IPv4, each with the interface below it. */
export function joiningVmacs(config: Config): readonly { readonly vmac: string; readonly base: string }[] {
  if (config.global.instanceDefaults.disableLocalIgmp) return [];
  return config.vrrpInstances.flatMap(({ family, interface: base, virtualInterface, unicastPeers }) => {
    const { own, transmitBase } = virtualInterface;
    const joins = own?.kind === "vmac" && family === "inet" && !transmitBase && unicastPeers.length === 0;
    return joins && own.name !== undefined ? [{ vmac: own.name, base }] : [];
  });
}
