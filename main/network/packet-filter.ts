import type { GlobalConfig } from "../config/model.js";
import type { Verdict } from "../netlink/reader.js";
import type { Log } from "../observe/log.js";
import type { AddressFilter, Link } from "../vrrp/ports.js";
import { errnoText } from "./address-errors.js";
import {
  blockingRules4,
  blockingRules6,
  type ElementPlace,
  elementOf,
  type FilterStyle,
  freshTable,
  igmpRules,
  vmacElement,
} from "./filter-rules.js";
import { NFPROTO_IPV4, type NftChange } from "./nft-codec.js";

/** What is used of NftConnection. */
export interface NftTransactions extends Disposable {
  commit(changes: readonly NftChange[], done: (verdict: Verdict) => void): void;
}

const DEFAULT_TABLE = "keepalived";
const DEFAULT_PRIORITY = -1;
/** Of one transaction, some 80 octets each: it has to fit into the send buffer, 208 KiB where it cannot be forced (netlink(7)). */
const MOST_CHANGES = 1000;
/** The owner of what is done for VMACs; instances are owners with a word before their name. */
const IGMP = "igmp";

/**
 * Our nftables tables: packets to and from the addresses of masters that do not accept them are dropped, and IGMP reports of
 * VMACs leave by the interface below. Nothing is made before the first instance asks for it.
 */
export class PacketFilter implements AddressFilter, Disposable {
  readonly #connect: () => NftTransactions;
  readonly #link: (name: string) => Link | undefined;
  readonly #log: Log;
  /** By owner, then by where it is. */
  readonly #wanted = new Map<string, ReadonlyMap<string, ElementPlace>>();
  /** What anybody wants, by where it is: a change of one owner must not look at the thousands of others. */
  readonly #claims = new Map<string, { readonly place: ElementPlace; owners: number }>();
  /** What the kernel has; empty: the next change begins with new tables, and brings all that is wanted. */
  readonly #made = new Set<"blocking4" | "blocking6" | "igmp" | number>();
  /** Families in which a table of ours may be, made by a change that was refused later on or not. */
  readonly #touched = new Set<number>();
  #style: FilterStyle = { table: DEFAULT_TABLE, priority: DEFAULT_PRIORITY, counters: false };
  /** Grows when all is made anew: what was sent before, and built on what was refused, is refused as well. */
  #generation = 0;
  #connection: NftTransactions | undefined;

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

  block(owner: string, addresses: readonly { readonly address: string; readonly on: string }[]): void {
    const { table } = this.#style;
    const places = addresses.map(({ address, on }) =>
      elementOf(table, { address, interfaceIndex: this.#link(on)?.index ?? 0 }),
    );
    this.#want(`block ${owner}`, places);
  }

  /** @param links names of VMACs that join a multicast group, and of the interfaces below them */
  redirectIgmp(links: readonly { readonly vmac: string; readonly base: string }[]): void {
    const places = links.flatMap(({ vmac, base }) => {
      const [above, below] = [this.#link(vmac)?.index, this.#link(base)?.index];
      return above === undefined || below === undefined ? [] : [vmacElement(this.#style.table, above, below)];
    });
    this.#want(IGMP, places);
  }

  /** At the end: like `nft delete table ip TABLE`. Made first, so that one that is not there is no reason to keep the other. */
  remove(): Promise<void> {
    const { table } = this.#style;
    const changes = [...this.#touched].flatMap((family): NftChange[] => [
      { kind: "table", family, table },
      { kind: "delete-table", family, table },
    ]);
    this.#made.clear();
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
    return added.flatMap(({ family, element }) => {
      const table = this.#once(family) ? freshTable(family, style.table) : [];
      this.#touched.add(family);
      if (element.value !== undefined) return [...table, ...(this.#once("igmp") ? igmpRules(style) : [])];
      const is4 = family === NFPROTO_IPV4;
      if (!this.#once(is4 ? "blocking4" : "blocking6")) return table;
      return [...table, ...(is4 ? blockingRules4(style) : blockingRules6(style))];
    });
  }

  #once(part: "blocking4" | "blocking6" | "igmp" | number): boolean {
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
      this.#report(owner, error instanceof Error ? error.message : String(error));
      return;
    }
    const generation = this.#generation;
    this.#connection.commit(changes, ({ errno, reason }) => {
      if (errno !== 0 && generation === this.#generation)
        this.#onRefused(owner, reason === "" ? errnoText(errno) : `${errnoText(errno)}, ${reason}`);
    });
  }

  /**
   * Nothing of it is in force, so the next change begins with a new table. Kernels without nft_dup_netdev refuse the rules for
   * IGMP only: the others go on without them.
   */
  #onRefused(owner: string, why: string): void {
    this.#report(owner, why);
    this.#generation += 1;
    this.#made.clear();
    if (owner !== IGMP) return;
    for (const key of this.#wanted.get(IGMP)?.keys() ?? []) this.#unclaim(key);
    this.#wanted.delete(IGMP);
    const [other] = this.#wanted.keys();
    if (other !== undefined) this.#send(other, [], []);
  }

  #report(owner: string, why: string): void {
    const what =
      owner === IGMP
        ? "IGMP reports of VMACs leave with the virtual MAC address, which may mislead switches"
        : `packets to the addresses of ${owner.replace("block ", "")} are not dropped`;
    const sentence = `nftables refuses the rules of table ${this.#style.table}: ${why}: ${what}; load nf_tables and nft_dup_netdev, and give the daemon CAP_NET_ADMIN`;
    this.#log(owner === IGMP ? "warning" : "error", "network.filter-failed", sentence, { why });
  }
}

const nothing: ReadonlyMap<string, ElementPlace> = new Map();
const placeOf = ([, place]: readonly [string, ElementPlace]): ElementPlace => place;

const keyOf = ({ family, set, element }: ElementPlace): string =>
  `${family} ${set} ${Buffer.from(element.key).toString("hex")} ${Buffer.from(element.value ?? []).toString("hex")}`;

const change = (kind: "elements" | "delete-elements", { family, table, set, element }: ElementPlace): NftChange => ({
  ...{ kind, family, table, set },
  elements: [kind === "elements" ? element : { key: element.key }],
});
