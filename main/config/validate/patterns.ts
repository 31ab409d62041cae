import type { Diagnostics } from "../diagnostics.js";
import { placeInPattern, type RegexPlace } from "../keywords/regex.js";
import type { BodyPattern } from "../model-checks.js";
import type { ConfigHost, PatternVerdict } from "../ports.js";

interface Known {
  readonly pattern: BodyPattern;
  readonly verdict: PatternVerdict;
  readonly first: RegexPlace;
  more: number;
}

/** Asks PCRE2 about every pattern, once however often it stands in the files; so large farms have one finding for it. */
export class PatternChecker {
  readonly #host: ConfigHost;
  readonly #diagnostics: Diagnostics;
  readonly #known = new Map<string, Known>();

  constructor(host: ConfigHost, diagnostics: Diagnostics) {
    this.#host = host;
    this.#diagnostics = diagnostics;
  }

  /** False: it is none. */
  isUsable(pattern: BodyPattern, place: RegexPlace): boolean {
    const key = `${pattern.options.join(" ")}\n${pattern.pattern}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      const verdict = this.#host.checkPattern?.(pattern) ?? { is: "good" };
      known = { pattern, verdict, first: place, more: 0 };
      this.#known.set(key, known);
    } else known.more++;
    return known.verdict.is !== "bad";
  }

  /** After the last one. */
  finish(): void {
    const all = [...this.#known.values()];
    for (const { pattern, verdict, first, more } of all) {
      if (verdict.is !== "bad") continue;
      const { message, offset } = verdict;
      const text = `regex '${pattern.pattern}': ${message} at offset ${offset} - the page is not searched${others(more)}`;
      const at = placeInPattern(first, charactersIn(pattern.pattern, offset));
      const hint = "correct the pattern, see pcre2pattern(3); a backslash in it is written twice here";
      this.#diagnostics.warn("CFG_REGEX", at, text, hint);
    }
    const unchecked = all.find(({ verdict }) => verdict.is === "unchecked");
    if (unchecked?.verdict.is !== "unchecked") return;
    const message = `patterns of regex are not checked: the native add-on cannot be loaded (${unchecked.verdict.why})`;
    const hint = "build or install it again; a pattern that is wrong fails its check";
    this.#diagnostics.warn("CFG_ADVICE", unchecked.first.pattern, message, hint);
  }
}

const others = (count: number): string =>
  count === 0 ? "" : ` (and in ${count} more ${count === 1 ? "place" : "places"})`;

/** PCRE2 counts octets. */
const charactersIn = (pattern: string, octets: number): number =>
  Buffer.from(pattern).subarray(0, octets).toString().length;
