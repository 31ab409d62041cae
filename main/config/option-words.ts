import { reportMissing } from "./apply.js";
import { type Arg, type Context, contextAt, type Described, type FieldOf, store, type ValuesOf } from "./keyword.js";
import type { Word } from "./lexer.js";
import { didYouMean } from "./suggest.js";

/**
 * Words that may follow on a line, each with its own values: `dev eth0 scope link` of an address, `metric 100` of a
 * route. Order is free. Tools read the tables as they read keywords.
 */
export interface OptionWord<Draft, Args extends readonly Arg<unknown>[] = readonly Arg<unknown>[]> extends Described {
  readonly args: Args;
  /** @returns false: the whole entry is dropped (after reporting) */
  apply(draft: Draft, values: ValuesOf<Args>, context: Context): boolean | undefined;
  /** A bad value: the option is ignored (default), or the whole entry is dropped. */
  readonly onInvalid?: "ignore" | "drop-entry";
  /** A second one on the line is reported, and counts. Absent: it counts, as keepalived has it. */
  readonly once?: true;
  /** What may follow this option only: `encap ip id 5`. Read by a parser of its own; here for tools. */
  readonly options?: OptionTable;
  /** Takes the words after it by rules of its own. @returns how many it took, or undefined: the entry is dropped */
  take?(draft: Draft, rest: readonly Word[], context: Context): number | undefined;
}

/** By word. The drafts differ from table to table; tools need only the description. */
export type OptionTable = Readonly<Record<string, OptionWord<never>>>;

type OptionMeta = Described & Pick<OptionWord<never>, "onInvalid" | "once">;

/** Makes the options of one table; `option` infers `apply`'s values from `args`. */
export const optionsFor = <Draft extends object>() => ({
  option: <const Args extends readonly Arg<unknown>[]>(o: OptionWord<Draft, Args>): OptionWord<Draft, Args> => o,
  /** One value that goes into one field of the draft. */
  field: <K extends keyof Draft, T extends Exclude<Draft[K], undefined>>(
    name: K,
    arg: Arg<T>,
    meta: OptionMeta,
  ): OptionWord<Draft, readonly [Arg<T>]> => ({
    args: [arg],
    apply: (draft, [value]) => store(draft, name, value),
    ...meta,
  }),
  /** The word alone switches it on (or to `to`). */
  flag: (name: FieldOf<Draft, boolean>, meta: OptionMeta, to = true): OptionWord<Draft, readonly []> => ({
    args: [],
    apply: (draft) => store(draft, name, to),
    ...meta,
  }),
});

export interface OptionRules<Draft> {
  readonly table: Readonly<Record<string, OptionWord<Draft>>>;
  /** Name of the entry in messages: `address 10.0.0.1`. */
  readonly of: string;
  /** The scope under which an option without effect is listed. */
  readonly scope: string;
  /** An unknown word. @returns true: go on with the next word; false: the entry is dropped. Default: reported, go on */
  unknown?(word: Word, context: Context): boolean;
  /** Says that an option has no value, where that does not end keepalived; the entry is dropped all the same. */
  missing?(option: Word, shape: string, context: Context): void;
}

/** Reads the options of one line into `draft`. @returns false when the entry is to be dropped; all was reported */
export function readOptions<Draft>(
  draft: Draft,
  words: readonly Word[],
  context: Context,
  rules: OptionRules<Draft>,
): boolean {
  const seen = new Set<string>();
  for (let i = 0; i < words.length; ) {
    const word = words[i];
    if (word === undefined) break;
    i++;
    const option = Object.hasOwn(rules.table, word.text) ? rules.table[word.text] : undefined;
    if (option === undefined) {
      if (!(rules.unknown ?? unknownOption(rules))(word, context)) return false;
      continue;
    }
    noteOption(option, word, rules.scope, context);
    if (option.once === true && seen.has(word.text)) reportRepeated(word, rules.of, context);
    seen.add(word.text);
    if (option.take !== undefined) {
      const taken = option.take(draft, words.slice(i), contextAt(context, word));
      if (taken === undefined) return false;
      i += taken;
      continue;
    }
    const given = words.slice(i, i + option.args.length);
    i += given.length;
    if (!applyOption(option, draft, word, given, context, rules)) return false;
  }
  return true;
}

/** More than these nobody reads in a hint. */
const MOST_LISTED = 6;

const unknownOption =
  <Draft>({ table, of }: OptionRules<Draft>) =>
  (word: Word, { diagnostics, keyword }: Context): boolean => {
    const known = Object.keys(table);
    const all = known.length > MOST_LISTED ? `it is not an option of ${keyword}` : `write: ${known.join(", ")}`;
    const hint = didYouMean(word.text, known) ?? all;
    diagnostics.error("CFG_UNKNOWN_KEYWORD", word.at, `unknown option '${word.text}' of ${of} - ignoring`, hint);
    return true;
  };

function noteOption(option: Described, word: Word, scope: string, { diagnostics }: Context): void {
  if (option.effect === "accepted") diagnostics.accepted(scope, word.text, word.at);
  const { deprecated } = option;
  if (deprecated !== undefined) diagnostics.deprecated(word.text, word.at, deprecated);
}

function reportRepeated({ text, at }: Word, of: string, { diagnostics }: Context): void {
  const message = `'${text}' of ${of} is given twice; the last one is used`;
  diagnostics.error("CFG_REPEATED", at, message, "remove one of them");
}

function applyOption<Draft>(
  option: OptionWord<Draft>,
  draft: Draft,
  word: Word,
  given: readonly Word[],
  context: Context,
  { of, missing }: OptionRules<Draft>,
): boolean {
  const { diagnostics } = context;
  const values: unknown[] = [];
  for (const [i, arg] of option.args.entries()) {
    const text = given[i];
    if (text === undefined) {
      if (arg.absent !== undefined) {
        values.push(arg.absent.value);
        continue;
      }
      if (missing !== undefined) missing(word, arg.shape, context);
      else reportMissing(contextAt(context, word).named(word.text), i + 2, arg.shape);
      return false;
    }
    const parsed = arg.parse(text.text);
    if (!parsed.ok) {
      const drops = option.onInvalid === "drop-entry";
      const message = `${word.text} '${text.text}' of ${of} ${parsed.why} - ${drops ? "the entry is left out" : "ignoring"}`;
      diagnostics.error("CFG_BAD_VALUE", text.at, message, `write: ${word.text} ${arg.shape}`);
      return !drops;
    }
    if (parsed.note !== undefined) {
      diagnostics.warn("CFG_ADJUSTED", text.at, `${word.text} '${text.text}' of ${of} ${parsed.note}`);
    }
    values.push(parsed.value);
  }
  return option.apply(draft, values, contextAt(context, word)) !== false;
}
