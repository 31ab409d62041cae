import { isDeepStrictEqual } from "node:util";
import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { Config, VirtualAddress } from "../config/model.js";
import { ipOfBytes } from "../ip-bytes.js";
import type { Request } from "../netlink/connection.js";
import type { Verdict } from "../netlink/reader.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import type { HostNetwork, Link, NetworkChange } from "../vrrp/ports.js";
import { ENODEV, errnoText } from "./address-errors.js";
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
  procSysctls,
  type Sysctls,
  wantedSettings,
} from "./link-settings.js";
import { fits, type LinkView, type LinkWish, planLinks } from "./virtual-link-plan.js";

/** What is used of KernelNetwork. */
export interface LinkHost extends HostNetwork {
  links(): readonly Link[];
  nameOf(interfaceIndex: number): string | undefined;
  ask(subject: string, request: Request, done: (verdict: Verdict) => void): void;
}

/** Somebody deletes it again and again: it is made again, but not in a tight circle. */
const AGAIN = ms(1000);
const TOGETHER = 100;
/** Link groups are numbers that people choose; hardly anybody chooses one of these. */
const SOME_GROUP = 0x5e00_0100;

/** Macvlans and ipvlans of the instances: made, adopted, made again when somebody deletes them, and removed at the end. */
export class VirtualLinks implements Disposable {
  readonly #network: LinkHost;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sysctls: Sysctls;
  readonly #settings: LinkSettings;
  readonly #onMadeAgain: () => void;
  #wishes: readonly LinkWish[] = [];
  /** Links that are ours to remove, by name, with what they were made for. */
  readonly #ours = new Map<string, LinkWish>();
  /** Being made: their notifications are no news. */
  readonly #making = new Set<string>();
  #filter: ReadonlyMap<string, string> | undefined;
  #subscription: Disposable | undefined;

  /** @param onMadeAgain a link came after `apply`, with an index of its own: its base was missing, or somebody had deleted it */
  constructor(network: LinkHost, clock: Clock, log: Log, onMadeAgain: () => void, sysctls = procSysctls) {
    this.#onMadeAgain = onMadeAgain;
    this.#network = network;
    this.#clock = clock;
    this.#log = log;
    this.#sysctls = sysctls;
    this.#settings = new LinkSettings(log, sysctls);
  }

  /**
   * Start and reload: what is missing is made. What is no longer wanted stays until `prune`, for its addresses are still in use.
   * @returns the configuration with the names of the links in it; the same object when it asks for none
   */
  async apply(config: Config): Promise<Config> {
    const plan = planLinks(config, this.#view());
    this.#wishes = plan.wishes;
    if (plan.wishes.length > 0) this.#subscription ??= this.#network.subscribe((change) => this.#onChange(change));
    // One after the other: each takes the kernel some milliseconds, and timers may be due in between.
    for (const wish of plan.wishes) await this.#make(wish);
    await this.#settings.apply(new Map([...(await this.#filterSettings()), ...wantedSettings(config, plan.wishes)]));
    return plan.config;
  }

  /** After a reload: removes what no instance uses any more. */
  async prune(): Promise<void> {
    const wanted = new Set(this.#wishes.map(({ name }) => name));
    await this.#removeAll([...this.#ours.keys()].filter((name) => !wanted.has(name)));
  }

  /** At the end. */
  async remove(): Promise<void> {
    this[Symbol.dispose]();
    this.#wishes = [];
    await this.prune();
    await this.#settings.restoreAll();
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]();
    this.#subscription = undefined;
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
    if (!this.#wishes.some(isVmac4)) this.#filter = undefined;
    else this.#filter ??= await freeOfReversePathFilter(this.#foreignNames(), this.#sysctls);
    return this.#filter ?? new Map();
  }

  #foreignNames(): readonly string[] {
    const vmacs = new Set(this.#wishes.map(({ name }) => name));
    return this.#network.links().flatMap(({ name }) => (vmacs.has(name) ? [] : [name]));
  }

  /** Makes it, or adopts what a daemon before this one left. Without its base it waits for that. */
  async #make(wish: LinkWish): Promise<void> {
    const { name } = wish;
    const base = this.#network.link(wish.base);
    const there = this.#network.link(name);
    if (base === undefined || this.#making.has(name)) return;
    const good = there !== undefined && fits(wish, there, base);
    if (good && isDeepStrictEqual(this.#ours.get(name), wish)) return;
    this.#making.add(name);
    try {
      if (!good && !(await this.#create(wish, base, there))) return;
      this.#ours.set(name, wish);
      await this.#prepare(wish, base);
    } finally {
      this.#making.delete(name);
    }
  }

  async #create(wish: LinkWish, base: Link, there: Link | undefined): Promise<boolean> {
    const { name, instance } = wish;
    if (there !== undefined && !this.#ours.has(name)) {
      const sentence = `(${instance}) cannot make ${name}: there is an interface of that name, which is not a private macvlan on ${base.name} with this MAC address - give another name after use_vmac`;
      this.#log("error", "network.vmac-failed", sentence, { instance, interface: name });
      return false;
    }
    if (there !== undefined) await this.#ask(name, deleteLinkRequest(there.index));
    const verdict = await this.#ask(name, addLinkRequest(this.#newLink(wish, base)));
    if (verdict.errno !== 0) {
      this.#report(wish, verdict);
      return false;
    }
    const what = wish.kind.is === "macvlan" ? "VMAC" : "ipvlan";
    this.#log("info", "network.vmac", `(${instance}): Success creating ${what} interface ${name}`, { instance });
    return true;
  }

  #newLink({ name, kind, group }: LinkWish, base: Link): NewLink {
    const master = this.#network.links().find(({ index }) => index === base.details?.master);
    const vrf = master?.details?.kind === "vrf" ? master.index : undefined;
    return { name, lower: base.index, group: group ?? base.details?.group ?? 0, master: vrf, kind };
  }

  async #prepare(wish: LinkWish, base: Link): Promise<void> {
    const { name, ipv6, family, address } = wish;
    if (wish.kind.is === "macvlan") void this.#ask(name, prepareLinkRequest(name, family === "inet"));
    await this.#sysctls.write(`ipv6/conf/${name}/disable_ipv6`, ipv6 ? "0" : "1");
    await this.#ask(name, linkUpRequest(name));
    const index = this.#network.link(name)?.index;
    if (index === undefined) return;
    if (address !== undefined) this.#network.addAddress(index, address, () => undefined);
    const linkLocal = wish.needsLinkLocal ? this.#linkLocal(base) : undefined;
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
    for (const name of names) this.#ours.delete(name);
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
      const wish = this.#wishes.find(({ name }) => name === change.name);
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
      for (const wish of this.#wishes)
        if (wish.base === name && this.#network.link(wish.name) === undefined) void this.#makeWanted(wish);
    }
  }

  async #makeWanted(wish: LinkWish): Promise<void> {
    if (!this.#wishes.includes(wish) || this.#subscription === undefined) return;
    await this.#make(wish);
    if (this.#network.link(wish.name) === undefined) return;
    this.#onMadeAgain();
    await this.#settings.applyAgain();
  }

  #ask(subject: string, request: Request): Promise<Verdict> {
    return new Promise((resolve) => this.#network.ask(`link ${subject} ${request.type}`, request, resolve));
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
