import type { GlobalConfig } from "../config/model.js";
import type { Verdict } from "../netlink/reader.js";
import type { Log } from "../observe/log.js";
import type { Link } from "../vrrp/ports.js";
import { errnoText } from "./address-errors.js";
import {
  type ElementPlace,
  elementOf,
  type FilterPart,
  type FilterStyle,
  freshTable,
  mldElements,
  partOf,
  rulesOf,
  vmacElement,
} from "./filter-rules.js";
import type { HostFilter, VmacOfIpv6 } from "./host-filter.js";
import type { NftChange } from "./nft-codec.js";
import type { Content } from "./nft-guard.js";

/** What is used of NftConnection. */
export interface NftTransactions extends Disposable {
  commit(changes: readonly NftChange[], done: (verdict: Verdict) => void): void;
}

const DEFAULT_TABLE = "keepalived";
const DEFAULT_PRIORITY = -1;
const ENOENT = 2;
/** Of one transaction, some 80 octets each: it has to fit into the send buffer, 208 KiB where it cannot be forced (netlink(7)). */
const MOST_CHANGES = 1000;
/** The owner of what is done for VMACs; instances are owners with a word before their name. */
const IGMP = "igmp";
/** As IGMP, an owner for each VMAC: begins with this. */
const MLD = "mld ";

const isRedirection = (owner: string): boolean => owner === IGMP || owner.startsWith(MLD);

/**
 * Our nftables tables: packets to and from the addresses of masters that do not accept them are dropped, and IGMP reports of
 * VMACs leave by the interface below. Nothing is made before the first instance asks for it.
 */
export class PacketFilter implements HostFilter {
  readonly #connect: () => NftTransactions;
  readonly #link: (name: string) => Link | undefined;
  readonly #log: Log;
  /** By owner, then by where it is. */
  readonly #wanted = new Map<string, ReadonlyMap<string, ElementPlace>>();
  /** Names of instances by owner, for messages. */
  readonly #names = new Map<string, string>();
  /** What anybody wants, by where it is: a change of one owner must not look at the thousands of others. */
  readonly #claims = new Map<string, { readonly place: ElementPlace; owners: number }>();
  /** What the kernel has; empty: the next change begins with new tables, and brings all that is wanted. */
  readonly #made = new Set<FilterPart | number>();
  /** What it had until somebody deleted it as fast as it was written; empty otherwise. */
  #lost: ReadonlySet<FilterPart | number> = none;
  /** Families in which a table of ours may be, made by a change that was refused later on or not. */
  readonly #touched = new Set<number>();
  #style: FilterStyle = { table: DEFAULT_TABLE, priority: DEFAULT_PRIORITY, counters: false };
  /** Grows when all is made anew: what was sent before, and built on what was refused, is refused as well. */
  #generation = 0;
  /** All was made anew after a refusal, and the kernel has not answered yet. */
  #retried: boolean = false;
  #connection: NftTransactions | undefined;
  #commits = 0;
  #underWay = 0;
  /** Why the kernel refused the last one, as the log says. */
  #said: string | undefined;
  /** The kernel refuses the rules for MLD. */
  #noRedirection: boolean = false;

  constructor(connect: () => NftTransactions, link: (name: string) => Link | undefined, log: Log) {
    this.#connect = connect;
    this.#link = link;
    this.#log = log;
  }

