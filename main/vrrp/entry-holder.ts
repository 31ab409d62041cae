import type { Clock } from "../clock.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import { entriesOf, entryDevices, entryText, type HostEntry, isTracked } from "../host-entry.js";
import { type Milliseconds, ms } from "../units.js";
import type { EntryClaims } from "./entry-claims.js";
import type { HostEntries } from "./ports.js";
import type { Repairs } from "./repairs.js";
import type { Verdicts } from "./verdicts.js";

/** Word of a route that went with an address may come this long after it. */
const AFTERMATH: Milliseconds = ms(1000);

export interface EntryHolderDeps {
  readonly clock: Clock;
  /** Undefined: a host without routes (simulations). */
  readonly entries: HostEntries | undefined;
  readonly claims: EntryClaims;
  readonly verdicts: Verdicts;
  readonly repairs: Repairs;
  /** See AddressHolderDeps. */
  readonly keeps?: () => boolean;
}

type Routed = Pick<VrrpInstanceConfig, "routes" | "rules">;

/** Puts the virtual routes and rules of one instance on the host and takes them away. */
export class EntryHolder {
  readonly #deps: EntryHolderDeps;
  #wanted: readonly HostEntry[];
  /** What is on the host by its text, as it was added: a reload may have changed the line since. */
  readonly #set = new Map<string, HostEntry>();
  #disturbedAt: Milliseconds | undefined;

  constructor(config: Routed, deps: EntryHolderDeps) {
    this.#deps = deps;
    this.#wanted = entriesOf(config.routes, config.rules);
  }

  /** Like `ip route add` and `ip rule add` for each; routes first, for rules lead to them. */
  claim(): void {
    for (const entry of this.#wanted) this.#add(entry);
  }

  /** Rules first, so that nothing is led to routes that are gone. */
  release(): void {
    for (const entry of [...this.#set.values()].toReversed()) this.#delete(entry);
  }

  /** Each one, there or not: what a daemon that died may have left. */
  forceRelease(heldByOthers: (identity: string) => boolean): void {
    for (const entry of this.#wanted.toReversed()) if (!heldByOthers(this.#identity(entry))) this.#delete(entry);
  }

  /** Reload. While `holding`, the difference is applied: what changed goes before what replaces it comes. */
  reconfigure(config: Routed, holding: boolean): void {
    const before = new Set(this.#wanted.map(textOf));
    this.#wanted = entriesOf(config.routes, config.rules);
    const after = new Set(this.#wanted.map(textOf));
    for (const entry of [...this.#set.values()].toReversed()) if (!after.has(textOf(entry))) this.#delete(entry);
    for (const entry of this.#wanted) {
      if (this.isSet(entry))
        this.#note(entry); // it may be tracked now, or no longer
      else if (holding && !before.has(textOf(entry))) this.#add(entry);
    }
  }

  /** Identities of all, held or not. */
  names(): readonly string[] {
    return this.#wanted.map((entry) => this.#identity(entry));
  }

  holds(identity: string): boolean {
    return this.keys().includes(identity);
  }

  /** Identities of all that is held. */
  keys(): readonly string[] {
    return [...this.#set.values()].map((entry) => this.#identity(entry));
  }

  isSet(entry: HostEntry): boolean {
    return this.#set.size > 0 && this.#set.has(textOf(entry));
  }

  /**
   * Somebody deleted it. One that is not tracked, or went with an address of ours, is put back.
   * @param onUntracked hears of one that is not tracked, and how to name it
   * @returns how to name one whose loss is a loss of the instance
   */
  lost(
    isThat: (entry: HostEntry) => boolean,
    onUntracked?: (entry: HostEntry, what: string) => void,
  ): string | undefined {
    for (const [text, entry] of this.#set) {
      if (!isThat(entry)) continue;
      if (this.#isDisturbed() || this.#deps.keeps?.() === true) {
        this.#add(entry);
        return undefined;
      }
      if (isTracked(entry)) {
        this.#forget(text);
        return entryText(entry);
      }
      const again = (): void => {
        const held = this.#set.get(text);
        if (held !== undefined) this.#add(held);
      };
      if (this.#deps.repairs.allow(entryText(entry), again)) this.#add(entry);
      onUntracked?.(entry, entryText(entry));
      return undefined;
    }
    return undefined;
  }

  /** The kernel drops routes of a link that goes down without a word; what is still there is not touched by this. */
  restore(interfaceName: string | undefined): void {
    for (const entry of this.#set.values()) {
      const devices = entryDevices(entry);
      const concerned = interfaceName === undefined || devices.length === 0 || devices.includes(interfaceName);
      if (concerned) this.#add(entry);
    }
  }

  /** We have changed addresses of the instance: the kernel drops routes that need one that is gone, some of them without a word. */
  disturbed(): void {
    this.#disturbedAt = this.#deps.clock.now();
    for (const entry of this.#set.values()) if (entry.kind === "route") this.#add(entry);
  }

  #isDisturbed(): boolean {
    return this.#disturbedAt !== undefined && this.#deps.clock.now() - this.#disturbedAt < AFTERMATH;
  }

  #identity(entry: HostEntry): string {
    return this.#deps.entries?.identity(entry) ?? "";
  }

  #add(entry: HostEntry): void {
    const { entries, verdicts } = this.#deps;
    if (entries === undefined) return;
    this.#note(entry);
    const settle = verdicts.expect();
    // One that was refused (the host has said why) is tried again when its interface comes up.
    entries.add(entry, settle);
  }

  #delete(entry: HostEntry): void {
    const { entries, verdicts } = this.#deps;
    if (entries === undefined) return;
    const isOthers = this.#forget(textOf(entry));
    if (!isOthers) entries.delete(entry, verdicts.expect());
  }

  #note(entry: HostEntry): void {
    const text = textOf(entry);
    if (!this.#set.has(text)) this.#deps.claims.take(text);
    this.#set.set(text, entry);
  }

  /** @returns whether somebody else of us holds the same */
  #forget(text: string): boolean {
    return this.#set.delete(text) && this.#deps.claims.giveBack(text);
  }
}

const texts = new WeakMap<object, string>();

/**
 * What is asked of the kernel, whoever follows it. Two lines with equal text ask for the same. Two with equal identity need not: they may
 * stand in one row of the kernel.
 */
function textOf(entry: HostEntry): string {
  const of = entry.kind === "rule" ? entry.rule : entry.route;
  let text = texts.get(of);
  if (text === undefined) texts.set(of, (text = JSON.stringify({ ...of, tracked: undefined, trackGroup: undefined })));
  return text;
}
