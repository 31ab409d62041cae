import type { Diagnostics } from "./diagnostics.js";
import type { SourcePosition } from "./model.js";
import type { Origin, SourceFile } from "./source-file.js";

export interface Word {
  readonly text: string;
  readonly at: SourcePosition;
}

/** The words between two braces or line ends; at least one. */
export interface WordsStatement {
  readonly kind: "words";
  readonly words: readonly [Word, ...Word[]];
  /** The same text untokenised, for script lines. */
  readonly raw: string;
}

export type Statement =
  | WordsStatement
  | { readonly kind: "open"; readonly at: SourcePosition }
  | { readonly kind: "close"; readonly at: SourcePosition };

/** keepalived.conf(5): what is longer, in bytes before the line feed, is no line. */
export const LONGEST_LINE = 1022;

/** A line of more characters may be too long in bytes: UTF-8 takes three for those that JavaScript counts as one. */
const SURELY_SHORT = 340;

// Classes of characters. BAIL: the line needs more than the fast scan knows.
const WORD = 0;
const BLANK = 1;
const LINE_END = 2;
const OPEN = 3;
const COMMENT = 5;
const BAIL = 6;

const classes = new Uint8Array(128);
for (const c of " \t\r\f\v") classes[c.charCodeAt(0)] = BLANK;
classes[10] = LINE_END;
classes[123] = OPEN;
classes[125] = 4; // close
classes[35] = COMMENT; // #
classes[33] = COMMENT; // !
classes[34] = BAIL; // "
classes[36] = BAIL; // $

const classOf = (code: number): number => (code < 128 ? (classes[code] ?? WORD) : WORD);

/** A line of an origin. */
export interface LineOrigin {
  readonly origin: Origin;
  readonly line: number;
  /** Offset in the origin's text. */
  readonly lineStart: number;
}

/** Words come back again and again; the last one with the same hash is likely the same. A power of two. */
const KNOWN_WORDS = 1024;

/** Statements that wait to be pulled. Its array is used again and again. */
export class StatementQueue {
  readonly items: Statement[] = [];
  size = 0;

  push(statement: Statement): void {
    this.items[this.size++] = statement;
  }
}

/** Cuts text into statements. Every unquoted brace is a statement of its own. Linear in the length of the text. */
export class Lexer {
  readonly #diagnostics: Diagnostics;
  /** Those of the statement in progress: an array that grows by `push` would be eight times as large as needed. */
  readonly #words: Word[] = [];
  readonly #known: string[] = new Array<string>(KNOWN_WORDS).fill("");
  /** Where `plainLine` ended: offset of the next line. */
  end = 0;

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  /**
   * The common line: no quotes, no `$`, no `@`, `~` or `include` at its beginning, not long. Appends its statements to
   * `out`.
   * @returns false, with `out` as it was: the line needs the long way
   */
  plainLine(file: SourceFile, start: number, line: number, out: StatementQueue): boolean {
    const { text } = file;
    const { length } = text;
    const before = out.size;
    const words = this.#words;
    let count = 0;
    let from = start;
    let i = start;
    for (;;) {
      const code = i < length ? text.charCodeAt(i) : 10;
      const kind = code < 128 ? classes[code] : WORD;
      if (kind === BLANK) {
        i++;
        continue;
      }
      if (i - start > SURELY_SHORT) break;
      if (kind === WORD) {
        if (count === 0 && before === out.size && this.#special(text, i, code)) return false;
        if (code === 92) break; // a backslash at the end of the line is no word of its own
        const wordStart = i;
        let hash = code;
        for (i++; i < length; i++) {
          const next = text.charCodeAt(i);
          if (next < 128 && classes[next] !== WORD) break;
          hash = (Math.imul(hash, 31) + next) | 0;
        }
        if (count === 0) from = wordStart;
        words[count++] = new SourceWord(this.#word(text, wordStart, i, hash), file, line, wordStart - start + 1);
        continue;
      }
      if (kind === BAIL || (kind === COMMENT && i > start && text.charCodeAt(i - 1) === 92)) break;
      if (count > 0) out.push(new SourceWords(firstOf(words, count), file, from, i));
      count = 0;
      if (kind === LINE_END || kind === COMMENT) {
        const feed = kind === LINE_END ? i : text.indexOf("\n", i);
        this.end = feed === -1 ? length + 1 : feed + 1;
        if (this.end - start <= SURELY_SHORT) return true;
        break;
      }
      out.push(new SourceBrace(kind === OPEN ? "open" : "close", file, line, i - start + 1));
      i++;
    }
    out.size = before;
    return false;
  }

  /** Whether a line that begins so is more than words: a condition, a repetition, an include. */
  #special(text: string, at: number, code: number): boolean {
    return code === 64 || code === 126 || (code === 105 && text.startsWith("include", at));
  }

  #word(text: string, start: number, end: number, hash: number): string {
    const slot = hash & (KNOWN_WORDS - 1);
    const known = this.#known[slot] ?? "";
    if (known.length === end - start && text.startsWith(known, start)) return known;
    const word = text.slice(start, end);
    this.#known[slot] = word;
    return word;
  }

