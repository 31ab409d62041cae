import { braceRow, isOpaque, LONGEST_LINE, mayContinue, rowsOf } from "./rows.js";
import { scanLine, trimBlanks } from "./scan.js";
import { Writer } from "./writer.js";

export interface FormatOptions {
  /** What one level is indented by; four blanks when left out. */
  readonly indent?: string;
}

/** Something in the text that cannot be formatted and was kept. */
export interface FormatNote {
  /** From 1. */
  readonly line: number;
  /** One sentence. */
  readonly sentence: string;
}

export interface FormatResult {
  readonly text: string;
  readonly notes: readonly FormatNote[];
}

const BRACES = { "{": braceRow("{"), "}": braceRow("}") };

/** No larger text is returned: holdfast reads no larger file either. */
const LARGEST_RESULT = 256 * 1024 * 1024;
/** So that a file of garbage does not give as many notes as it has lines. */
const MOST_NOTES = 1000;

/**
 * The canonical form of a keepalived.conf, with the same meaning. Pure, linear, never throws on any content. One
 * character is one byte (latin1), so that text that is not UTF-8 survives.
 */
export function formatConfig(text: string, options: FormatOptions = {}): FormatResult {
  return new Formatter(options.indent ?? "    ").run(text);
}

class Formatter {
  readonly #writer: Writer;
  readonly #notes: FormatNote[] = [];
  /** Between the lines of a definition. */
  #inValue: boolean = false;
  #line = 0;

  constructor(indent: string) {
    this.#writer = new Writer(indent);
  }

  run(text: string): FormatResult {
    for (let start = 0; start < text.length; ) {
      const found = text.indexOf("\n", start);
      const end = found === -1 ? text.length : found;
      this.#line++;
      this.#add(text.slice(start, end));
      start = end + 1;
      if (this.#writer.size > Math.max(LARGEST_RESULT, text.length)) {
        this.#note("the indented text would become too large; the whole text is kept as it is");
        return { text, notes: this.#notes };
      }
    }
    return { text: this.#writer.finish(), notes: this.#notes };
  }

  #add(line: string): void {
    if (line.includes("\0")) this.#keep(line, "the line holds a NUL byte and is kept as it is; remove the byte");
    else if (line.length > LONGEST_LINE) {
      const sentence = `the line is longer than the ${LONGEST_LINE} bytes that keepalived reads and is kept as it is; split it`;
      this.#keep(line, sentence);
    } else if (this.#inValue) this.#addValueLine(line);
    else this.#addLine(line);
  }

  /** keepalived throws away a part of such a line. What remains may be the beginning of a value. */
  #keep(line: string, sentence: string): void {
    this.#note(sentence);
    this.#writer.verbatim(line);
    this.#inValue ||= line.includes("\\");
  }

  /** Only a line that is empty ends a value; one of blanks, form feeds among them, does not, and must not become empty. */
  #addValueLine(line: string): void {
    const text = line.replace(/\r+$/, "");
    if (line === "" || line === "\r") this.#writer.endOfValue();
    else this.#writer.verbatim(text === "" ? " " : text);
    const { code, endsInBackslash } = scanLine(line);
    if (line === "" || line === "\r" || (trimBlanks(code) !== "" && !endsInBackslash)) this.#inValue = false;
  }

  #addLine(line: string): void {
    const text = trimBlanks(line);
    if (text === "") {
      this.#writer.blank();
      return;
    }
    if (text === "{" || text === "}") {
      this.#writer.row(BRACES[text]); // a third of all lines: spared the scan
      return;
    }
    const scanned = scanLine(line);
    if (scanned.code === "") {
      this.#writer.comment(scanned.comment);
      return;
    }
    if (scanned.doubt === "open-quote" && !isOpaque(scanned)) {
      this.#note("a double quote is not closed on the line, which is kept as it is; close the quote");
    }
    for (const row of rowsOf(scanned)) this.#writer.row(row);
    this.#inValue = mayContinue(scanned);
  }

  #note(sentence: string): void {
    if (this.#notes.length < MOST_NOTES) this.#notes.push({ line: this.#line, sentence });
  }
}
