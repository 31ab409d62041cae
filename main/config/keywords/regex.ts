import { type Context, type Keyword, keywordsFor } from "../keyword.js";
import type { Word } from "../lexer.js";
import { type RegexOption, regexOptions } from "../model-checks.js";
import { type OptionTable, optionsFor } from "../option-words.js";
import { splitEscaped } from "../script-line.js";
import { didYouMean } from "../suggest.js";

/** What a `url` block said about the page's text. */
export interface RegexDraft {
  pattern?: string;
  noMatch?: boolean;
  options?: RegexOption[];
  minOffset?: number;
  maxOffset?: number;
  stack?: { readonly start: number; readonly max: number };
}

const keyword = keywordsFor<RegexDraft>();
const { option } = optionsFor<RegexDraft>();
const later = { effect: "accepted", since: "2.0.7" } as const;

const optionWords = Object.fromEntries(
  regexOptions.map((name) => [
    name,
    option({ args: [], apply: () => undefined, default: "off", doc: `Sets PCRE2_${name.toUpperCase()}.`, ...later }),
  ]),
) as OptionTable;

/** keepalived only logs what is wrong with these lines, all but the words of `regex`; so `-t` passes. */
export const regexKeywords: Readonly<Record<string, Keyword<RegexDraft>>> = {
  regex: keyword.words({
    shape: "<pattern>",
    apply: (draft, words, context, raw) => {
      const pattern = readPattern(words, context, raw);
      if (pattern !== undefined) draft.pattern = pattern;
    },
    repeat: "last-wins-reported",
    doc: "Pattern (PCRE2) that must match the page; one word, in quotes when it has blanks.",
    ...later,
  }),
  regex_no_match: keyword.flag("noMatch", { default: "off", doc: "The page must not match the pattern.", ...later }),
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
    ...later,
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
    ...later,
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
    ...later,
  });
}

const wholeNumber = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);

const advise = ({ at, diagnostics }: Context, message: string, hint: string): void =>
  diagnostics.warn("CFG_ADVICE", at, message, hint);

function unknownOption(word: Word, { diagnostics }: Context): void {
  const hint = didYouMean(word.text, regexOptions) ?? `write some of: ${regexOptions.join(", ")}`;
  diagnostics.warn("CFG_ADVICE", word.at, `unknown regex option '${word.text}' - ignoring`, hint);
}
