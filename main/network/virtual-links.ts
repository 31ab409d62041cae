import { isDeepStrictEqual } from "node:util";
import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { Config, VirtualAddress, VrrpInstanceConfig } from "../config/model.js";
import { groupBy } from "../group-by.js";
import { ipOfBytes } from "../ip-bytes.js";
import type { Request } from "../netlink/connection.js";
import type { Verdict } from "../netlink/reader.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import type { HostNetwork, Link, NetworkChange } from "../vrrp/ports.js";
import { ENODEV, errnoText } from "./address-errors.js";
import type { HostFilter } from "./host-filter.js";
import {
  addLinkRequest,
  deleteGroupRequest,
  deleteLinkRequest,
  linkUpRequest,
  type NewLink,
  prepareLinkRequest,
  setGroupRequest,
} from "./link-codec.js";
import {
  freeOfReversePathFilter,
  isVmac4,
  LinkSettings,
  type SettingsMemory,
  type Sysctls,
  wantedSettings,
} from "./link-settings.js";
import { fits, type LinkView, type LinkWish, planLinks } from "./virtual-link-plan.js";

/** What is used of KernelNetwork. */
export interface LinkHost extends HostNetwork {
  links(): readonly Link[];
  nameOf(interfaceIndex: number): string | undefined;
  ask(subject: string, request: Request, done: (verdict: Verdict) => void): void;
  /** In another thread, for what takes the kernel long: in this order, together with `writeAside`. */
  askAside(subject: string, request: Request, done: (verdict: Verdict) => void): void;
  /** Below /proc/sys/net. */
  writeAside(path: string, text: string): Promise<void>;
}

/** What keeps the virtual MAC address out of packets that the kernel sends by itself. */
export type MldFilter = Pick<HostFilter, "redirectMld" | "forgetMld">;

/** Somebody deletes it again and again: it is made again, but not in a tight circle. */
const AGAIN = ms(1000);
const TOGETHER = 100;
/** So much is under way at once that the thread that sends has always something to do. */
const MADE_TOGETHER = 64;
/** Instances wait for so many links together: a few at first, so that the first ones begin soon, then more and more. */
const FIRST_PART = 64;
/** Link groups are numbers that people choose; hardly anybody chooses one of these. */
const SOME_GROUP = 0x5e00_0100;

/** Links that are being made. */
export interface ComingLinks {
  /** With their names in it; the same object as given when it asks for none. */
  readonly config: Config;
  readonly all: Promise<void>;
  /** When it is there and fit for use, if that can be. Undefined: it is none of these. */
  readonly made: (name: string) => Promise<void> | undefined;
}

/** What a daemon before this one left. */
export interface LeftLinks {
  readonly instances: readonly VrrpInstanceConfig[];
  readonly remove: () => Promise<void>;
}

/** Macvlans and ipvlans of the instances: made, adopted, made again when somebody deletes them, and removed at the end. */
export class VirtualLinks implements Disposable {
  readonly #network: LinkHost;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #settings: LinkSettings;
  readonly #onMadeAgain: () => void;
  readonly #mld: MldFilter | undefined;
  #wishes: ReadonlyMap<string, LinkWish> = new Map();
  #byBase: ReadonlyMap<string, readonly LinkWish[]> = new Map();
  /** Links that are ours to remove, by name, with what they were made for. */
  readonly #ours = new Map<string, LinkWish>();
  /** Being made: their notifications are no news. */
  readonly #making = new Map<string, Promise<void>>();
  #filter: ReadonlyMap<string, string> | undefined;
  #subscription: Disposable | undefined;
  #settingAgain: Promise<void> | undefined;

  /** @param onMadeAgain a link came after `apply`, with an index of its own: its base was missing, or somebody had deleted it */
  constructor(
    network: LinkHost,
    clock: Clock,
    log: Log,
    onMadeAgain: () => void,
    sysctls: Sysctls,
    memory?: SettingsMemory,
    mld?: MldFilter,
  ) {
    this.#onMadeAgain = onMadeAgain;
    this.#mld = mld;
    this.#network = network;
    this.#clock = clock;
    this.#log = log;
    this.#settings = new LinkSettings(log, sysctls, memory);
  }

  /**
   * Start and reload: what is missing is made. What is no longer wanted stays until `prune`, for its addresses are still in use.
   * @returns the configuration with the names of the links in it; the same object when it asks for none
   */
  async apply(config: Config): Promise<Config> {
    const coming = await this.applying(config);
    await coming.all;
    return coming.config;
  }

