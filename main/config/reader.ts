import { applyLine } from "./apply.js";
import type { Diagnostics } from "./diagnostics.js";
import type { IncludeControl } from "./include-control.js";
import {
  type BlockKeyword,
  Context,
  contextAt,
  type Keyword,
  type ListKeyword,
  repeatRule,
  type Scope,
} from "./keyword.js";
import type { Statement, Word, WordsStatement } from "./lexer.js";
import type { SourcePosition } from "./model.js";
import { didYouMean } from "./suggest.js";

/**
 * Walks the statements with the keyword tables and fills `draft`. Follows keepalived's rules for braces (reference:
 * keepalived.conf(5)) except that an unknown word skips its whole block instead of tearing the rest apart.
 * Recursion is as deep as the tables nest; unknown blocks are skipped by counting.
 */
export function readStatements<Draft extends object>(
  statements: StatementStream,
  root: Scope<Draft>,
  draft: Draft,
  diagnostics: Diagnostics,
): void {
  new Reader(statements, Object.keys(root.keywords), diagnostics).run(root, draft);
}

/** Pulled one by one: a keyword may change how the lines after it are read. */
export interface StatementStream {
  next(): Statement | undefined;
  peek(): Statement | undefined;
  readonly control: IncludeControl;
}

type OpenBlock = Pick<Context, "keyword" | "at">;

class Reader {
  readonly #statements: StatementStream;
  readonly #topLevel: readonly string[];
  readonly #diagnostics: Diagnostics;
  /** Blocks entered and not left, outermost first. */
  readonly #open: OpenBlock[] = [];
  /** Keywords already given, by draft. */
  readonly #seen = new WeakMap<object, Set<string>>();
  /** Looked up once per line: a Map is faster than the objects that the tables are. */
  readonly #tables = new Map<object, ReadonlyMap<string, Keyword<never>>>();
  /** Braces that were open inside blocks that are skipped, when the input ended. */
  #unclosed = 0;

  constructor(statements: StatementStream, topLevel: readonly string[], diagnostics: Diagnostics) {
    this.#statements = statements;
    this.#topLevel = topLevel;
    this.#diagnostics = diagnostics;
  }

  run<Draft extends object>(root: Scope<Draft>, draft: Draft): void {
    this.#readBody(root, draft, true);
    const innermost = this.#open.at(-1);
    if (innermost === undefined) return;
    const message = `There are ${this.#open.length + this.#unclosed} missing '}'s or extra '{'s`;
    const hint = `the block '${innermost.keyword}' that begins here is not closed`;
    this.#diagnostics.error("CFG_BRACE", innermost.at, message, hint);
  }

