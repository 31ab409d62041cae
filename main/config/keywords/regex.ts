import { type Context, type Keyword, keywordsFor } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import { type RegexOption, regexOptions } from "../model-checks.js";
import { type OptionTable, optionsFor } from "../option-words.js";
import { splitEscaped } from "../script-line.js";
import { didYouMean } from "../suggest.js";

/** What a `url` block said about the page's text. */
export interface RegexDraft {
  pattern?: string;
  place?: RegexPlace;
  noMatch?: boolean;
  options?: RegexOption[];
  minOffset?: number;
  maxOffset?: number;
  stack?: { readonly start: number; readonly max: number };
}

/** The line of a pattern. */
export interface RegexPlace {
  readonly keyword: SourcePosition;
  readonly pattern: SourcePosition;
  /** From the keyword on. */
  readonly raw: string;
}

const keyword = keywordsFor<RegexDraft>();
const { option } = optionsFor<RegexDraft>();
const since = { since: "2.0.7" } as const;

const optionWords = Object.fromEntries(
  regexOptions.map((name) => [
    name,
    option({ args: [], apply: () => undefined, default: "off", doc: `Sets PCRE2_${name.toUpperCase()}.`, ...since }),
  ]),
) as OptionTable;

/** keepalived only logs what is wrong with these lines, all but the words of `regex`; so `-t` passes. */
export const regexKeywords: Readonly<Record<string, Keyword<RegexDraft>>> = {
  regex: keyword.words({
    shape: "<pattern>",
    apply: (draft, words, context, raw) => {
      const pattern = readPattern(words, context, raw);
      if (pattern === undefined) return;
      draft.pattern = pattern;
      const { at } = context;
      draft.place = { keyword: at, pattern: words[0]?.at ?? at, raw: raw.trimStart() };
    },
    repeat: "last-wins-reported",
    doc: "Pattern (PCRE2) that must match the page; one word, in quotes when it has blanks.",
    ...since,
  }),
  regex_no_match: keyword.flag("noMatch", { default: "off", doc: "The page must not match the pattern.", ...since }),
  regex_options: keyword.words({
    shape: "<option> ...",
    apply: (draft, words, context) => {
      draft.options ??= [];
      for (const word of words) {
        const known = regexOptions.find((name) => name === word.text);
        if (known === undefined) unknownOption(word, context);
        else if (!draft.options.includes(known)) draft.options.push(known);
      }
    },
    options: optionWords,
    repeat: "append",
    doc: "Options of PCRE2 for the pattern.",
    ...since,
  }),
  regex_min_offset: offset("minOffset", "0", "First octet of the page where a match may begin."),
  regex_max_offset: offset("maxOffset", "unlimited", "Last octet of the page where a match may begin."),
  regex_stack: keyword.words({
    shape: "<start octets> <most octets>",
    apply: (draft, words, context) => {
      const [start, max] = words.map(({ text }) => wholeNumber(text));
      if (words.length === 2 && start !== undefined && max !== undefined && start <= max) draft.stack = { start, max };
      else
        advise(
          context,
          "regex_stack needs two numbers, the smaller one first - ignoring",
          "write: regex_stack 32768 524288",
        );
    },
    doc: "Stack of the just-in-time matcher.",
    ...since,
  }),
};

function readPattern(words: readonly Word[], context: Context, raw: string): string | undefined {
  const { at, diagnostics } = context;
  const line = splitEscaped(raw.trim());
  const [, pattern, surplus] = line.words;
  if (line.unterminated)
    diagnostics.error("CFG_QUOTE", at, "Unterminated quote in the pattern", "close it on this line");
  if (pattern !== undefined && surplus === undefined) return pattern;
  if (words.length === 0) {
    diagnostics.error("CFG_BAD_VALUE", at, "regex without a pattern - ignoring", 'write: regex "pattern"');
  } else {
    const message = `regex has more than one word after it: '${surplus ?? ""}' - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", at, message, "a pattern with blanks stands in quotes");
  }
  return undefined;
}

/** Where the character at `index` of the pattern stands, or else the pattern: its line may be the work of definitions. */
export function placeInPattern({ keyword, pattern, raw }: RegexPlace, index: number): SourcePosition {
  const line = raw.trimEnd();
  const begin = /^\S+\s+/.exec(line)?.[0].length ?? 0;
  // Where substitution took part, all words of a line stand at its beginning.
  if (keyword.column + begin !== pattern.column) return pattern;
  let low = begin;
  let high = /^["']/.test(line.slice(begin)) ? line.length - 1 : line.length;
  // Each character of the line adds at most one to the pattern, so the place can be searched for.
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((splitEscaped(line.slice(0, middle + 1)).words[1] ?? "").length > index) high = middle;
    else low = middle + 1;
  }
  return { ...pattern, column: keyword.column + low };
}

function offset(field: "minOffset" | "maxOffset", otherwise: string, doc: string) {
  return keyword.words({
    shape: "<octets>",
    apply: (draft, words, context) => {
      const value = words.length === 1 ? wholeNumber(words[0]?.text ?? "") : undefined;
      draft[field] = value ?? 0;
      if (value === undefined) {
        advise(context, `${context.keyword} needs one number - 0 is used`, `write: ${context.keyword} 0`);
      }
    },
    default: otherwise,
    doc,
    ...since,
  });
}

const wholeNumber = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);

const advise = ({ at, diagnostics }: Context, message: string, hint: string): void =>
  diagnostics.warn("CFG_ADVICE", at, message, hint);

function unknownOption(word: Word, { diagnostics }: Context): void {
  const hint = didYouMean(word.text, regexOptions) ?? `write some of: ${regexOptions.join(", ")}`;
  diagnostics.warn("CFG_ADVICE", word.at, `unknown regex option '${word.text}' - ignoring`, hint);
}