  /**
   * The same, while links are still being made. New ones inherit settings of the kernel's that are raised where it filters by
   * source: only there they are changed after the last link.
   */
  async applying(config: Config): Promise<ComingLinks> {
    const plan = planLinks(config, this.#view());
    this.#tellNames(config, plan.config);
    this.#wish(plan.wishes);
    if (plan.wishes.length > 0) this.#subscription ??= this.#network.subscribe((change) => this.#onChange(change));
    const filter = await this.#filterSettings();
    const set = (): Promise<void> => this.#settings.apply(new Map([...filter, ...wantedSettings(config, plan.wishes)]));
    const first = filter.size === 0;
    if (first) await set();
    const parts = new Map<string, Promise<void>>();
    let last = Promise.resolve();
    for (let [from, count] = [0, FIRST_PART]; from < plan.wishes.length; from += count, count *= 2) {
      const part = plan.wishes.slice(from, from + count);
      last = this.#makeAll(part, last);
      for (const { name } of part) parts.set(name, last);
    }
    const all = last.then(() => (first ? undefined : set()));
    return { config: plan.config, all, made: (name) => (parts.has(name) && !first ? all : parts.get(name)) };
  }

  #tellNames(asked: Config, placed: Config): void {
    for (const [i, { name: instance, virtualInterface }] of asked.vrrpInstances.entries()) {
      const wanted = virtualInterface.own?.name;
      const name = placed.vrrpInstances[i]?.virtualInterface.own?.name;
      if (wanted === undefined || name === undefined || wanted === name) continue;
      const sentence = `(${instance}) interface ${name} is there already and keeps its name: a restart makes it ${wanted}`;
      this.#log("notice", "network.vmac", sentence, { instance, interface: name });
    }
  }

