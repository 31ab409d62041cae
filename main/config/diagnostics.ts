import type { diagnosticCodes } from "./diagnostic-codes.js";
import { LONGEST_LINE } from "./lexer.js";
import type { SourcePosition } from "./model.js";
import { Secrets } from "./secrets.js";
import { SourceTexts } from "./source-texts.js";

export type DiagnosticCode = keyof typeof diagnosticCodes;

/** A finding about the user's file. Never thrown: the loader collects all of them, then the caller decides. */
export interface Diagnostic {
  /** An error means that something the user asked for is not done: a reload is refused, a start goes on without it. */
  readonly severity: "error" | "warning";
  readonly code: DiagnosticCode;
  /** One sentence, keepalived's own where tools may look for it. */
  readonly message: string;
  /** Undefined: about the configuration as a whole. */
  readonly at: SourcePosition | undefined;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** The line of the file at `at`; undefined when it might show a password, or is too long for one. */
  readonly excerpt: string | undefined;
  /** How the text came to be read, innermost first: definitions and repetitions, then includes. */
  readonly via: readonly Via[];
}

export interface Via {
  readonly kind: "definition" | "repetition" | "include";
  /** Of the definition; `I=2` for a turn of a repetition; empty for an include. */
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** In how many more places the file is included. */
  readonly others: number;
}

/** So that a file of garbage cannot fill the log; the rest is counted. */
const MOST = 1000;

type Found = Omit<Diagnostic, "excerpt" | "via">;

interface Accepted {
  readonly scope: string;
  readonly word: string;
  readonly at: SourcePosition;
  readonly hint: string | undefined;
  more: number;
}

/** Collects findings as they are made, and tells them in the order of the files. */
export class Diagnostics {
  readonly #found: Found[] = [];
  readonly #sources = new SourceTexts();
  readonly #accepted = new Map<string, Accepted>();
  #suppressed = 0;

  /** Every file when it is read. `text`: all of it. `includedFrom`: undefined for the main file. */
  addSource(file: string, text: string, includedFrom?: SourcePosition): void {
    this.#sources.add(file, text, includedFrom);
  }

  /**
   * A word whose feature this version lacks: told once for each word of a scope, at its first place, however often it
   * stands in the files.
   */
  accepted(scope: string, word: string, at: SourcePosition, hint?: string): void {
    const key = `${scope}\0${word}`;
    const before = this.#accepted.get(key);
    if (before === undefined) this.#accepted.set(key, { scope, word, at, hint, more: 0 });
    else before.more++;
  }

  /** keepalived reports some deprecated words and takes others in silence; so does `-t`. */
  deprecated(word: string, at: SourcePosition, { instead, silent }: { instead: string; silent?: true }): void {
    const message = `${word} is deprecated - please use '${instead}'`;
    this.warn(silent === true ? "CFG_RENAMED" : "CFG_DEPRECATED", at, message, `write: ${instead}`);
  }

  /** Nothing more is kept: callers may spare themselves the work of a good hint. */
  get full(): boolean {
    return this.#found.length >= MOST;
  }

  error(code: DiagnosticCode, at: SourcePosition | undefined, message: string, hint?: string): void {
    this.#add({ severity: "error", code, at, message, hint });
  }

  warn(code: DiagnosticCode, at: SourcePosition | undefined, message: string, hint?: string): void {
    this.#add({ severity: "warning", code, at, message, hint });
  }

  /** All findings: file by file as they were read, from above to below; then those about the whole, and how many more. */
  finish(): readonly Diagnostic[] {
    for (const { scope, word, at, hint, more } of this.#accepted.values()) {
      const others = more === 0 ? "" : ` (and in ${more} more ${more === 1 ? "place" : "places"})`;
      const where = scope === "the file" ? "at the top level" : `in ${scope}`;
      this.warn("CFG_LATER", at, `'${word}' ${where} is accepted, without effect in this version${others}`, hint);
    }
    this.#accepted.clear();
    const secrets = new Secrets(() => this.#sources.texts());
    const told = this.#found
      .toSorted((a, b) => this.#compare(a.at, b.at))
      .map((found) => this.#withSource(found, secrets));
    if (this.#suppressed === 0) return told;
    const message = `${this.#suppressed} more findings are not shown`;
    const hint = "correct the first ones: one mistake often makes many";
    const rest = { at: undefined, excerpt: undefined, via: [] };
    return [...told, { severity: "error", code: "CFG_TOO_MANY", message, hint, ...rest }];
  }

  #add(found: Found): void {
    if (this.full) this.#suppressed++;
    else this.#found.push(found);
  }

  #compare(a: SourcePosition | undefined, b: SourcePosition | undefined): number {
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    return this.#sources.rank(a.file) - this.#sources.rank(b.file) || a.line - b.line || a.column - b.column;
  }

  #withSource(found: Found, secrets: Secrets): Diagnostic {
    const { at, message, hint } = found;
    if (at === undefined) return { ...found, excerpt: undefined, via: [] };
    const line = this.#sources.line(at.file, at.line);
    const made = (at.from ?? []).map(({ name }) => name);
    const safe = (sentence: string): string => (line === undefined ? sentence : secrets.conceal(sentence, line, made));
    return {
      ...found,
      message: safe(message),
      hint: hint === undefined ? undefined : safe(hint),
      excerpt: line === undefined || line.length > LONGEST_LINE || !secrets.mayQuote(line) ? undefined : line,
      via: this.#via(at, secrets),
    };
  }

  #via(place: SourcePosition, secrets: Secrets): readonly Via[] {
    const chain: Via[] = [];
    const madeFrom = ({ from = [] }: SourcePosition): void => {
      for (const { kind, name, at } of from.toReversed()) {
        chain.push({ kind, name: kind === "repetition" ? secrets.concealTurn(name) : name, ...at, others: 0 });
      }
    };
    madeFrom(place);
    for (let by = this.#sources.includer(place.file); by !== undefined; by = this.#sources.includer(by.at.file)) {
      chain.push({ kind: "include", name: "", file: by.at.file, line: by.at.line, others: by.others });
      madeFrom(by.at);
    }
    return chain;
  }
}
