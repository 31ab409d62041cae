/** `~SEQ(I, 1, 3) text` and `~LST(I, a, b) text`: the text again and again, with other values of the names. */
export interface Repetition {
  readonly names: readonly string[];
  /** What is repeated. */
  readonly text: string;
  /** The values of one turn each, in the order of `names`. */
  readonly turns: Iterator<readonly string[]>;
}

export type ParsedRepetition =
  | { readonly ok: true; readonly repetition: Repetition }
  | { readonly ok: false; readonly why: string; readonly hint: string };

export const isRepetition = (text: string): boolean => /^~(?:SEQ|LST)/.test(text);

/** keepalived.conf(5): the numbers of ~SEQ, with `)`. */
const LONGEST_NUMBERS = 63;

const SEQ_HINT = "write: ~SEQ(NAME, [START, [STEP,]] END) TEXT";
const LST_HINT = "write: ~LST(NAME, VALUE, VALUE...) TEXT or ~LST({A, B}, {1, 2}, {3, 4}...) TEXT";

/** `text` begins with ~SEQ or ~LST. `expand` replaces definitions in the numbers; undefined: it cannot. */
export function parseRepetition(text: string, expand: (text: string) => string | undefined): ParsedRepetition {
  const open = text.indexOf("(");
  const close = text.indexOf(")", open);
  const kind = open === -1 ? text : text.slice(0, open).trimEnd();
  const isList = kind === "~LST";
  const hint = text.startsWith("~LST") ? LST_HINT : SEQ_HINT;
  if (!isList && kind !== "~SEQ" && kind !== "~SEQx")
    return { ok: false, why: "it is neither ~SEQ, ~SEQx nor ~LST", hint };
  if (close === -1) return { ok: false, why: "its ')' is missing", hint };
  const inside = text.slice(open + 1, close);
  const rest = text.slice(close + 1).trim();
  const parsed = isList ? parseList(inside) : parseSequence(inside, kind === "~SEQx", expand);
  if (typeof parsed === "string") return { ok: false, why: parsed, hint };
  return { ok: true, repetition: { ...parsed, text: rest } };
}

type Turns = Pick<Repetition, "names" | "turns">;

const isName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);

function parseSequence(inside: string, hex: boolean, expand: (text: string) => string | undefined): Turns | string {
  const comma = inside.indexOf(",");
  const name = inside.slice(0, comma === -1 ? inside.length : comma).trim();
  if (!isName(name)) return `'${name}' is no name`;
  if (comma === -1) return "its end is missing";
  const numbers = expand(inside.slice(comma + 1)) ?? "";
  if (numbers.length >= LONGEST_NUMBERS) return `its numbers have more than ${LONGEST_NUMBERS - 1} characters`;
  const values = numbers.split(",").map((word) => parseNumber(word.trim()));
  if (values.length > 3) return "it has more than start, step and end";
  const bad = values.indexOf(undefined);
  if (bad !== -1) return `'${numbers.split(",")[bad]?.trim()}' is no whole number`;
  const range = rangeOf(values as number[]);
  if (hex && (range.start < 0 || range.end < 0)) return "~SEQx takes no negative numbers";
  if (range.step === 0) return "its step is 0";
  if (range.start !== range.end && range.step > 0 !== range.end > range.start)
    return "its step leads away from its end";
  return { names: [name], turns: sequence(range, hex) };
}

interface Range {
  readonly start: number;
  readonly step: number;
  readonly end: number;
}

/** `end`; `start, end`; `start, step, end`. */
function rangeOf(values: readonly number[]): Range {
  const end = values.at(-1) ?? 0;
  const start = values.length > 1 ? (values[0] ?? 0) : end < 0 ? -1 : 1;
  const step = values.length > 2 ? (values[1] ?? 0) : end < start ? -1 : 1;
  return { start, step, end };
}

function* sequence({ start, step, end }: Range, hex: boolean): Generator<readonly string[]> {
  for (let n = start; step > 0 ? n <= end : n >= end; n += step) yield [n.toString(hex ? 16 : 10)];
}

/** Decimal, 0x hexadecimal or 0 octal, with a sign; empty is 0, as strtol(3) reads it. */
function parseNumber(word: string): number | undefined {
  const match = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*)|)$/.exec(word);
  if (match === null) return undefined;
  const [, sign, hex, octal, decimal] = match;
  const value = hex ? Number.parseInt(hex, 16) : octal ? Number.parseInt(octal, 8) : Number(decimal ?? 0);
  if (!Number.isSafeInteger(value)) return undefined;
  return sign === "-" ? -value : value;
}

function parseList(inside: string): Turns | string {
  const [first, ...items] = splitItems(inside);
  const names = membersOf(first ?? "");
  const bad = names.find((name) => !isName(name));
  if (bad !== undefined) return `'${bad}' is no name`;
  if (items.length === 0) return "it has no values";
  const turns: (readonly string[])[] = [];
  for (const item of items) {
    if (/\s/.test(item) && !item.startsWith("{")) return `'${item}' holds a blank`;
    const values = membersOf(item);
    if (values.length > names.length) return "~LST specification has too many values";
    const odd = values.find((value) => /\s/.test(value));
    if (odd !== undefined) return `'${odd}' holds a blank`;
    turns.push(names.map((_, i) => values[i] ?? ""));
  }
  return { names, turns: turns.values() };
}

/** At the commas outside `{ }`. */
function splitItems(text: string): readonly string[] {
  const items: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "{") depth++;
    else if (c === "}") depth = Math.max(0, depth - 1);
    else if (c === "," && depth === 0) {
      items.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  items.push(text.slice(start).trim());
  return items;
}

/** `{a, b}`: its members. Anything else is one. */
const membersOf = (item: string): readonly string[] =>
  item.startsWith("{") && item.endsWith("}")
    ? item
        .slice(1, -1)
        .split(",")
        .map((member) => member.trim())
    : [item];
