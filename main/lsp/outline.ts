import { stripLine } from "../config/comment.js";
import { Diagnostics } from "../config/diagnostics.js";
import { Lexer, type Statement, StatementQueue, type Word } from "../config/lexer.js";
import { SourceFile } from "../config/source-file.js";

/** One statement of a text being edited, with what is in its braces. Lines and columns count from 1. */
export interface Node {
  readonly words: readonly [Word, ...Word[]];
  readonly line: number;
  /** Undefined: it has no braces (so far). */
  children: Node[] | undefined;
  /** Line of the `}`; the last line of the text while it is missing. */
  endLine: number;
}

export interface Definition {
  readonly name: string;
  readonly value: string;
  readonly line: number;
  readonly column: number;
}

export interface Outline {
  readonly nodes: readonly Node[];
  readonly definitions: readonly Definition[];
  readonly includes: readonly { readonly pattern: string; readonly line: number; readonly column: number }[];
}

/**
 * The blocks of one text as it stands, whatever is wrong with it. Nothing is substituted or included: an editor shows
 * what is there, not what it becomes.
 */
export function outlineOf(path: string, text: string): Outline {
  const file = new SourceFile(path, Buffer.from(text));
  const builder = new Builder();
  const lexer = new Lexer(new Diagnostics());
  let start = 0;
  for (let line = 1; start <= file.text.length; line++) {
    const lineEnd = file.text.indexOf("\n", start);
    const end = lineEnd === -1 ? file.text.length : lineEnd;
    readLine(file, start, end, line, lexer, builder);
    start = end + 1;
  }
  return builder.finish();
}

const definition = /^\$([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s;
const include = /^include[rmwba]?[ \t]+(\S.*)$/s;
const condition = /^@\S*[ \t]+/;
const repetition = /^~(?:SEQx?|LST)\([^)]*\)[ \t]*/;

function readLine(file: SourceFile, start: number, end: number, line: number, lexer: Lexer, builder: Builder): void {
  const stripped = stripLine(file.text, start, end);
  let from = stripped.start;
  for (const prefix of [condition, repetition]) {
    from += prefix.exec(file.text.slice(from, stripped.end))?.[0].length ?? 0;
  }
  const text = file.text.slice(from, stripped.end);
  const column = from - start + 1;
  const defined = definition.exec(text);
  const included = include.exec(text);
  if (defined !== null) {
    builder.definitions.push({ name: defined[1] ?? "", value: (defined[2] ?? "").trim(), line, column });
  } else if (included !== null) {
    builder.includes.push({
      pattern: included[1] ?? "",
      line,
      column: column + text.length - (included[1] ?? "").length,
    });
  } else {
    const statements = new StatementQueue();
    lexer.anyLine({ origin: file, line, lineStart: start }, from, stripped.end, statements);
    for (const statement of statements.items) builder.add(statement, line);
  }
  builder.lastLine = line;
}

/** The tables nest six deep. Whoever walks the outline recurses, and so does JSON. */
const DEEPEST = 50;

class Builder {
  readonly definitions: Definition[] = [];
  readonly includes: { pattern: string; line: number; column: number }[] = [];
  readonly #nodes: Node[] = [];
  /** Blocks that are open, outermost first. */
  readonly #open: Node[] = [];
  /** Braces that are open inside the deepest block: what is in them counts as its own. */
  #deeper = 0;
  #last: Node | undefined;
  lastLine = 1;

  add(statement: Statement, line: number): void {
    if (statement.kind === "words") {
      this.#last = { words: statement.words, line, children: undefined, endLine: line };
      (this.#open.at(-1)?.children ?? this.#nodes).push(this.#last);
    } else if (statement.kind === "open") {
      if (this.#open.length >= DEEPEST) this.#deeper++;
      if (this.#last === undefined || this.#deeper > 0) return;
      this.#last.children ??= [];
      this.#open.push(this.#last);
      this.#last = undefined;
    } else if (this.#deeper > 0) this.#deeper--;
    else {
      const closed = this.#open.pop();
      if (closed !== undefined) closed.endLine = line;
      this.#last = undefined;
    }
  }

  finish(): Outline {
    for (const node of this.#open) node.endLine = this.lastLine;
    return { nodes: this.#nodes, definitions: this.definitions, includes: this.includes };
  }
}

/** Every statement, outer ones first, with the names of the blocks around it. */
export function* walkOutline(
  nodes: readonly Node[],
  path: readonly string[] = [],
): Generator<{ node: Node; path: readonly string[] }> {
  for (const node of nodes) {
    yield { node, path };
    if (node.children !== undefined) yield* walkOutline(node.children, [...path, node.words[0].text]);
  }
}
