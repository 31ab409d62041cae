import type { Diagnostics } from "./diagnostics.js";
import type { SourcePosition } from "./model.js";

/** One line of input after conditions and substitution; `text` starts at column `column` of line `line` of `file`. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
  /** Substitution changed the text, so columns inside it mean nothing: everything stands at `column`. */
  readonly substituted: boolean;
}

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

const isBlank = (c: string): boolean => c === " " || c === "\t" || c === "\r" || c === "\f" || c === "\v";
const endsWord = (c: string): boolean => isBlank(c) || '"{}#!'.includes(c);
/** An unquoted `${NAME}` that substitution left: the name is not defined. Its braces are no blocks. */
const leftover = /\$\{\s*([A-Za-z_][A-Za-z0-9_]*)[^{}"]*\}/y;

/** Splits one line into statements. Every unquoted brace is a statement of its own. Linear in the length of the line. */
export function lexLine(line: SourceLine, diagnostics: Diagnostics, out: Statement[]): void {
  if (line.text.includes("\0")) {
    diagnostics.error("CFG_TEXT", positionIn(line, 0), "the line holds a NUL byte and is ignored", "remove the byte");
    return;
  }
  new LineLexer(line, diagnostics, out).run();
}

export function positionIn(line: SourceLine, offset: number): SourcePosition {
  return { file: line.file, line: line.line, column: line.substituted ? line.column : line.column + offset };
}

/** The text before a comment: `#` or `!` outside double quotes. */
export function withoutComment(text: string): string {
  if (!/[#!]/.test(text)) return text;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') quoted = !quoted;
    else if (!quoted && (c === "#" || c === "!")) return text.slice(0, i);
  }
  return text;
}

class LineLexer {
  readonly #line: SourceLine;
  readonly #diagnostics: Diagnostics;
  readonly #out: Statement[];
  #words: Word[] = [];
  /** Where the statement in progress begins. */
  #start = 0;
  #at = 0;

  constructor(line: SourceLine, diagnostics: Diagnostics, out: Statement[]) {
    this.#line = line;
    this.#diagnostics = diagnostics;
    this.#out = out;
  }

  run(): void {
    const { text } = this.#line;
    while (this.#at < text.length) {
      const c = text.charAt(this.#at);
      if (isBlank(c)) this.#at++;
      else if (c === "#" || c === "!") {
        this.#endAtComment();
        return;
      } else if (c === "{" || c === "}") this.#brace(c);
      else if (c === '"') this.#quotedWord();
      else this.#plainWord();
    }
    this.#endStatement();
  }

  #endAtComment(): void {
    // keepalived's own passes disagree about `\#`; what the VRRP and checker passes see is a comment.
    if (this.#line.text[this.#at - 1] === "\\") {
      const hint = 'write the text in double quotes: "a#b"';
      this.#diagnostics.warn("CFG_ADVICE", this.#here(), "a backslash does not protect '#' or '!'", hint);
    }
    this.#endStatement();
  }

  #brace(c: string): void {
    this.#endStatement();
    const at = this.#here();
    this.#out.push(c === "{" ? { kind: "open", at } : { kind: "close", at });
    this.#at++;
    this.#start = this.#at;
  }

  #quotedWord(): void {
    const { text } = this.#line;
    const end = text.indexOf('"', this.#at + 1);
    if (end === -1) {
      const hint = "close the quote on the same line; the text after it is ignored";
      const shown = maskSecret(text.slice(this.#start, this.#start + 80).trim());
      this.#diagnostics.error("CFG_QUOTE", this.#here(), `Unterminated quote '${shown}'`, hint);
      this.#endStatement();
      this.#at = text.length;
      return;
    }
    this.#words.push({ text: text.slice(this.#at + 1, end), at: this.#here() });
    this.#at = end + 1;
  }

  #plainWord(): void {
    const { text } = this.#line;
    const start = this.#at;
    while (this.#at < text.length && !endsWord(text.charAt(this.#at))) {
      if (text[this.#at] === "$") this.#leftoverName();
      else this.#at++;
    }
    this.#words.push({ text: text.slice(start, this.#at), at: positionIn(this.#line, start) });
  }

  /** At a `$`: steps over it, or over a whole `${NAME}`. */
  #leftoverName(): void {
    leftover.lastIndex = this.#at;
    const match = leftover.exec(this.#line.text);
    if (match === null) {
      this.#at++;
      return;
    }
    const message = `'${match[0]}' is not defined`;
    this.#diagnostics.error("CFG_SUBSTITUTION", this.#here(), message, `define it before: $${match[1]}=VALUE`);
    this.#at += match[0].length;
  }

  #endStatement(): void {
    const [first, ...rest] = this.#words;
    const raw = this.#line.text.slice(this.#start, this.#at);
    if (first !== undefined) this.#out.push({ kind: "words", words: [first, ...rest], raw });
    this.#words = [];
    this.#start = this.#at;
  }

  #here(): SourcePosition {
    return positionIn(this.#line, this.#at);
  }
}

const maskSecret = (text: string): string => (/pass|auth|key/i.test(text) ? "..." : text);
