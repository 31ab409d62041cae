import type { Clock } from "../clock.js";
import { type Milliseconds, ms } from "../units.js";
import type { Count, ElementsOf, NftQuestions, RulesOf } from "./nft-questions.js";

/** NftQuestions. */
export interface Questions extends Pick<NftQuestions, "generation" | "countRules" | "countElements">, Disposable {}

interface Wanted {
  readonly wanted: number;
}

/** What has to be in tables of ours, at least: what others have added is theirs. */
export interface Content {
  readonly rules: () => readonly (RulesOf & Wanted)[];
  readonly elements: () => Promise<readonly (ElementsOf & Wanted)[]>;
}

export type Lost = "nothing" | "rules" | "elements" | "unknown";

/** What the kernel refuses it may take later: there is memory again, or somebody loads a module. */
export const TRY_AGAIN_AFTER = ms(30_000);

/** To count the elements may take 5 % of the time. */
const REST = 20;

/**
 * Whether somebody has deleted something of ours. Asks for nftables' generation, which costs the same however much there is and
 * whatever others do; when it is not what our own changes have made of it, rules and elements are counted. Notifications would
 * cost by what others change, and by every element of our own.
 */
export class NftGuard implements Disposable {
  readonly #clock: Clock;
  readonly #open: () => Questions;
  #questions: Questions | undefined;
  /** When all was there. */
  #seen: { readonly generation: number; readonly commits: number } | undefined;
  #countNotBefore: Milliseconds = ms(0);

  /** @param open called at the first look; may throw a system error or a DaemonError */
  constructor(clock: Clock, open: () => Questions) {
    this.#clock = clock;
    this.#open = open;
  }

  /** @param commits our own transactions so far; none may be under way */
  async lost(commits: number, content: Content): Promise<Lost> {
    const questions = this.#asked();
    const generation = await questions?.generation();
    if (questions === undefined || generation === undefined) return "unknown";
    if (this.#isOurs(generation, commits)) return "nothing";
    const lost = await this.#count(questions, content);
    if (lost === "nothing") this.#seen = { generation, commits };
    return lost;
  }

  [Symbol.dispose](): void {
    this.#questions?.[Symbol.dispose]();
  }

  /** All that has changed since all was there is what we have written; generations are 32 bits. */
  #isOurs(generation: number, commits: number): boolean {
    return this.#seen !== undefined && (generation - this.#seen.generation - commits + this.#seen.commits) >>> 0 === 0;
  }

  async #count(questions: Questions, { rules, elements }: Content): Promise<Lost> {
    for (const of of rules()) {
      const all = enough(await questions.countRules(of), of);
      if (all !== "yes") return all === "no" ? "rules" : "unknown";
    }
    const began = this.#clock.now();
    if (began < this.#countNotBefore) return "unknown";
    let all: ReturnType<typeof enough> = "yes";
    for (const of of await elements()) {
      all = enough(await questions.countElements(of), of);
      if (all !== "yes") break;
    }
    const now = this.#clock.now();
    this.#countNotBefore = ms(now + REST * (now - began));
    return all === "yes" ? "nothing" : all === "no" ? "elements" : "unknown";
  }

  /** Undefined: the namespace is gone, or there is no socket to be had now. Whoever writes there says so. */
  #asked(): Questions | undefined {
    try {
      this.#questions ??= this.#open();
    } catch {
      return undefined;
    }
    return this.#questions;
  }
}

/** A count that was interrupted proves what it has found, and nothing about the rest. */
function enough(count: Count | undefined, { wanted }: Wanted): "yes" | "no" | "unknown" {
  if (count === undefined) return "unknown";
  if (count.found >= wanted) return "yes";
  return count.interrupted ? "unknown" : "no";
}
