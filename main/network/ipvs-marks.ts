import type { Verdict } from "../netlink/reader.js";
import type { Log } from "../observe/log.js";
import { nextTurn } from "../turn.js";
import { errnoText } from "./address-errors.js";
import type { FilterStyle } from "./filter-rules.js";
import { elementChanges, type MarkedAddress, markFamilies, markTable } from "./ipvs-mark-rules.js";
import type { NftChange } from "./nft-codec.js";
import type { NftTransactions } from "./packet-filter.js";

/** Of one transaction, which is made in one turn of the loop: some 64 octets each have to fit into the send buffer. */
const ELEMENTS_AT_ONCE = 500;

const ENOENT = 2;
/** A restart of nftables flushes the ruleset twice: once to end, and once to begin. */
const MOST_TRIES = 3;

/** What our table is to hold. */
export interface MadeMarks {
  readonly style: FilterStyle;
  readonly addresses: ReadonlyMap<string, MarkedAddress>;
}

/** Our nftables table of nftables_ipvs: packets to the addresses of a group get its mark, and one IPVS service takes them all. */
export class IpvsMarks implements Disposable {
  readonly #connect: () => NftTransactions;
  readonly #log: Log;
  #style: FilterStyle | undefined;
  #made: ReadonlyMap<string, MarkedAddress> = nothing;
  /** What was asked for last, even when the kernel has refused it. */
  #wanted: MadeMarks | undefined;
  /** Why it did, as the log says. */
  #said: string | undefined;
  #connection: NftTransactions | undefined;
  #commits = 0;

  constructor(connect: () => NftTransactions, log: Log) {
    this.#connect = connect;
    this.#log = log;
  }

  /**
   * Makes the table hold just these; only what is different is written. Of two with the same address and port the first counts.
   * @param style undefined: no table
   */
  async set(style: FilterStyle | undefined, addresses: Iterable<MarkedAddress>): Promise<void> {
    const wanted = new Map<string, MarkedAddress>();
    const breath = breathing();
    for (const one of addresses) {
      const key = `${one.protocol} ${one.address} ${one.port}`;
      if (!wanted.has(key)) wanted.set(key, one);
      await breath();
    }
    if (style === undefined || wanted.size === 0) return this.remove();
    if (!isSameStyle(style, this.#style)) await this.remove();
    this.#wanted = { style, addresses: wanted };
    await this.#hold(this.#wanted);
  }

  /** The kernel has refused what is wanted: nothing of it, or not all, is there. */
  get isRefused(): boolean {
    return this.#wanted !== undefined && this.#style === undefined;
  }

  /** Undefined: there is no table of ours. */
  get made(): MadeMarks | undefined {
    return this.#style && { style: this.#style, addresses: this.#made };
  }

  /** Transactions that the kernel has carried out. */
  get commits(): number {
    return this.#commits;
  }

  /** Somebody has deleted some of it. The table anew begins empty; elements are added to what is there. */
  async again(what: "table" | "elements"): Promise<void> {
    if (this.#wanted === undefined) return;
    if (what === "table") this.#style = undefined;
    this.#made = nothing;
    await this.#hold(this.#wanted);
  }

  /** Somebody may take our table away at any time, with `nft flush ruleset` for instance. */
  async #hold({ style, addresses }: MadeMarks): Promise<void> {
    let refusal = await this.#bring(style, addresses);
    for (let tries = 1; refusal?.errno === ENOENT && tries < MOST_TRIES; tries++)
      refusal = await this.#bring(style, addresses);
    if (refusal !== undefined) return this.#refused(refusal);
    if (this.#said !== undefined)
      this.#log("notice", "ipvs.marks-taken", "nftables takes the table of nftables_ipvs now", {});
    this.#said = undefined;
  }

  /** @returns what was refused: then all is made anew the next time */
  async #bring(style: FilterStyle, wanted: ReadonlyMap<string, MarkedAddress>): Promise<Verdict | undefined> {
    const [isAnew, before] = [this.#style === undefined, this.#made];
    this.#style = style;
    this.#made = wanted;
    const refusal =
      (isAnew ? await this.#commit(markFamilies.flatMap((family) => markTable(family, style))) : undefined) ??
      (await this.#write("delete-elements", style.table, before, wanted)) ??
      (await this.#write("elements", style.table, wanted, before));
    if (refusal === undefined) return undefined;
    this.#style = undefined;
    this.#made = nothing;
    return refusal;
  }

  /** What of `these` is not the same in `others`. */
  async #write(
    kind: "elements" | "delete-elements",
    table: string,
    these: ReadonlyMap<string, MarkedAddress>,
    others: ReadonlyMap<string, MarkedAddress>,
  ): Promise<Verdict | undefined> {
    const breath = breathing();
    let waiting: MarkedAddress[] = [];
    for (const [key, one] of these) {
      if (others.get(key)?.mark !== one.mark) waiting.push(one);
      if (waiting.length === ELEMENTS_AT_ONCE) {
        const refusal = await this.#commit(elementChanges(kind, table, waiting));
        if (refusal !== undefined) return refusal;
        waiting = [];
      }
      await breath();
    }
    return waiting.length === 0 ? undefined : this.#commit(elementChanges(kind, table, waiting));
  }

  /** At the end, and where nobody wants marks any more: like `nft delete table ip TABLE`. */
  async remove(): Promise<void> {
    const style = this.#style ?? this.#wanted?.style;
    const { isRefused } = this;
    this.#style = undefined;
    this.#wanted = undefined;
    this.#made = nothing;
    if (style === undefined) return;
    const { table } = style;
    const refusal = await this.#commit(
      markFamilies.flatMap((family): NftChange[] => [
        { kind: "table", family, table },
        { kind: "delete-table", family, table },
      ]),
    );
    if (refusal !== undefined && !isRefused) this.#refused(refusal); // of what was refused there may be nothing
  }

  [Symbol.dispose](): void {
    this.#connection?.[Symbol.dispose]();
    this.#connection = undefined;
  }

  /** @returns what the kernel says against it */
  async #commit(changes: readonly NftChange[]): Promise<Verdict | undefined> {
    try {
      this.#connection ??= this.#connect();
    } catch (error) {
      return { errno: 0, reason: error instanceof Error ? error.message : String(error) };
    }
    const connection = this.#connection;
    const verdict = await new Promise<Verdict>((resolve) => connection.commit(changes, resolve));
    if (verdict.errno !== 0) return verdict;
    this.#commits += 1;
    return undefined;
  }

  #refused({ errno, reason }: Verdict): void {
    const why = [errno === 0 ? "" : errnoText(errno), reason].filter((part) => part !== "").join(", ");
    if (why === this.#said) return;
    this.#said = why;
    const sentence = `nftables refuses the table of nftables_ipvs: ${why}: nothing is balanced for its groups, and it is tried again every 30 s; load nf_tables, give the daemon CAP_NET_ADMIN, or remove nftables_ipvs`;
    this.#log("error", "ipvs.marks-refused", sentence, { why });
  }
}

const nothing: ReadonlyMap<string, MarkedAddress> = new Map();

/** Now and then, the next turn of the loop. */
export function breathing(): () => Promise<void> | undefined {
  let done = 0;
  return () => (++done % ELEMENTS_AT_ONCE === 0 ? nextTurn() : undefined);
}

const isSameStyle = (a: FilterStyle, b: FilterStyle | undefined): boolean =>
  a.table === b?.table && a.priority === b.priority && a.counters === b.counters;