  /** Up to and including the `}` that ends the block; at top level such a `}` is surplus. */
  #readBody<Draft extends object>(scope: Scope<Draft>, draft: Draft, top: boolean): void {
    const table = this.#tableOf(scope);
    for (let statement = this.#take(); statement !== undefined; statement = this.#take()) {
      if (statement.kind === "words") this.#dispatch(scope, table, draft, statement);
      else if (statement.kind === "open") this.#strayOpen(scope.name, statement.at);
      else if (!top) {
        this.#open.pop();
        return;
      } else
        this.#diagnostics.error("CFG_BRACE", statement.at, "Extra '}' found", "remove it, or look for a missing '{'");
    }
  }

  /** keepalived reads what is inside as siblings and lets the `}` close the enclosing block; we skip to that `}`. */
  #strayOpen(where: string, at: SourcePosition): void {
    const hint = `no block begins here in ${where}; everything up to its '}' is skipped`;
    this.#diagnostics.error("CFG_BRACE", at, "Unexpected '{' - ignoring", hint);
    this.#skipGroup("{", at);
  }

  #tableOf<Draft>(scope: Scope<Draft>): ReadonlyMap<string, Keyword<Draft>> {
    let table = this.#tables.get(scope);
    if (table === undefined) {
      table = new Map(Object.entries(scope.keywords));
      this.#tables.set(scope, table);
    }
    return table as ReadonlyMap<string, Keyword<Draft>>; // made of this scope's keywords
  }

  #dispatch<Draft extends object>(
    scope: Scope<Draft>,
    table: ReadonlyMap<string, Keyword<Draft>>,
    draft: Draft,
    statement: WordsStatement,
  ): void {
    const first = statement.words[0];
    const keyword = table.get(first.text);
    if (keyword === undefined) {
      this.#unknown(scope, first);
      return;
    }
    const context = new Context(first.text, first, this.#diagnostics, this.#statements.control);
    this.#note(scope, keyword, first);
    if (keyword.kind === "block") this.#block(keyword, draft, statement.words.slice(1), context);
    else if (keyword.kind === "list") this.#list(keyword, draft, statement.words.slice(1), context);
    else {
      if (this.#mayRepeat(draft, keyword, context)) applyLine(keyword, draft, statement, context);
      this.#refuseBlock(first);
    }
  }

  /** What is said about a keyword whatever its values. */
  #note<Draft>(scope: Scope<Draft>, { effect, insteadOfIt, deprecated }: Keyword<Draft>, word: Word): void {
    if (deprecated !== undefined) this.#diagnostics.deprecated(word.text, word.at, deprecated);
    if (effect === "accepted") this.#diagnostics.accepted(scope.name, word.text, word.at, insteadOfIt);
  }

  #mayRepeat<Draft extends object>(draft: Draft, rule: Keyword<Draft>, { keyword, at }: Context): boolean {
    const repeat = repeatRule(rule);
    if (repeat === "last-wins" || repeat === "append") return true;
    const seen = this.#seen.get(draft) ?? new Set<string>();
    this.#seen.set(draft, seen);
    const name = rule.aliasOf ?? keyword;
    if (!seen.has(name)) {
      seen.add(name);
      return true;
    }
    const first = repeat === "first-wins-reported";
    const message = `'${keyword}' is given twice; the ${first ? "first" : "last"} one is used`;
    this.#diagnostics.error("CFG_REPEATED", at, message, "remove one of them");
    return !first;
  }

  #unknown<Draft>(scope: Scope<Draft>, word: Word): void {
    const hint = this.#diagnostics.full ? undefined : this.#hintForUnknown(scope, word.text);
    this.#diagnostics.error("CFG_UNKNOWN_KEYWORD", word.at, `Unknown keyword '${word.text}'`, hint);
    this.#skipBlockOf(word);
  }

  #hintForUnknown<Draft>(scope: Scope<Draft>, name: string): string {
    if (scope.name !== "the file" && this.#topLevel.includes(name)) {
      return `'${name}' belongs to the top level: is a '}' missing above?`;
    }
    return didYouMean(name, Object.keys(scope.keywords)) ?? `it is not a keyword of ${scope.name}`;
  }

  #block<Draft>(keyword: BlockKeyword<Draft>, draft: Draft, header: readonly Word[], context: Context): void {
    this.#enter(context);
    const child = keyword.open(draft, header, context);
    if (child === undefined) {
      this.#skipToClose();
      return;
    }
    this.#readBody(keyword.body, child, false);
    keyword.close?.(draft, child, context);
  }

  #list<Draft extends object>(
    keyword: ListKeyword<Draft>,
    draft: Draft,
    header: readonly Word[],
    context: Context,
  ): void {
    if (header[0] !== undefined && keyword.open === undefined) {
      const message = `Block ${context.keyword} has extra parameters ${header[0].text}`;
      this.#diagnostics.error("CFG_BRACE", header[0].at, message, "put them inside the braces");
    }
    this.#enter(context);
    const child = keyword.open === undefined ? draft : keyword.open(draft, header, context);
    if (child === undefined || !this.#mayRepeat(draft, keyword, context)) {
      this.#skipToClose();
      return;
    }
    let entries = 0;
    for (let statement = this.#take(); statement !== undefined; statement = this.#take()) {
      if (statement.kind === "close") {
        this.#open.pop();
        if (entries === 0 && keyword.empty !== undefined) {
          this.#diagnostics.warn(
            "CFG_ADJUSTED",
            context.at,
            keyword.empty,
            `write: ${context.keyword} { ${keyword.shape} }`,
          );
        }
        return;
      }
      if (statement.kind === "open") this.#strayOpen(context.keyword, statement.at);
      else
        for (const words of entriesOf(keyword, statement)) {
          entries++;
          keyword.entry(child as Draft, words, contextAt(context, words[0]));
        }
    }
  }

  /** Takes the `{`. Without it what follows is read as the inside of the block all the same. */
  #enter(context: Context): void {
    this.#open.push(context);
    if (this.#statements.peek()?.kind === "open") {
      this.#take();
      return;
    }
    this.#diagnostics.error(
      "CFG_BRACE",
      context.at,
      "Missing '{' at beginning of configuration block",
      `write: ${context.keyword} ... {`,
    );
  }

  /** A `{` after a keyword that begins no block. */
  #refuseBlock(word: Word): void {
    const statement = this.#statements.peek();
    if (statement?.kind !== "open") return;
    const message = "Unexpected '{' - ignoring";
    this.#diagnostics.error(
      "CFG_BRACE",
      statement.at,
      message,
      `'${word.text}' begins no block; what is in its braces is skipped`,
    );
    this.#skipBlockOf(word);
  }

  #skipBlockOf(word: Word): void {
    if (this.#statements.peek()?.kind !== "open") return;
    this.#take();
    this.#skipGroup(word.text, word.at);
  }

  #skipGroup(keyword: string, at: SourcePosition): void {
    this.#open.push({ keyword, at });
    this.#skipToClose();
  }

  /** Up to the `}` of the innermost open block. */
  #skipToClose(): void {
    for (let depth = 1; depth > 0; ) {
      const statement = this.#take();
      if (statement === undefined) {
        this.#unclosed = depth - 1;
        return;
      }
      if (statement.kind === "open") depth++;
      else if (statement.kind === "close") depth--;
    }
    this.#open.pop();
  }

  #take(): Statement | undefined {
    return this.#statements.next();
  }
}

const entriesOf = (
  keyword: { readonly entries: "lines" | "words" },
  statement: WordsStatement,
): readonly WordsStatement["words"][] =>
  keyword.entries === "lines" ? [statement.words] : statement.words.map((word): [Word] => [word]);
