import type { Config, Protocol } from "../config/model.js";
import type { GroupEntry } from "../config/model-lvs.js";
import { addressesOf, canBeMarked } from "../ipvs/group-services.js";
import type { MarkedAddress } from "../network/ipvs-mark-rules.js";
import type { Marks } from "../network/ipvs-mark-watch.js";

/** Outlives a crash. By group and protocol. */
export interface MarkMemory {
  get(name: string): number | undefined;
  set(name: string, mark: number): void;
  delete(name: string): void;
  all(): Iterable<number>;
}

interface Marked {
  readonly protocol: Protocol;
  readonly entries: readonly GroupEntry[];
  readonly mark: number;
}

/** nftables_ipvs: one firewall mark for each group and protocol. It stays the same as long as the group is in use. */
export class GroupMarks {
  readonly #memory: MarkMemory;
  readonly #table: () => Marks;
  #opened: Marks | undefined;
  #marked: ReadonlyMap<string, Marked> = new Map();
  /** Who still wants to write, as a namespace was made anew at the same time, would leave it there. */
  #ended: boolean = false;

  /** @param table opened when the first group needs it */
  constructor(memory: MarkMemory, table: () => Marks) {
    this.#memory = memory;
    this.#table = table;
  }

  readonly markOf = (group: string, protocol: Protocol): number | undefined =>
    this.#marked.get(nameOf(group, protocol))?.mark;

  /** Before the wanted table is computed. @returns whether some group has another mark than before, or none any more */
  configure({ global, virtualServers }: Pick<Config, "global" | "virtualServers">): boolean {
    const before = this.#marked;
    const marked = new Map<string, Marked>();
    const { ipvs } = global.packetFilter;
    const taken = new Set(this.#memory.all());
    for (const { service, groupEntries = [] } of virtualServers) {
      if (service.kind === "fwmark") taken.add(service.fwmark);
      for (const entry of groupEntries) if (entry.kind === "fwmark") taken.add(entry.fwmark);
    }
    for (const { service, groupEntries: entries = [] } of ipvs === undefined ? [] : virtualServers) {
      if (ipvs === undefined || service.kind !== "group" || !canBeMarked(entries)) continue;
      const { group, protocol = "UDP" } = service;
      const name = nameOf(group, protocol);
      if (marked.has(name)) continue;
      const mark = this.#memory.get(name) ?? freeMark(ipvs.startFwmark, taken);
      taken.add(mark);
      this.#memory.set(name, mark);
      marked.set(name, { protocol, entries, mark });
    }
    for (const name of before.keys()) if (!marked.has(name)) this.#memory.delete(name);
    this.#marked = marked;
    return before.size !== marked.size || [...marked].some(([name, { mark }]) => before.get(name)?.mark !== mark);
  }

  /** Brings the addresses into the packet filter. Resolves when they are there, or refused (and that is said). */
  async write({ global: { packetFilter } }: Pick<Config, "global">): Promise<void> {
    if (this.#ended || (this.#marked.size === 0 && this.#opened === undefined)) return;
    this.#opened ??= this.#table();
    const { ipvs, counters } = packetFilter;
    const style = ipvs && { table: ipvs.table, priority: ipvs.priority, counters };
    await this.#opened.set(style, addressesIn(this.#marked.values()));
  }

  /** Of another packet filter than before: that of a namespace that was made anew. */
  async writeAnew(config: Pick<Config, "global">): Promise<void> {
    this.#opened?.[Symbol.dispose]();
    this.#opened = undefined;
    await this.write(config);
  }

  /** @param release nothing of it stays */
  async stop(release: boolean): Promise<void> {
    this.#ended = true;
    if (release) await this.#opened?.remove();
    this.#opened?.[Symbol.dispose]();
  }
}

const nameOf = (group: string, protocol: Protocol): string => `${group} ${protocol}`;

function freeMark(from: number, taken: ReadonlySet<number>): number {
  let mark = from;
  while (taken.has(mark)) mark += 1;
  return mark >>> 0;
}

function* addressesIn(groups: Iterable<Marked>): Generator<MarkedAddress> {
  for (const { protocol, entries, mark } of groups)
    for (const entry of entries)
      if (entry.kind === "addresses")
        for (const address of addressesOf(entry)) yield { protocol, address, port: entry.port, mark };
}
