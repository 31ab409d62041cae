import type { Clock } from "../clock.js";
import { ms } from "../units.js";
import type { HostFilter } from "./host-filter.js";
import { NftGuard, type Questions, TRY_AGAIN_AFTER } from "./nft-guard.js";
import type { PacketFilter } from "./packet-filter.js";

export interface FilterWatchDeps {
  readonly clock: Clock;
  readonly filter: PacketFilter;
  readonly questions: () => Questions;
  /** Whether `what`, which somebody has deleted, may be put back; it is said in the log. */
  readonly allow: (what: string) => boolean;
}

const LOOK_EVERY = ms(1000);

/** Keeps the tables of a packet filter whole: addresses that take no packets would take them after `nft flush ruleset`. */
export class FilterWatch implements HostFilter {
  readonly #deps: FilterWatchDeps;
  readonly #guard: NftGuard;
  #timer: Disposable | undefined;
  /** It is for another try of what was refused. */
  #isTrial: boolean = false;
  #ended: boolean = false;

  constructor(deps: FilterWatchDeps) {
    this.#deps = deps;
    this.#guard = new NftGuard(deps.clock, deps.questions);
  }

  configure(config: Parameters<HostFilter["configure"]>[0]): void {
    this.#deps.filter.configure(config);
  }

  block(...args: Parameters<HostFilter["block"]>): void {
    this.#deps.filter.block(...args);
    this.#watch();
  }

  redirectIgmp(links: Parameters<HostFilter["redirectIgmp"]>[0]): void {
    this.#deps.filter.redirectIgmp(links);
    this.#watch();
  }

  redirectMld(vmac: Parameters<HostFilter["redirectMld"]>[0]): void {
    this.#deps.filter.redirectMld(vmac);
    this.#watch();
  }

  forgetMld(vmac: string): void {
    this.#deps.filter.forgetMld(vmac);
  }

  remove(): Promise<void> {
    this.#stop();
    return this.#deps.filter.remove();
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#guard[Symbol.dispose]();
    this.#deps.filter[Symbol.dispose]();
  }

  #stop(): void {
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
  }

  #watch(): void {
    const { clock, filter } = this.#deps;
    if (this.#isTrial && filter.made !== undefined) this.#rest();
    if (this.#ended || this.#timer !== undefined || (filter.made === undefined && !filter.isRefused)) return;
    this.#isTrial = filter.made === undefined;
    this.#timer = clock.after(this.#isTrial ? TRY_AGAIN_AFTER : LOOK_EVERY, () => {
      this.#isTrial = false;
      void this.#look().then(() => {
        this.#timer = undefined;
        this.#watch();
      });
    });
  }

  #rest(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#isTrial = false;
  }

  /** While something is on its way nothing is known; and what was sent meanwhile has made of it what it should be. */
  async #look(): Promise<void> {
    const { filter, allow } = this.#deps;
    const { made, commits } = filter;
    if (filter.isRefused && !this.#ended) filter.again();
    if (made === undefined || filter.isBusy) return;
    const lost = await this.#guard.lost(commits, made);
    const isCurrent = !this.#ended && !filter.isBusy && filter.commits === commits;
    if (!isCurrent || lost === "nothing" || lost === "unknown") return;
    if (allow(`what is in table ${filter.table} of nftables`)) filter.again();
  }
}
