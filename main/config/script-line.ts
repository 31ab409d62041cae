/** The tokeniser of script lines: both quotes group, quoted pieces join with adjoining text, backslash escapes. */
export interface ScriptWords {
  readonly words: readonly string[];
  /** A quote was not closed; the text after it still counts. */
  readonly unterminated: boolean;
}

const named: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * The words of a script line (command, user, group), and again those of the command: keepalived.conf(5) does it twice by the
 * same rules, so an escape that is meant for the second time has two backslashes.
 */
export function splitEscaped(text: string): ScriptWords {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  let at = 0;
  while (at < text.length) {
    const c = text.charAt(at);
    if (c === "\\" && at + 1 < text.length) {
      const piece = readEscape(text, at);
      word = (word ?? "") + piece.value;
      at += piece.length;
      continue;
    }
    at++;
    if (quote !== "" ? c === quote : c === '"' || c === "'") {
      quote = quote === "" ? c : "";
      word ??= "";
    } else if (quote === "" && /\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + c;
  }
  if (word !== undefined) words.push(word);
  return { words, unterminated: quote !== "" };
}

/** At a backslash that is not the last character. */
function readEscape(text: string, at: number): { value: string; length: number } {
  const rest = text.slice(at + 1, at + 5);
  const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
  if (octal !== undefined) return { value: byte(Number.parseInt(octal, 8)), length: 1 + octal.length };
  const hex = /^x([0-9a-fA-F]{1,2})/.exec(rest)?.[1];
  if (hex !== undefined) return { value: byte(Number.parseInt(hex, 16)), length: 2 + hex.length };
  const control = /^c(.)/s.exec(rest)?.[1];
  if (control !== undefined) return { value: byte(control.charCodeAt(0) & 0x1f), length: 3 };
  const c = rest.charAt(0);
  return { value: named[c] ?? c, length: 2 };
}

const byte = (code: number): string => String.fromCharCode(code & 255);
