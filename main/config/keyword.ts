import type { Diagnostics } from "./diagnostics.js";
import type { IncludeControl } from "./include-control.js";
import type { Word, WordsStatement } from "./lexer.js";
import type { SourcePosition } from "./model.js";
import type { OptionTable } from "./option-words.js";

/**
 * Keyword tables: parser, `holdfast explain`, completion, language server and docs/keywords.md all read them. What is
 * left out of a keyword means the usual: see the defaults at each member.
 */

export type Parsed<T> =
  /** `note`: what was wrong with the text although it could be used. */
  { readonly ok: true; readonly value: T; readonly note?: string } | { readonly ok: false; readonly why: string };

export interface Arg<T> {
  /** As the manual prints it: `<1..255>`, `<seconds>`, `a|b`. */
  readonly shape: string;
  parse(text: string): Parsed<T>;
  /** The value when the word is left out; without it the word is mandatory. */
  readonly absent?: { readonly value: T };
  /** The words that it takes, when they can be listed: for completion and "did you mean". */
  readonly words?: readonly string[];
}

export type ValuesOf<Args extends readonly Arg<unknown>[]> = {
  readonly [I in keyof Args]: Args[I] extends Arg<infer T> ? T : never;
};

/** Where a keyword stands and how it reports. Every line makes one, so its position is worked out when asked for. */
export class Context {
  readonly keyword: string;
  readonly #word: Word;
  readonly diagnostics: Diagnostics;
  /** For keywords that change how later lines are read (include_check). */
  readonly source: IncludeControl;

  constructor(keyword: string, word: Word, diagnostics: Diagnostics, source: IncludeControl) {
    this.keyword = keyword;
    this.#word = word;
    this.diagnostics = diagnostics;
    this.source = source;
  }

  get at(): SourcePosition {
    return this.#word.at;
  }