  /** Any text of one line without its comment: from `start` to `end` of the origin's. */
  anyLine(source: LineOrigin, start: number, end: number, out: StatementQueue): void {
    const { origin, line, lineStart } = source;
    const { text } = origin;
    let words: Word[] = [];
    let from = start;
    let i = start;
    const flush = (): void => {
      if (words.length > 0) out.push(new SourceWords(words, origin, from, i));
      words = [];
    };
    while (i < end) {
      const code = text.charCodeAt(i);
      const kind = classOf(code);
      const column = i - lineStart + 1;
      if (kind === BLANK) i++;
      else if (code === 123 || code === 125) {
        flush();
        out.push(new SourceBrace(code === 123 ? "open" : "close", origin, line, column));
        from = ++i;
      } else if (code === 34) {
        const close = text.indexOf('"', i + 1);
        if (close === -1 || close >= end) {
          this.unterminated(source, i, end);
          flush();
          return;
        }
        words.push(new SourceWord(text.slice(i + 1, close), origin, line, column));
        i = close + 1;
      } else {
        const wordStart = i;
        i = this.#plainWord(source, i, end);
        words.push(new SourceWord(text.slice(wordStart, i), origin, line, column));
      }
    }
    flush();
  }

  /** A `"` without its partner at `offset`; the text is not quoted in full: it may be a password. */
  unterminated({ origin, line, lineStart }: LineOrigin, offset: number, end: number): void {
    const hint = "close the quote on the same line; the text after it is ignored";
    const shown = maskSecret(origin.text.slice(lineStart, end).trimStart().slice(0, 80).trimEnd());
    const at = origin.position(line, offset - lineStart + 1);
    this.#diagnostics.error("CFG_QUOTE", at, `Unterminated quote '${shown}'`, hint);
  }

  /** @returns the end of the word at `start` */
  #plainWord(source: LineOrigin, start: number, end: number): number {
    const { text } = source.origin;
    let i = start;
    while (i < end) {
      const code = text.charCodeAt(i);
      if (code === 36) i += this.#leftoverName(source, i, end);
      else if (endsWord(code)) return i;
      else i++;
    }
    return i;
  }

  /** At a `$`. @returns 1, or the length of a whole `${NAME}` */
  #leftoverName({ origin, line, lineStart }: LineOrigin, at: number, end: number): number {
    leftover.lastIndex = at;
    const match = leftover.exec(origin.text);
    if (match === null || at + match[0].length > end) return 1;
    const message = `'${match[0]}' is not defined`;
    const hint = `define it before: $${match[1]}=VALUE`;
    this.#diagnostics.error("CFG_SUBSTITUTION", origin.position(line, at - lineStart + 1), message, hint);
    return match[0].length;
  }
}

/** An unquoted `${NAME}` that substitution left: the name is not defined. Its braces are no blocks. */
const leftover = /\$\{\s*([A-Za-z_][A-Za-z0-9_]*)[^{}"\n]*\}/y;

const endsWord = (code: number): boolean => {
  const kind = classOf(code);
  return (kind !== WORD && kind !== COMMENT) || code === 10;
};

/** Like `words.slice(0, count)`, which costs more than the rest of a statement of one or two words: nearly all are. */
function firstOf(words: readonly Word[], count: number): readonly Word[] {
  if (count === 1) return [words[0] as Word];
  return count === 2 ? [words[0] as Word, words[1] as Word] : words.slice(0, count);
}

// The three classes below are made a million times for a large file: plain fields, and nothing worked out in advance.

class SourceWord implements Word {
  readonly text: string;
  readonly origin: Origin;
  readonly line: number;
  readonly column: number;

  constructor(text: string, origin: Origin, line: number, column: number) {
    this.text = text;
    this.origin = origin;
    this.line = line;
    this.column = column;
  }

  get at(): SourcePosition {
    return this.origin.position(this.line, this.column);
  }
}

class SourceWords implements WordsStatement {
  readonly kind = "words";
  readonly words: readonly [Word, ...Word[]];
  readonly origin: Origin;
  readonly start: number;
  readonly end: number;

  constructor(words: readonly Word[], origin: Origin, start: number, end: number) {
    this.words = words as [Word, ...Word[]]; // callers have at least one
    this.origin = origin;
    this.start = start;
    this.end = end;
  }

  get raw(): string {
    return this.origin.text.slice(this.start, this.end);
  }
}

class SourceBrace {
  readonly kind: "open" | "close";
  readonly origin: Origin;
  readonly line: number;
  readonly column: number;

  constructor(kind: "open" | "close", origin: Origin, line: number, column: number) {
    this.kind = kind;
    this.origin = origin;
    this.line = line;
    this.column = column;
  }

  get at(): SourcePosition {
    return this.origin.position(this.line, this.column);
  }
}

const maskSecret = (text: string): string => (/pass|auth|key|secret/i.test(text) ? "..." : text);