  /** Before anything is made; a table that is there keeps its name. */
  configure({ packetFilter: { nftables, counters } }: Pick<GlobalConfig, "packetFilter">): void {
    if (this.#touched.size > 0) return;
    const { table = DEFAULT_TABLE, priority = DEFAULT_PRIORITY } = nftables ?? {};
    this.#style = { table, priority, counters };
  }

  block(
    owner: string,
    addresses: readonly { readonly address: string; readonly on: string }[],
    name: string = owner,
  ): void {
    const { table } = this.#style;
    this.#names.set(`block ${owner}`, name);
    const places = addresses.map(({ address, on }) =>
      elementOf(table, { address, interfaceIndex: this.#link(on)?.index }),
    );
    this.#want(
      `block ${owner}`,
      places.filter((place) => place !== undefined),
    );
  }

  /** @param links names of VMACs that join a multicast group, and of the interfaces below them */
  redirectIgmp(links: readonly { readonly vmac: string; readonly base: string }[]): void {
    const places = links.flatMap(({ vmac, base }) => {
      const [above, below] = [this.#link(vmac)?.index, this.#link(base)?.index];
      return above === undefined || below === undefined ? [] : [vmacElement(this.#style.table, above, below)];
    });
    this.#want(IGMP, places);
  }

  /** Before the VMAC is up, so that nothing leaves with the virtual MAC address. In force when this returns. */
  redirectMld({ vmac, base, shared }: VmacOfIpv6): void {
    const [above, below] = [this.#link(vmac)?.index, this.#link(base)?.index];
    if (this.#noRedirection || above === undefined || below === undefined) return;
    this.#want(`${MLD}${vmac}`, mldElements(this.#style.table, above, below, shared));
  }

  /** The VMAC is gone. */
  forgetMld(vmac: string): void {
    this.#want(`${MLD}${vmac}`, []);
  }

  /** Transactions that the kernel has carried out. */
  get commits(): number {
    return this.#commits;
  }

  /** The kernel has not answered to all that was sent. */
  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  get table(): string {
    return this.#style.table;
  }

  /** What is in the tables that were made, or was until somebody deleted them. Undefined: there are none. */
  get made(): Content | undefined {
    const parts = [...(this.#made.size > 0 ? this.#made : this.#lost)].filter((part) => typeof part === "string");
    if (parts.length === 0) return undefined;
    return {
      rules: () => tally(parts.flatMap((part) => rulesOf[part](this.#style)).filter((one) => one.kind === "rule")),
      elements: () => Promise.resolve(tally([...this.#claims.values()].map(({ place }) => place))),
    };
  }

  /** The kernel has refused what is wanted, and nothing of it is in force. */
  get isRefused(): boolean {
    return this.#made.size + this.#lost.size === 0 && this.#claims.size > 0;
  }

  /** Somebody has deleted some of it, or the kernel may take now what it refused: all is made anew, in one transaction unless it is very much. */
  again(): void {
    const [owner] = this.#wanted.keys();
    if (owner !== undefined) this.#makeAnew(owner);
  }

  /** At the end: like `nft delete table ip TABLE`. Made first, so that one that is not there is no reason to keep the other. */
  remove(): Promise<void> {
    const { table } = this.#style;
    const changes = [...this.#touched].flatMap((family): NftChange[] => [
      { kind: "table", family, table },
      { kind: "delete-table", family, table },
    ]);
    this.#made.clear();
    this.#lost = none;
    this.#touched.clear();
    const connection = this.#connection; // undefined: there was none to be had, so there are no tables
    if (changes.length === 0 || connection === undefined) return Promise.resolve();
    return new Promise((resolve) => connection.commit(changes, () => resolve()));
  }

  [Symbol.dispose](): void {
    this.#connection?.[Symbol.dispose]();
    this.#connection = undefined;
  }

  /** Several owners may want one element: it stays until the last of them lets go. */
  #want(owner: string, places: readonly ElementPlace[]): void {
    const before = this.#wanted.get(owner) ?? nothing;
    const after = new Map(places.map((place) => [keyOf(place), place]));
    if (after.size > 0) this.#wanted.set(owner, after);
    else this.#wanted.delete(owner);
    const gone = [...before].filter(([key]) => !after.has(key) && this.#unclaim(key));
    const added = [...after].filter(([key, place]) => !before.has(key) && this.#claim(key, place));
    this.#send(owner, gone.map(placeOf), added.map(placeOf));
  }

  /** @returns whether nobody had it before */
  #claim(key: string, place: ElementPlace): boolean {
    const known = this.#claims.get(key);
    if (known !== undefined) known.owners += 1;
    else this.#claims.set(key, { place, owners: 1 });
    return known === undefined;
  }

  /** @returns whether nobody wants it any more */
  #unclaim(key: string): boolean {
    const known = this.#claims.get(key);
    if (known === undefined || --known.owners > 0) return false;
    return this.#claims.delete(key);
  }

  #send(owner: string, gone: readonly ElementPlace[], added: readonly ElementPlace[]): void {
    const anew = this.#made.size === 0;
    this.#lost = none;
    const here = anew ? [...this.#claims.values()].map(({ place }) => place) : added;
    const changes = [
      ...this.#missingParts(here),
      ...(anew ? [] : gone).map((place) => change("delete-elements", place)),
      ...here.map((place) => change("elements", place)),
    ];
    for (let i = 0; i < changes.length && this.#made.size > 0; i += MOST_CHANGES)
      this.#commit(changes.slice(i, i + MOST_CHANGES), owner);
  }

  #missingParts(added: readonly ElementPlace[]): readonly NftChange[] {
    const style = this.#style;
    return added.flatMap((place) => {
      const { family } = place;
      const table = this.#once(family) ? freshTable(family, style.table) : [];
      this.#touched.add(family);
      const part = partOf(place);
      return this.#once(part) ? [...table, ...rulesOf[part](style)] : table;
    });
  }

  #once(part: FilterPart | number): boolean {
    if (this.#made.has(part)) return false;
    this.#made.add(part);
    return true;
  }

  #commit(changes: readonly NftChange[], owner: string): void {
    try {
      this.#connection ??= this.#connect();
    } catch (error) {
      this.#made.clear();
      this.#touched.clear();
      if (isRedirection(owner)) this.#noRedirection = true;
      this.#report(owner, error instanceof Error ? error.message : String(error));
      return;
    }
    const generation = this.#generation;
    this.#underWay += 1;
    this.#connection.commit(changes, ({ errno, reason }) => {
      this.#underWay -= 1;
      if (errno === 0) this.#commits += 1;
      if (generation !== this.#generation) return;
      if (errno === 0) {
        this.#retried = false;
        this.#said = undefined;
      } else if (errno === ENOENT && !this.#retried) this.#makeAnew(owner);
      else if (errno === ENOENT && this.#commits > 0 && !isRedirection(owner)) this.#onLost();
      else this.#onRefused(owner, reason === "" ? errnoText(errno) : `${errnoText(errno)}, ${reason}`);
    });
  }

  /** Somebody has taken our table away, with `nft flush ruleset` for instance. */
  #makeAnew(owner: string): void {
    this.#generation += 1;
    this.#made.clear();
    this.#retried = this.#claims.size > 0;
    if (this.#retried) this.#send(owner, [], []);
  }

  /** Again, before it was whole: whoever watches the tables sees that they are gone, says so, and has them made when they may be. */
  #onLost(): void {
    this.#generation += 1;
    this.#lost = new Set(this.#made);
    this.#made.clear();
    this.#retried = false;
  }

  /**
   * Nothing of it is in force, so the next change begins with a new table. Kernels without nft_dup_netdev refuse the rules for
   * IGMP and MLD only: the others go on without them.
   */
  #onRefused(owner: string, why: string): void {
    this.#generation += 1;
    this.#made.clear();
    this.#retried = false;
    this.#report(owner, why);
    if (!isRedirection(owner)) return;
    if (owner !== IGMP) this.#noRedirection = true;
    for (const one of [...this.#wanted.keys()].filter(isRedirection)) {
      for (const key of this.#wanted.get(one)?.keys() ?? []) this.#unclaim(key);
      this.#wanted.delete(one);
    }
    const [other] = this.#wanted.keys();
    if (other !== undefined) this.#send(other, [], []);
  }

  #report(owner: string, why: string): void {
    const what = isRedirection(owner)
      ? "IGMP and MLD reports of VMACs leave with the virtual MAC address, which may mislead switches"
      : `packets to the addresses of ${this.#names.get(owner)} are not dropped`;
    const sentence = `nftables refuses the rules of table ${this.#style.table}: ${why}: ${what}; load nf_tables and nft_dup_netdev, and give the daemon CAP_NET_ADMIN`;
    if (sentence === this.#said) return; // tried again, in vain
    this.#said = sentence;
    this.#log(isRedirection(owner) ? "warning" : "error", "network.filter-failed", sentence, { why });
  }
}

/** How many there are in each chain, or in each set. */
function tally<
  T extends { readonly family: number; readonly table: string; readonly chain?: string; readonly set?: string },
>(all: readonly T[]): readonly (T & { wanted: number })[] {
  const found = new Map<string, T & { wanted: number }>();
  for (const one of all) {
    const key = `${one.family} ${one.chain ?? one.set ?? ""}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { ...one, wanted: 1 });
    else known.wanted += 1;
  }
  return [...found.values()];
}

const none: ReadonlySet<FilterPart | number> = new Set();
const nothing: ReadonlyMap<string, ElementPlace> = new Map();
const placeOf = ([, place]: readonly [string, ElementPlace]): ElementPlace => place;

const keyOf = ({ family, set, element }: ElementPlace): string =>
  `${family} ${set} ${Buffer.from(element.key).toString("hex")} ${Buffer.from(element.value ?? []).toString("hex")}`;

const change = (kind: "elements" | "delete-elements", { family, table, set, element }: ElementPlace): NftChange => ({
  ...{ kind, family, table, set },
  elements: [kind === "elements" ? element : { key: element.key }],
});
