import { type Milliseconds, ms } from "../../units.js";
import { integer } from "../args.js";
import type { Arg, Context, Described, WordsKeyword } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { OptionTable } from "../option-words.js";

/** Arguments and small keywords that only `global_defs` and the root settings have. */

export const ACCEPTED = { effect: "accepted" } as const;

/** One word of any text. */
export const word = (shape: string): Arg<string> => ({ shape, parse: (value) => ({ ok: true, value }) });

/** Cut to `longest` characters, and said so. */
export const cutText = (longest: number): Arg<string> => ({
  shape: `<name: 1..${longest} characters>`,
  parse(text) {
    if (text.length <= longest) return { ok: true, value: text };
    const value = text.slice(0, longest);
    return { ok: true, value, note: `has more than ${longest} characters; '${value}' is used` };
  },
});

/** A number outside is moved to the nearer end, and said so. */
export const nearestInteger = (lo: number, hi: number): Arg<number> => ({
  shape: `<${lo}..${hi}>`,
  parse(text) {
    const parsed = integer(-0x8000_0000, 0x7fff_ffff).parse(text);
    if (!parsed.ok) return { ok: false, why: `is not an integer between ${lo} and ${hi}` };
    const value = Math.min(hi, Math.max(lo, parsed.value));
    return value === parsed.value ? parsed : { ok: true, value, note: `is not in ${lo}..${hi}; ${value} is used` };
  },
});

export const microseconds = (lo: number, hi: number): Arg<Milliseconds> => ({
  shape: `<microseconds: ${lo}..${hi}>`,
  parse(text) {
    const parsed = integer(lo, hi).parse(text);
    return parsed.ok ? { ...parsed, value: ms(parsed.value / 1000) } : parsed;
  },
});

/** For what the kernel waits for, so that it may be longer than our own timers can wait. */
export const wholeSeconds = (lo: number, hi: number): Arg<Milliseconds> => ({
  shape: `<seconds: ${lo}..${hi} integer>`,
  parse(text) {
    const parsed = integer(lo, hi).parse(text);
    return parsed.ok ? { ...parsed, value: ms(parsed.value * 1000) } : parsed;
  },
});

/** Exactly one word, not empty; keepalived ignores the line otherwise, and calls it an error. */
export const onePath = <Draft>(
  store: (draft: Draft, path: string, context: Context) => void,
  meta: Described,
): WordsKeyword<Draft> => ({
  kind: "words",
  shape: "<path>",
  apply(draft, words, context) {
    const [path, surplus] = words;
    if (path !== undefined && path.text !== "" && surplus === undefined) store(draft, path.text, context);
    else {
      const message = `${context.keyword} needs exactly one path - ignoring`;
      const hint = `write: ${context.keyword} <path> (in double quotes when it holds blanks)`;
      context.diagnostics.error("CFG_BAD_VALUE", surplus?.at ?? context.at, message, hint);
    }
  },
  ...meta,
});

/** Words that the line's own reader understands, for tools. */
export const plainWords = (words: Readonly<Record<string, string>>): OptionTable =>
  Object.fromEntries(
    Object.entries(words).map(([word, doc]) => [word, { args: [], apply: () => undefined, doc }] as const),
  );

export function badValue(
  { keyword, diagnostics, at }: Context,
  word: Word | undefined,
  why: string,
  hint: string,
): void {
  const given = word === undefined ? keyword : `${keyword} '${word.text}'`;
  diagnostics.error("CFG_BAD_VALUE", word?.at ?? at, `${given} ${why}`, hint);
}
