import type { Clock } from "../clock.js";
import { ms } from "../units.js";
import type { FilterStyle } from "./filter-rules.js";
import { MARK_CHAIN, MARK_RULES, type MarkedAddress, mapFor, markFamilies } from "./ipvs-mark-rules.js";
import { breathing, type IpvsMarks, type MadeMarks } from "./ipvs-marks.js";
import { NftGuard, type Questions, TRY_AGAIN_AFTER } from "./nft-guard.js";

/** Who keeps addresses in the packet filter. */
export interface Marks extends Disposable {
  /** @param style undefined: no table */
  set(style: FilterStyle | undefined, addresses: Iterable<MarkedAddress>): Promise<void>;
  remove(): Promise<void>;
}

export interface MarkWatchDeps {
  readonly clock: Clock;
  readonly marks: IpvsMarks;
  readonly questions: () => Questions;
  /** lvs_reconcile is not off. */
  readonly watches: () => boolean;
  /** Whether `what`, which somebody has deleted, may be put back; it is said in the log. */
  readonly allow: (what: string) => boolean;
}

const LOOK_EVERY = ms(250);

/** Keeps our table of nftables_ipvs whole: without it nothing is balanced, and people flush rulesets. */
export class MarkWatch implements Marks {
  readonly #deps: MarkWatchDeps;
  readonly #guard: NftGuard;
  #timer: Disposable | undefined;
  #ended: boolean = false;
  #counted: { readonly addresses: MadeMarks["addresses"]; readonly sizes: readonly MapSize[] } | undefined;
  /** One at a time: what is being written must not be missed, and what is ours must be told from what is not. */
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: MarkWatchDeps) {
    this.#deps = deps;
    this.#guard = new NftGuard(deps.clock, deps.questions);
  }

  async set(style: FilterStyle | undefined, addresses: Iterable<MarkedAddress>): Promise<void> {
    await this.#alone(() => this.#deps.marks.set(style, addresses));
    this.#rearm();
  }

  remove(): Promise<void> {
    return this.#alone(() => this.#deps.marks.remove());
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
    this.#guard[Symbol.dispose]();
    this.#deps.marks[Symbol.dispose]();
  }

  /** Never two timers: one may have gone off while what is wanted was being written. */
  #rearm(): void {
    const { clock, marks } = this.#deps;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#ended || (marks.made === undefined && !marks.isRefused)) return;
    this.#timer = clock.after(marks.isRefused ? TRY_AGAIN_AFTER : LOOK_EVERY, () => {
      void this.#alone(() => this.#look()).then(() => this.#rearm());
    });
  }

  async #look(): Promise<void> {
    const { marks, watches, allow } = this.#deps;
    const { made, commits } = marks;
    if (this.#ended || !watches()) return;
    if (marks.isRefused) return marks.again("table");
    if (made === undefined) return;
    const { table } = made.style;
    const lost = await this.#guard.lost(commits, {
      rules: () => markFamilies.map((family) => ({ family, table, chain: MARK_CHAIN, wanted: MARK_RULES })),
      elements: async () => (await this.#sizes(made.addresses)).map((size) => ({ ...size, table })),
    });
    if (this.#ended || lost === "nothing" || lost === "unknown") return;
    if (allow(`what is in table ${table} of nftables_ipvs`)) await marks.again(lost === "rules" ? "table" : "elements");
  }

  async #sizes(addresses: MadeMarks["addresses"]): Promise<readonly MapSize[]> {
    if (this.#counted?.addresses !== addresses) this.#counted = { addresses, sizes: await sizesOf(addresses.values()) };
    return this.#counted.sizes;
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

interface MapSize {
  readonly family: number;
  readonly set: string;
  wanted: number;
}

/** Number of addresses by map. */
async function sizesOf(addresses: Iterable<MarkedAddress>): Promise<readonly MapSize[]> {
  const found: MapSize[] = [];
  const breath = breathing();
  for (const one of addresses) {
    const { family, set } = mapFor(one);
    const known = found.find((size) => size.family === family && size.set === set);
    if (known === undefined) found.push({ family, set, wanted: 1 });
    else known.wanted += 1;
    await breath();
  }
  return found;
}
