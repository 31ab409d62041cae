import type { Arg, Context, Keyword, ScriptKeyword, ValueKeyword } from "./keyword.js";
import type { Word, WordsStatement } from "./lexer.js";
import { splitEscaped } from "./script-line.js";
import { didYouMean } from "./suggest.js";

/** A keyword of one line, as opposed to one that begins a block. */
export type LineKeyword<Draft> = Exclude<Keyword<Draft>, { readonly kind: "block" | "list" }>;

/** Parses the words after the keyword and stores them in `draft`, or reports why not. */
export function applyLine<Draft>(
  keyword: LineKeyword<Draft>,
  draft: Draft,
  statement: WordsStatement,
  context: Context,
): void {
  if (keyword.kind === "value") applyValue(keyword, draft, statement.words, context);
  else if (keyword.kind === "words") keyword.apply(draft, statement.words.slice(1), context, statement.raw);
  else applyScript(keyword, draft, statement, context);
}

/** A mandatory word is not there. keepalived ends at this point (exit 2); we go on without the line. */
export function reportMissing({ keyword, at, diagnostics }: Context, position: number, shape: string): void {
  const line = `*** Configuration line starting \`${keyword}\``;
  const message = `${line} is missing a parameter after keyword \`${keyword}\` at word position ${position}`;
  diagnostics.error("CFG_MISSING_PARAMETER", at, message, `write: ${keyword} ${shape}`);
}

/** `words`: with the keyword itself. Runs for nearly every line of a file. */
function applyValue<Draft>(keyword: ValueKeyword<Draft>, draft: Draft, words: readonly Word[], context: Context): void {
  const { args } = keyword;
  const { diagnostics } = context;
  const values = new Array<unknown>(args.length); // one that grows by push would have room for 17
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    const word = words[i + 1];
    if (arg === undefined) continue;
    if (word === undefined) {
      if (arg.absent === undefined) {
        missing(keyword, i, context);
        return;
      }
      values[i] = arg.absent.value;
      continue;
    }
    const parsed = arg.parse(word.text);
    if (!parsed.ok) {
      invalid(keyword, draft, arg, word, parsed.why, context);
      return;
    }
    if (parsed.note !== undefined) {
      diagnostics.warn(
        "CFG_ADJUSTED",
        word.at,
        `${context.keyword} '${word.text}' ${parsed.note}`,
        `write ${arg.shape}`,
      );
    }
    values[i] = parsed.value;
  }
  const surplus = words[args.length + 1];
  if (surplus !== undefined) {
    const hint = "each keyword begins a line of its own; a text with blanks stands in double quotes";
    diagnostics.warn("CFG_SURPLUS", surplus.at, `'${surplus.text}' after ${context.keyword} is ignored`, hint);
  }
  keyword.apply(draft, values, context);
}

function missing<Draft>(keyword: ValueKeyword<Draft>, index: number, context: Context): void {
  const shape = keyword.args.map((arg) => arg.shape).join(" ");
  reportMissingWord(context, index + 2, shape, keyword.missing);
}

/** `says`: keepalived's sentence, when it goes on all the same. */
function reportMissingWord(context: Context, position: number, shape: string, says: string | undefined): void {
  if (says === undefined) reportMissing(context, position, shape);
  else context.diagnostics.error("CFG_BAD_VALUE", context.at, says, `write: ${context.keyword} ${shape}`);
}

function invalid<Draft>(
  keyword: ValueKeyword<Draft>,
  draft: Draft,
  arg: Arg<unknown>,
  word: Word,
  why: string,
  context: Context,
): void {
  const { onInvalid } = keyword;
  const instead = onInvalid === "ignore" ? undefined : onInvalid;
  const outcome = instead?.says ?? "ignoring";
  const message = `${context.keyword} '${word.text}' ${why} - ${outcome}`;
  context.diagnostics.error("CFG_BAD_VALUE", word.at, message, hintFor(arg, word.text, context.keyword));
  if (instead !== undefined) keyword.apply(draft, instead.use, context);
}

function hintFor({ shape }: Arg<unknown>, text: string, keyword: string): string {
  if (!shape.includes("|") || shape.includes("<")) return `write: ${keyword} ${shape}`;
  const names = shape.replace(/[[\]]/g, "").split("|");
  return didYouMean(text, names) ?? `write one of: ${names.join(", ")}`;
}

function applyScript<Draft>(
  keyword: ScriptKeyword<Draft>,
  draft: Draft,
  statement: WordsStatement,
  context: Context,
): void {
  const { keyword: name, at, diagnostics } = context;
  const line = splitEscaped(statement.raw.trim());
  const [, command, user, group] = line.words;
  if (line.unterminated)
    diagnostics.error("CFG_QUOTE", at, "Unterminated quote in the command", "close it on this line");
  const empty = command?.trim() === "";
  if (empty && keyword.missing === undefined) {
    // Templates write `notify_master ""` where nothing is to be run, and keepalived takes it.
    diagnostics.warn("CFG_ADVICE", at, `${name} names no command; nothing is run`, "remove the line");
    return;
  }
  if (command === undefined || empty) {
    reportMissingWord(context, 2, '"<command> [arguments]" [<user> [<group>]]', keyword.missing);
    return;
  }
  keyword.apply(draft, { command, user, group, keyword: name, at }, context);
}
