/** One line without its line end, cut as keepalived.conf(5) cuts it: comment first, then statements at unquoted braces. */
export interface ScannedLine {
  /** The whole line without its indentation and, where they are no odd ones, the blanks at its end. */
  readonly text: string;
  /** The part before the comment, likewise. */
  readonly code: string;
  /** From the `#` or `!` to the end of the line; empty without one. */
  readonly comment: string;
  readonly doubt: Doubt | undefined;
  /** The line ends in a backslash, before or in its comment; in a value that means that it goes on. Yes when in doubt. */
  readonly endsInBackslash: boolean;
}

/**
 * Why nothing in a line may be changed. `open-quote`: a double quote has no end on the line. `escape`: `\#` or `\"`,
 * which one pass of keepalived takes for text and another for a comment or a quote. `odd-blank`: form feeds and the
 * like separate words, but behind them keepalived sees no condition, definition or end of line.
 * `blank-after-backslash`: without the blank the backslash would belong to the word before it.
 */
export type Doubt = "open-quote" | "escape" | "odd-blank" | "blank-after-backslash";

/** Quoted text, a name in braces (its braces are no blocks), a brace, or text up to the next of these. */
const PIECE = /"[^"]*"?|\$\{[ \t]*[A-Za-z_]\w*[^{}"]*\}|[{}]|[^"{}$]+|\$/g;

export function scanLine(line: string): ScannedLine {
  const { at, open } = commentStart(line, false);
  const code = trimLine(line.slice(0, at)).replace(/ $/, "");
  const comment = trimLine(line.slice(at));
  const escaped = /\\["#!]/.test(line.slice(0, at + 1));
  const odd = /[\r\f\v]/.test(line.slice(0, at).replace(/\r$/, ""));
  const text = odd ? line.replace(/^[ \t]+/, "") : trimLine(line);
  const ends = [text, code, escaped ? line.slice(0, commentStart(line, true).at) : ""];
  return {
    text,
    code,
    comment,
    doubt: doubtAbout(open, escaped, odd, comment === "" && text.endsWith("\\ ")),
    endsInBackslash: ends.some((end) => trimBlanks(end).endsWith("\\")),
  };
}

function doubtAbout(open: boolean, escaped: boolean, odd: boolean, blankAfterBackslash: boolean): Doubt | undefined {
  if (open) return "open-quote";
  if (escaped) return "escape";
  if (odd) return "odd-blank";
  return blankAfterBackslash ? "blank-after-backslash" : undefined;
}

/** Single quotes protect nothing here: keepalived removes comments before it looks at scripts. */
function commentStart(line: string, escapes: boolean): { readonly at: number; readonly open: boolean } {
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (escapes && line[i - 1] === "\\") continue;
    if (c === '"') quoted = !quoted;
    else if (!quoted && (c === "#" || c === "!")) return { at: i, open: false };
  }
  return { at: line.length, open: quoted };
}

/** Trimmed text between braces, and the braces themselves as "{" and "}", in order. `code` has no comment. */
export function cutAtBraces(code: string): readonly string[] {
  const pieces: string[] = [];
  let words = "";
  const endWords = (): void => {
    const text = trimBlanks(words);
    if (text !== "") pieces.push(text);
    words = "";
  };
  for (const [part] of code.matchAll(PIECE)) {
    if (part === "{" || part === "}") {
      endWords();
      pieces.push(part);
    } else words += part;
  }
  endWords();
  return pieces;
}

/** Without indentation and blanks at the end, of which one stays after a backslash. */
function trimLine(line: string): string {
  let start = 0;
  while (line[start] === " " || line[start] === "\t") start++;
  let end = line.length;
  while (end > start && " \t\r".includes(line.charAt(end - 1))) end--;
  const blank = line[end - 1] === "\\" && /[ \t]/.test(line.slice(end));
  return line.slice(start, end) + (blank ? " " : "");
}

/** keepalived's blanks only: `trim()` would take the byte 0xA0, which may be half of a letter, for one. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Space, and tab to CR without LF, which never stands inside a line. */
const isBlank = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d);