  /** Many at once, in the order of the file. @param before those that go first */
  async #makeAll(wishes: readonly LinkWish[], before: Promise<void>): Promise<void> {
    await before;
    const next = wishes.values();
    const makeNext = async (): Promise<void> => {
      for (let one = next.next(); one.done !== true; one = next.next()) await this.#make(one.value);
    };
    await Promise.all(Array.from({ length: MADE_TOGETHER }, makeNext));
  }

  /** After a reload: removes what no instance uses any more. */
  async prune(): Promise<void> {
    await this.#settled();
    await this.#removeAll([...this.#ours.keys()].filter((name) => !this.#wishes.has(name)));
  }

  /**
   * After a crash: links of instances that a daemon before this one had. @returns those instances with the names of the links, and what
   * removes the links that nobody wants today
   */
  left(instances: readonly VrrpInstanceConfig[], today: Config): LeftLinks {
    const view = { ...this.#view(), isOurs: () => true };
    const { wishes, config } = planLinks({ ...today, vrrpInstances: instances }, view);
    const isThere = (wish: LinkWish): boolean => {
      const [link, base] = [this.#network.link(wish.name), this.#network.link(wish.base)];
      return link !== undefined && base !== undefined && fits(wish, link, base);
    };
    const remove = async (): Promise<void> => {
      await this.#settled();
      const unwanted = wishes.filter((wish) => !this.#wishes.has(wish.name) && isThere(wish));
      await this.#removeAll([...new Set(unwanted.map(({ name }) => name))]);
    };
    return { instances: config.vrrpInstances, remove };
  }

  /** At the end. */
  async remove(): Promise<void> {
    this[Symbol.dispose]();
    this.#wish([]);
    await this.prune();
    await this.#settings.restoreAll();
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]();
    this.#subscription = undefined;
  }

  /** One that is being made for an older wish would stay behind. */
  async #settled(): Promise<void> {
    await Promise.all(this.#making.values());
  }

  #wish(wishes: readonly LinkWish[]): void {
    this.#wishes = new Map(wishes.map((wish) => [wish.name, wish]));
    this.#byBase = groupBy(wishes, ({ base }) => base);
  }

  #view(): LinkView {
    const network = this.#network;
    return {
      link: (name) => network.link(name),
      on: (base) => {
        const index = network.link(base)?.index;
        return index === undefined ? [] : network.links().filter(({ details }) => details?.lower === index);
      },
      isOurs: (name) => this.#ours.has(name),
    };
  }

  /** Read once: afterwards the settings themselves do not show it any more. */
  async #filterSettings(): Promise<ReadonlyMap<string, string>> {
    if (![...this.#wishes.values()].some(isVmac4)) this.#filter = undefined;
    else this.#filter ??= await freeOfReversePathFilter(this.#foreignNames(), (path) => this.#settings.original(path));
    return this.#filter ?? new Map();
  }

  #foreignNames(): readonly string[] {
    return this.#network.links().flatMap(({ name }) => (this.#wishes.has(name) ? [] : [name]));
  }

  /** One at a time for each name, and only what is still wanted then. */
  async #make(wish: LinkWish): Promise<void> {
    const { name } = wish;
    for (let other = this.#making.get(name); other !== undefined; other = this.#making.get(name)) await other;
    if (this.#wishes.get(name) !== wish) return;
    const making = this.#makeNow(wish).finally(() => this.#making.delete(name));
    this.#making.set(name, making);
    await making;
  }

  /** Makes it, or adopts what a daemon before this one left. Without its base it waits for that. */
  async #makeNow(wish: LinkWish): Promise<void> {
    const { name } = wish;
    const base = this.#network.link(wish.base);
    const there = this.#network.link(name);
    if (base === undefined) return;
    const good = there !== undefined && fits(wish, there, base);
    if (good && isDeepStrictEqual(this.#ours.get(name), wish)) return;
    const created = good || this.#create(wish, base, there);
    // What follows needs no answer: it waits in the same line, and where nothing was made it does nothing.
    const isForAll = name === "all" || name === "default"; // of settings; the kernel refuses such a link
    const inLine = this.#making.size < MADE_TOGETHER; // with more, requests are held back, and what is written comes before them
    const early = there === undefined && inLine && !isGuarded(wish) && !isForAll;
    const prepared = early ? this.#prepare(wish, base) : undefined;
    if (!(await created)) return;
    this.#ours.set(name, wish);
    await (prepared ?? this.#prepare(wish, base));
  }

  async #create(wish: LinkWish, base: Link, there: Link | undefined): Promise<boolean> {
    const { name, instance } = wish;
    if (there !== undefined && !this.#ours.has(name)) {
      const sentence = `(${instance}) cannot make ${name}: there is an interface of that name, which is not a private macvlan on ${base.name} with this MAC address - give another name after use_vmac`;
      this.#log("error", "network.vmac-failed", sentence, { instance, interface: name });
      return false;
    }
    if (there !== undefined) await this.#ask(name, deleteLinkRequest(there.index));
    const verdict = await this.#askAside(name, addLinkRequest(this.#newLink(wish, base)));
    const made = this.#network.link(name); // the answer may be lost, or that to a repetition
    if (verdict.errno !== 0 && (made === undefined || !fits(wish, made, base))) {
      this.#report(wish, verdict);
      return false;
    }
    const what = wish.kind.is === "macvlan" ? "VMAC" : "ipvlan";
    this.#log("info", "network.vmac", `(${instance}): Success creating ${what} interface ${name}`, { instance });
    return true;
  }

  #newLink({ name, kind, group }: LinkWish, base: Link): NewLink {
    return { name, lower: base.index, group: group ?? base.details?.group ?? 0, master: this.#vrfOf(base), kind };
  }

  #vrfOf({ details }: Link): number | undefined {
    if (details?.master === undefined) return undefined;
    const master = this.#network.links().find(({ index }) => index === details.master);
    return master?.details?.kind === "vrf" ? master.index : undefined;
  }

  async #prepare(wish: LinkWish, base: Link): Promise<void> {
    const { name, ipv6, family, address } = wish;
    if (wish.kind.is === "macvlan") void this.#askAside(name, prepareLinkRequest(name, family === "inet"));
    void this.#network.writeAside(`ipv6/conf/${name}/disable_ipv6`, ipv6 ? "0" : "1");
    const linkLocal = wish.needsLinkLocal ? this.#linkLocal(base) : undefined;
    if (isGuarded(wish)) {
      await this.#network.writeAside(`ipv6/conf/${name}/router_solicitations`, "0"); // the interface below asks for itself
      this.#mld?.redirectMld({ vmac: name, base: base.name, shared: linkLocal?.address });
    }
    await this.#askAside(name, linkUpRequest(name));
    const index = this.#network.link(name)?.index;
    if (index === undefined) return;
    if (address !== undefined) this.#network.addAddress(index, address, () => undefined);
    if (linkLocal !== undefined) this.#network.addAddress(index, linkLocal, () => undefined);
    if (wish.tell) void this.#ask(base.name, setGroupRequest(base.index, base.details?.group ?? 0));
  }

  /** Neighbours are spoken to with a link-local source: that of the base, as keepalived takes it. */
  #linkLocal(base: Link): VirtualAddress | undefined {
    const own = this.#network.addresses(base.index).find(({ address }) => /^fe[89ab]/.test(address));
    const address = own?.address ?? (base.mac.length === 6 ? linkLocalOf(base.mac) : undefined);
    return address === undefined ? undefined : { ...linkLocalAddress, address };
  }

  /**
   * The kernel takes some 25 ms for each link that is deleted alone, and as long for a hundred that go together: so they
   * become a group of their own first. Not all at once, for it tells us of each several times, and what it tells must be read.
   */
  async #removeAll(names: readonly string[]): Promise<void> {
    const links = names.map((name) => this.#network.link(name)).filter((link) => link !== undefined);
    for (const name of names) {
      this.#ours.delete(name);
      this.#mld?.forgetMld(name);
    }
    for (let i = 0; i < links.length; i += TOGETHER) await this.#removeTogether(links.slice(i, i + TOGETHER));
  }

  async #removeTogether(links: readonly Link[]): Promise<void> {
    const [first, ...others] = links;
    if (first === undefined) return;
    const group = this.#freeGroup();
    if (others.length > 0)
      await Promise.all(links.map(({ name, index }) => this.#ask(name, setGroupRequest(index, group))));
    const request = others.length === 0 ? deleteLinkRequest(first.index) : deleteGroupRequest(group);
    const { errno } = await this.#ask("removal", request);
    if (errno === 0 || errno === ENODEV) return;
    const which = links.map(({ name }) => name).join(", ");
    const sentence = `cannot remove ${which}: ${errnoText(errno)}: remove them with \`ip link del\``;
    this.#log("error", "network.vmac-failed", sentence, { errno });
  }

  #freeGroup(): number {
    const taken = new Set(this.#network.links().map(({ details }) => details?.group));
    let group = SOME_GROUP;
    while (taken.has(group)) group += 1;
    return group;
  }

  /** A link of ours that is gone (or has another name) is made again; one whose base comes back, too. */
  #onChange(change: NetworkChange): void {
    if (change.kind === "link-gone") {
      const wish = this.#wishes.get(change.name);
      if (wish === undefined || this.#making.has(wish.name)) return;
      this.#ours.delete(wish.name);
      const renamed = this.#network.nameOf(change.index);
      const fate = renamed === undefined ? "was deleted" : `was renamed to ${renamed}`;
      const sentence = `(${wish.instance}) interface ${wish.name} ${fate} by somebody else: making it again`;
      this.#log("warning", "network.vmac-repair", sentence, { interface: wish.name });
      if (renamed !== undefined) void this.#ask(wish.name, deleteLinkRequest(change.index));
      this.#clock.after(AGAIN, () => void this.#makeWanted(wish));
    } else if (change.kind === "link") {
      const { name } = change.link;
      for (const wish of this.#byBase.get(name) ?? [])
        if (this.#network.link(wish.name) === undefined && !this.#making.has(wish.name)) void this.#makeWanted(wish);
    }
  }

  async #makeWanted(wish: LinkWish): Promise<void> {
    await this.#setAgain(); // before the link: its base must not answer ARP for what is on it
    if (this.#wishes.get(wish.name) !== wish || this.#subscription === undefined) return;
    await this.#make(wish);
    if (this.#network.link(wish.name) !== undefined) this.#onMadeAgain();
  }

  /** Once for all links of one turn: a base that comes later may have been looked at in vain. */
  #setAgain(): Promise<void> {
    if (this.#settingAgain === undefined) {
      this.#settingAgain = this.#settings.applyAgain();
      setImmediate(() => {
        this.#settingAgain = undefined;
      });
    }
    return this.#settingAgain;
  }

  #ask(subject: string, request: Request): Promise<Verdict> {
    return new Promise((resolve) => this.#network.ask(`link ${subject} ${request.type}`, request, resolve));
  }

  #askAside(subject: string, request: Request): Promise<Verdict> {
    return new Promise((resolve) => this.#network.askAside(`link ${subject} ${request.type}`, request, resolve));
  }

  #report({ instance, name, base, kind }: LinkWish, { errno, reason }: Verdict): void {
    const said = reason === "" ? errnoText(errno) : `${errnoText(errno)}, ${reason}`;
    const advice =
      errnoText(errno) === "EOPNOTSUPP"
        ? `the kernel has no ${kind.is}: load the module ${kind.is}`
        : "see the kernel log";
    const sentence = `(${instance}) cannot make interface ${name} on ${base}: ${said}: ${advice}`;
    this.#log("error", "network.vmac-failed", sentence, { instance, interface: name, errno });
  }
}

/** Packets that the kernel sends by itself are kept back before it is up. */
const isGuarded = ({ ipv6, kind }: LinkWish): boolean => ipv6 && kind.is === "macvlan";

/** RFC 4291 §2.5.6 with the interface identifier of its appendix A. */
function linkLocalOf(mac: Uint8Array): IpAddress {
  const [a = 0, ...rest] = mac;
  return ipOfBytes(
    Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)),
  );
}

/** Not preferred: the host's own connections keep away from it. */
const linkLocalAddress: Omit<VirtualAddress, "address"> = {
  prefix: 64,
  dev: undefined,
  label: undefined,
  broadcast: undefined,
  scope: 253,
  more: {
    ...{ peer: undefined, home: false, detectDuplicates: false, managesTemporary: false, noPrefixRoute: false },
    ...{ autojoin: false, tracked: false, preferredLifetime: ms(0), useVmac: false },
  },
};
