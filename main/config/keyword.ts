import type { Diagnostics } from "./diagnostics.js";
import type { Word, WordsStatement } from "./lexer.js";
import type { SourcePosition } from "./model.js";

export type Parsed<T> =
  /** `note`: what was wrong with the text although it could be used. */
  { readonly ok: true; readonly value: T; readonly note?: string } | { readonly ok: false; readonly why: string };

export interface Arg<T> {
  /** As the manual prints it: `<1-255>`, `<seconds>`. */
  readonly shape: string;
  parse(text: string): Parsed<T>;
  /** The value when the word is left out; without it the word is mandatory. */
  readonly absent?: { readonly value: T };
}

export type ValuesOf<Args extends readonly Arg<unknown>[]> = {
  readonly [I in keyof Args]: Args[I] extends Arg<infer T> ? T : never;
};

/** Where a keyword stands and how it reports. */
export interface Context {
  readonly keyword: string;
  readonly at: SourcePosition;
  readonly diagnostics: Diagnostics;
}

interface Described {
  readonly source: string;
  readonly doc: string;
}

/** What happens when a keyword is given again in the same block; `*-reported` ones are an error as well. */
export type Repeat = "last-wins" | "last-wins-reported" | "first-wins-reported" | "append";

/** `onInvalid` records what keepalived does with a bad value; we do the same, and say so. */
export interface ValueKeyword<Draft, Args extends readonly Arg<unknown>[] = readonly Arg<unknown>[]> extends Described {
  readonly kind: "value";
  readonly args: Args;
  // A method: tables hold keywords of many argument lists side by side, so parameters must compare both ways.
  apply(draft: Draft, values: ValuesOf<Args>, context: Context): void;
  /** `ignore`: the earlier value or the default stays. `use`: these values replace it. */
  readonly onInvalid: "ignore" | { readonly use: ValuesOf<Args>; readonly says: string };
  readonly repeat: Repeat;
  /** keepalived's sentence when the value is left out; without it keepalived gives up at this point (exit 2). */
  readonly missing?: string;
}

/** A keyword whose words follow rules of their own. */
export interface WordsKeyword<Draft> extends Described {
  readonly kind: "words";
  readonly shape: string;
  apply(draft: Draft, words: readonly Word[], context: Context): void;
  readonly repeat: Repeat;
}

/** A command line with optional user and group. */
export interface ScriptLine {
  readonly command: string;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly keyword: string;
  readonly at: SourcePosition;
}

export interface ScriptKeyword<Draft> extends Described {
  readonly kind: "script";
  apply(draft: Draft, script: ScriptLine, context: Context): void;
}

/** A block whose lines (or words) are entries, not keywords. */
export interface ListKeyword<Draft> extends Described {
  readonly kind: "list";
  readonly entries: "lines" | "words";
  entry(draft: Draft, words: WordsStatement["words"], context: Context): void;
}

/** Reads the inside of the block that was just entered; without a call the block is skipped. */
export type ReadBody = <Child extends object>(scope: Scope<Child>, child: Child) => void;

export interface BlockKeyword<Draft> extends Described {
  readonly kind: "block";
  readonly shape: string;
  enter(draft: Draft, header: readonly Word[], context: Context, read: ReadBody): void;
}

export type Keyword<Draft> =
  | ValueKeyword<Draft>
  | WordsKeyword<Draft>
  | ScriptKeyword<Draft>
  | ListKeyword<Draft>
  | BlockKeyword<Draft>;

/** What may stand inside one kind of block. */
export interface Scope<Draft> {
  readonly name: string;
  readonly keywords: Readonly<Record<string, Keyword<Draft>>>;
  /** keepalived's keywords of this block that this version accepts without effect. */
  readonly later: readonly string[];
}

/** Infers `apply`'s values from `args`. Curried because TypeScript infers all type parameters or none. */
export const keywordsFor = <Draft>() => ({
  value: <const Args extends readonly Arg<unknown>[]>(
    k: Omit<ValueKeyword<Draft, Args>, "kind">,
  ): ValueKeyword<Draft, Args> => ({ kind: "value", ...k }),
  words: (k: Omit<WordsKeyword<Draft>, "kind">): WordsKeyword<Draft> => ({ kind: "words", ...k }),
  script: (k: Omit<ScriptKeyword<Draft>, "kind">): ScriptKeyword<Draft> => ({ kind: "script", ...k }),
  list: (k: Omit<ListKeyword<Draft>, "kind">): ListKeyword<Draft> => ({ kind: "list", ...k }),
  block: (k: Omit<BlockKeyword<Draft>, "kind">): BlockKeyword<Draft> => ({ kind: "block", ...k }),
});