  /** The same place under another name. */
  named(keyword: string): Context {
    return new Context(keyword, this.#word, this.diagnostics, this.source);
  }
}

/** What is known about a word of the language, whatever it does. */
export interface Described {
  /** One sentence. */
  readonly doc: string;
  /** What holds without it, as it would be written or in words; undefined: nothing. */
  readonly default?: string;
  /** Default: the scope's. */
  readonly source?: string;
  /** `accepted`: read and checked, without effect in this version. Default: it works. */
  readonly effect?: "accepted";
  /** What does the same for those whom an accepted word would have served. */
  readonly insteadOfIt?: string;
  /** keepalived's version that brought it, when the reference knows one newer than 2.0.0. */
  readonly since?: string;
  /** Ours: keepalived does not know it. */
  readonly ours?: true;
  /** What to write instead. `silent`: keepalived says nothing either, so `-t` passes. */
  readonly deprecated?: { readonly instead: string; readonly silent?: true };
  /** Another spelling of this keyword of the same scope. */
  readonly aliasOf?: string;
}

/** What happens when a keyword is given again in the same block; `*-reported` ones are an error as well. */
export type Repeat = "last-wins" | "last-wins-reported" | "first-wins-reported" | "append";

/** `onInvalid` records what keepalived does with a bad value; we do the same, and say so. */
export interface ValueKeyword<Draft, Args extends readonly Arg<unknown>[] = readonly Arg<unknown>[]> extends Described {
  readonly kind: "value";
  readonly args: Args;
  // A method: tables hold keywords of many argument lists side by side, so parameters must compare both ways.
  apply(draft: Draft, values: ValuesOf<Args>, context: Context): void;
  /** `ignore` (default): the earlier value or the default stays. `use`: these values replace it. */
  readonly onInvalid?: "ignore" | { readonly use: ValuesOf<Args>; readonly says: string };
  /** Default: last-wins. */
  readonly repeat?: Repeat;
  /** keepalived's sentence when the value is left out; without it keepalived gives up at this point (exit 2). */
  readonly missing?: string;
}

/** A keyword whose words follow rules of their own. */
export interface WordsKeyword<Draft> extends Described {
  readonly kind: "words";
  readonly shape: string;
  /** `raw`: the whole line untokenised, for words with quotes and escapes of their own (script-line.ts). */
  apply(draft: Draft, words: readonly Word[], context: Context, raw: string): void;
  readonly repeat?: Repeat;
  /** Words that may follow, for tools and for the reader of the line (option-words.ts). */
  readonly options?: OptionTable;
}

/** A command line with optional user and group. */
export interface ScriptLine {
  readonly command: string;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly keyword: string;
  readonly at: SourcePosition;
}

/** The first one wins, a second one is an error. */
export interface ScriptKeyword<Draft> extends Described {
  readonly kind: "script";
  /** As in ValueKeyword. */
  readonly missing?: string;
  apply(draft: Draft, script: ScriptLine, context: Context): void;
}

/** A block whose lines (or words) are entries, not keywords. */
export interface ListKeyword<Draft> extends Described {
  readonly kind: "list";
  readonly entries: "lines" | "words";
  /** Of one entry. */
  readonly shape: string;
  /** Default: append, a second block goes on. */
  readonly repeat?: Repeat;
  /** Reads what stands before the `{`; without it nothing may. Undefined after reporting: the block is skipped. */
  open?(draft: Draft, header: readonly Word[], context: Context): object | undefined;
  /** `draft`: what `open` made, when there is one. */
  entry(draft: Draft, words: WordsStatement["words"], context: Context): void;
  /** keepalived's sentence about a block without entries; without it such a block is fine. */
  readonly empty?: string;
  readonly options?: OptionTable;
}

export interface BlockKeyword<Draft> extends Described {
  readonly kind: "block";
  /** What stands between the keyword and its `{`. */
  readonly shape: string;
  readonly body: Scope<object>;
  /** The draft that the inside fills; undefined after reporting: the block is skipped. */
  open(draft: Draft, header: readonly Word[], context: Context): object | undefined;
  /** After its `}`. */
  close?(draft: Draft, child: object, context: Context): void;
  readonly options?: OptionTable;
}

export type Keyword<Draft> =
  | ValueKeyword<Draft>
  | WordsKeyword<Draft>
  | ScriptKeyword<Draft>
  | ListKeyword<Draft>
  | BlockKeyword<Draft>;

/** What holds for the keyword, said or not. */
export function repeatRule<Draft>(keyword: Keyword<Draft>): Repeat {
  if (keyword.kind === "script") return "first-wins-reported";
  if (keyword.kind === "block") return "append";
  return keyword.repeat ?? (keyword.kind === "list" ? "append" : "last-wins");
}

/** What may stand inside one kind of block. */
export interface Scope<Draft> {
  readonly name: string;
  /** Where the rules are written down; default keepalived.conf(5). */
  readonly source?: string;
  readonly keywords: Readonly<Record<string, Keyword<Draft>>>;
}

/** Fields of a draft that hold `T`. */
export type FieldOf<Draft, T> = {
  [K in keyof Draft]-?: [T] extends [Exclude<Draft[K], undefined>] ? K : never;
}[keyof Draft];

/** Into the field of a draft whose type the caller has compared (FieldOf). */
export function store<Draft>(draft: Draft, name: keyof Draft, value: unknown): undefined {
  draft[name] = value as Draft[keyof Draft];
}

type Meta<K> = Omit<K, "kind">;
type FieldMeta<T> = Described & {
  readonly repeat?: Repeat;
  readonly missing?: string;
  readonly onInvalid?: "ignore" | { readonly use: T; readonly says: string };
};

/** Makes the keywords of one scope. Curried because TypeScript infers all type parameters or none. */
export const keywordsFor = <Draft extends object>() => {
  const value = <const Args extends readonly Arg<unknown>[]>(
    k: Meta<ValueKeyword<Draft, Args>>,
  ): ValueKeyword<Draft, Args> => ({ kind: "value", ...k });
  /** One value that goes into one field of the draft. */
  const field = <K extends keyof Draft, T extends Exclude<Draft[K], undefined>>(
    name: K,
    arg: Arg<T>,
    { onInvalid, ...meta }: FieldMeta<T>,
  ): ValueKeyword<Draft, readonly [Arg<T>]> => ({
    kind: "value",
    args: [arg],
    apply: (draft, [given]) => store(draft, name, given),
    ...meta,
    ...(onInvalid === undefined || onInvalid === "ignore"
      ? {}
      : { onInvalid: { use: [onInvalid.use] as const, says: onInvalid.says } }),
  });
  /** The word alone switches it on (or to `to`); what follows is ignored. */
  const flag = (
    name: FieldOf<Draft, boolean>,
    meta: FieldMeta<boolean>,
    to = true,
  ): ValueKeyword<Draft, readonly []> => ({
    kind: "value",
    args: [],
    apply: (draft) => store(draft, name, to),
    ...described(meta),
  });
  return {
    value,
    field,
    flag,
    words: (k: Meta<WordsKeyword<Draft>>): WordsKeyword<Draft> => ({ kind: "words", ...k }),
    script: (k: Meta<ScriptKeyword<Draft>>): ScriptKeyword<Draft> => ({ kind: "script", ...k }),
    /** A script that goes into one field. */
    scriptField: (
      name: FieldOf<Draft, ScriptLine>,
      meta: Described & { readonly missing?: string },
    ): ScriptKeyword<Draft> => ({
      kind: "script",
      apply: (draft, line) => store(draft, name, line),
      ...meta,
    }),
    list: (k: Meta<ListKeyword<Draft>>): ListKeyword<Draft> => ({ kind: "list", ...k }),
    /** A list that stands in a draft of its own: `virtual_server_group NAME { ... }`. */
    namedList: <Child extends object>(
      k: Omit<ListKeyword<Draft>, "kind" | "open" | "entry"> & {
        open(draft: Draft, header: readonly Word[], context: Context): Child | undefined;
        entry(draft: Child, words: WordsStatement["words"], context: Context): void;
      },
    ): ListKeyword<Draft> => ({ kind: "list", ...k }) as unknown as ListKeyword<Draft>,
    block: <Child extends object>(
      k: Omit<BlockKeyword<Draft>, "kind" | "body" | "open" | "close"> & {
        readonly body: Scope<Child>;
        open(draft: Draft, header: readonly Word[], context: Context): Child | undefined;
        close?(draft: Draft, child: Child, context: Context): void;
      },
    ): BlockKeyword<Draft> => ({ kind: "block", ...k }) as BlockKeyword<Draft>,
  };
};

const described = ({ onInvalid: _, ...meta }: FieldMeta<boolean>): Omit<FieldMeta<boolean>, "onInvalid"> => meta;

/** Another spelling of a keyword of the same scope. */
export const alias = <K extends Described>(keyword: K, of: string, meta: Partial<Described> = {}): K => ({
  ...keyword,
  aliasOf: of,
  ...meta,
});

/** The context of a word further on in the line. */
export const contextAt = ({ keyword, diagnostics, source }: Context, word: Word): Context =>
  new Context(keyword, word, diagnostics, source);
