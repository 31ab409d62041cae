import { LONGEST_LINE, lengthOf, type Row } from "./rows.js";
import { trimBlanks } from "./scan.js";

/** Deeper lines are indented no further: only unbalanced braces get there, and their indentation would fill the memory. */
const DEEPEST_LEVEL = 10;
const LINES_PER_CHUNK = 4096;

/** Puts rows, comments and blank lines below each other: indentation, runs of blank lines, `{` at the end of its line. */
export class Writer {
  readonly #indents: readonly string[];
  readonly #depth = new Depth();
  #chunks: string[] = [];
  #lines: string[] = [];
  /** Characters written so far. */
  #size = 0;
  /** The last row; it is written when it is known that no `{` follows. */
  #held: { readonly row: Row; readonly indent: string } | undefined;
  /** Blank lines were read since the last line that was written. */
  #gap: boolean = false;
  #lastOpens: boolean = false;
  #lastIsEmpty: boolean = true;

  constructor(indent: string) {
    this.#indents = Array.from({ length: DEEPEST_LEVEL + 1 }, (_, level) => indent.repeat(level));
  }

  get size(): number {
    return this.#size;
  }

  blank(): void {
    this.#gap = true;
  }

  row(row: Row): void {
    if (row.text === "{" && this.#takeBrace(row)) return;
    const { condition, braces } = row;
    const closes = trimBlanks(row.text.slice(condition.length)).startsWith("}");
    this.#begin(!closes);
    const indent = this.#indentAt(this.#depth.of(condition) - (closes ? 1 : 0));
    this.#held = { row, indent };
    this.#depth.move(condition, braces);
    this.#lastOpens = braces.at(-1) === "{" && row.text.endsWith("{");
  }

  comment(text: string): void {
    this.#begin(true);
    this.#put(this.#indented(text, this.#indentAt(this.#depth.current)));
  }

  /** A line of which no byte may change. */
  verbatim(line: string): void {
    this.#begin(true);
    this.#put(line);
  }

  /** An empty line that ends a value and therefore has a meaning. */
  endOfValue(): void {
    this.#begin(true);
    this.#put("");
    this.#lastIsEmpty = true;
  }

  finish(): string {
    this.#flush();
    return [...this.#chunks, ...this.#lines].join("");
  }

  /** What comes is neither a `{` for the held row nor a blank line. */
  #begin(mayHaveGap: boolean): void {
    this.#flush();
    if (this.#gap && mayHaveGap && !this.#lastOpens && !this.#lastIsEmpty) this.#put("");
    this.#gap = false;
    this.#lastOpens = false;
    this.#lastIsEmpty = false;
  }

  /** Appends a `{` on a line of its own to the held row. @returns false where that would lose a comment or a meaning. */
  #takeBrace({ comment, braces, condition }: Row): boolean {
    if (this.#held === undefined || condition !== "") return false;
    const { row, indent } = this.#held;
    if (!row.takesBrace || (row.comment !== "" && comment !== "")) return false;
    // keepalived moves a backslash at the end of a comment in front of it.
    if (/\\ ?$/.test(row.comment)) return false;
    const joined = { ...row, text: `${row.text} {`, comment: row.comment + comment, braces, takesBrace: false };
    if (lengthOf(joined) > LONGEST_LINE) return false;
    this.#held = { row: joined, indent };
    this.#depth.move("", braces);
    this.#gap = false;
    this.#lastOpens = true;
    return true;
  }

  #flush(): void {
    if (this.#held === undefined) return;
    const { row, indent } = this.#held;
    this.#held = undefined;
    this.#put(this.#indented(row.comment === "" ? row.text : `${row.text}  ${row.comment}`, indent));
  }

  #indented(text: string, indent: string): string {
    return indent.length + text.length <= LONGEST_LINE ? indent + text : text;
  }

  #indentAt(level: number): string {
    return this.#indents[Math.max(0, Math.min(level, DEEPEST_LEVEL))] ?? "";
  }

  #put(line: string): void {
    this.#lines.push(`${line}\n`);
    this.#size += line.length + 1;
    if (this.#lines.length < LINES_PER_CHUNK) return;
    this.#chunks.push(this.#lines.join(""));
    this.#lines = [];
  }
}

/**
 * How many blocks are open. Neighbouring lines with conditions are alternatives: each condition counts for itself, so
 * that `@a x {` and `@^a y {` open one block, not two.
 */
class Depth {
  #depth = 0;
  readonly #branches = new Map<string, number>();

  /** As the last line left it. */
  current = 0;

  of(condition: string): number {
    if (condition === "") this.#settle();
    return condition === "" ? this.#depth : (this.#branches.get(condition) ?? this.#depth);
  }

  move(condition: string, braces: readonly string[]): void {
    let depth = this.of(condition);
    for (const brace of braces) depth = brace === "{" ? depth + 1 : Math.max(0, depth - 1);
    if (condition === "") this.#depth = depth;
    else this.#branches.set(condition, depth);
    this.current = depth;
  }

  /** The alternatives end: the first of those that went furthest says where we are. */
  #settle(): void {
    if (this.#branches.size === 0) return;
    const start = this.#depth;
    for (const depth of this.#branches.values()) {
      if (Math.abs(depth - start) > Math.abs(this.#depth - start)) this.#depth = depth;
    }
    this.#branches.clear();
  }
}
