import type { GlobalConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { HostFilter } from "./host-filter.js";
import type { RunTool } from "./iptables.js";

export interface Filters {
  readonly nftables: HostFilter;
  readonly iptables: HostFilter;
}

export interface FilterChoiceDeps extends Filters {
  readonly run: RunTool;
  /** Whether the kernel takes tables of nftables. */
  readonly hasNftables: () => Promise<boolean>;
  readonly log: Log;
}

/**
 * nftables, unless vrrp_iptables asks for iptables and its rules are not nftables themselves, or the kernel has only iptables.
 * Chosen once, before the first rule.
 */
export class FilterChoice implements HostFilter {
  readonly #deps: FilterChoiceDeps;
  #chosen: HostFilter;
  #isChosen: boolean = false;

  constructor(deps: FilterChoiceDeps) {
    this.#deps = deps;
    this.#chosen = deps.nftables;
  }

  /** @param needed something is to be blocked: without that nothing is asked */
  async choose({ vrrpIptables }: Pick<GlobalConfig, "vrrpIptables">, needed: boolean): Promise<void> {
    if (this.#isChosen || !needed) return;
    this.#isChosen = true;
    const { log, nftables, iptables, run, hasNftables } = this.#deps;
    if (vrrpIptables === undefined && (await hasNftables())) return;
    const { code, output } = await run(["iptables", "-V"], "");
    const legacy = code === 0 && !output.includes("nf_tables");
    this.#chosen = legacy ? iptables : nftables;
    if (legacy) log("info", "network.filter", `Packets are filtered with ${output.trim()}`);
    else if (vrrpIptables !== undefined) {
      const why = code === 0 ? "its rules are those of nftables" : "there is no program iptables";
      log("notice", "network.filter", `vrrp_iptables: ${why} - using a table of nftables instead`);
    }
  }

  configure(config: Parameters<HostFilter["configure"]>[0]): void {
    this.#chosen.configure(config);
  }

  block(...args: Parameters<HostFilter["block"]>): void {
    this.#chosen.block(...args);
  }

  redirectIgmp(links: Parameters<HostFilter["redirectIgmp"]>[0]): void {
    this.#chosen.redirectIgmp(links);
  }

  redirectMld(vmac: Parameters<HostFilter["redirectMld"]>[0]): void {
    this.#chosen.redirectMld(vmac);
  }

  forgetMld(vmac: string): void {
    this.#chosen.forgetMld(vmac);
  }

  remove(): Promise<void> {
    return this.#chosen.remove();
  }

  [Symbol.dispose](): void {
    this.#deps.nftables[Symbol.dispose]();
    this.#deps.iptables[Symbol.dispose]();
  }
}
