import { applyLine } from "./apply.js";
import type { Diagnostics } from "./diagnostics.js";
import type { BlockKeyword, Context, ListKeyword, Repeat, Scope } from "./keyword.js";
import { peersDepend } from "./keywords/later.js";
import type { Statement, Word, WordsStatement } from "./lexer.js";
import type { SourcePosition } from "./model.js";
import { didYouMean } from "./suggest.js";

/**
 * Walks the statements with the keyword tables and fills `draft`. Follows keepalived's rules for braces (reference:
 * keepalived.conf(5)) except that an unknown word skips its whole block instead of tearing the rest apart.
 * Recursion is as deep as the tables nest; unknown blocks are skipped by counting.
 */
export function readStatements<Draft extends object>(
  statements: readonly Statement[],
  root: Scope<Draft>,
  draft: Draft,
  diagnostics: Diagnostics,
): void {
  new Reader(statements, Object.keys(root.keywords), diagnostics).run(root, draft);
}

interface OpenBlock {
  readonly name: string;
  readonly at: SourcePosition;
}

class Reader {
  readonly #statements: readonly Statement[];
  readonly #topLevel: readonly string[];
  readonly #diagnostics: Diagnostics;
  /** Blocks entered and not left, outermost first. */
  readonly #open: OpenBlock[] = [];
  /** Keywords already given, by draft. */
  readonly #seen = new WeakMap<object, Set<string>>();
  #next = 0;

  constructor(statements: readonly Statement[], topLevel: readonly string[], diagnostics: Diagnostics) {
    this.#statements = statements;
    this.#topLevel = topLevel;
    this.#diagnostics = diagnostics;
  }

  run<Draft extends object>(root: Scope<Draft>, draft: Draft): void {
    while (this.#next < this.#statements.length) this.#readBody(root, draft, true);
    const innermost = this.#open.at(-1);
    if (innermost === undefined) return;
    const message = `There are ${this.#open.length} missing '}'s or extra '{'s`;
    const hint = `the block '${innermost.name}' that begins here is not closed`;
    this.#diagnostics.error("CFG_BRACE", innermost.at, message, hint);
  }

  /** Up to and including the `}` that ends the block; at top level such a `}` is surplus. */
  #readBody<Draft extends object>(scope: Scope<Draft>, draft: Draft, top: boolean): void {
    for (let statement = this.#take(); statement !== undefined; statement = this.#take()) {
      if (statement.kind === "words") this.#dispatch(scope, draft, statement);
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

  #dispatch<Draft extends object>(scope: Scope<Draft>, draft: Draft, statement: WordsStatement): void {
    const [first, ...rest] = statement.words;
    const keyword = Object.hasOwn(scope.keywords, first.text) ? scope.keywords[first.text] : undefined;
    if (keyword === undefined) {
      this.#unknown(scope, first);
      return;
    }
    const context: Context = { keyword: first.text, at: first.at, diagnostics: this.#diagnostics };
    if (keyword.kind === "block") this.#block(keyword, draft, rest, context);
    else if (keyword.kind === "list") this.#list(keyword, draft, rest, context);
    else {
      const repeat = keyword.kind === "script" ? "first-wins-reported" : keyword.repeat;
      if (this.#mayRepeat(draft, repeat, context)) applyLine(keyword, draft, statement, context);
      this.#refuseBlock(first);
    }
  }

  #mayRepeat(draft: object, repeat: Repeat, { keyword, at }: Context): boolean {
    const seen = this.#seen.get(draft) ?? new Set<string>();
    this.#seen.set(draft, seen);
    const again = seen.has(keyword);
    seen.add(keyword);
    if (!again || repeat === "last-wins" || repeat === "append") return true;
    const first = repeat === "first-wins-reported";
    const message = `'${keyword}' is given twice; the ${first ? "first" : "last"} one is used`;
    this.#diagnostics.error("CFG_REPEATED", at, message, "remove one of them");
    return !first;
  }

  #unknown<Draft>(scope: Scope<Draft>, word: Word): void {
    this.#reportUnknown(scope, word);
    this.#skipBlockOf(word);
  }

  #reportUnknown<Draft>(scope: Scope<Draft>, word: Word): void {
    const name = word.text;
    if (scope.later.includes(name) && peersDepend.includes(name)) {
      const hint = "peers that use it and this host would not accept each other's adverts: remove it on all of them";
      this.#diagnostics.error("CFG_NOT_IN_VERSION", word.at, `'${name}' is not in this version`, hint);
    } else if (scope.later.includes(name)) {
      const message = `'${name}' in ${scope.name} is accepted, without effect in this version`;
      this.#diagnostics.warn("CFG_LATER", word.at, message);
    } else {
      const hint = this.#diagnostics.full ? undefined : this.#hintForUnknown(scope, name);
      this.#diagnostics.error("CFG_UNKNOWN_KEYWORD", word.at, `Unknown keyword '${name}'`, hint);
    }
  }

  #hintForUnknown<Draft>(scope: Scope<Draft>, name: string): string {
    if (scope.name !== "the file" && this.#topLevel.includes(name)) {
      return `'${name}' belongs to the top level: is a '}' missing above?`;
    }
    return didYouMean(name, [...Object.keys(scope.keywords), ...scope.later]) ?? `it is not a keyword of ${scope.name}`;
  }

  #block<Draft>(keyword: BlockKeyword<Draft>, draft: Draft, header: readonly Word[], context: Context): void {
    this.#enter(context);
    let read = false;
    keyword.enter(draft, header, context, (scope, child) => {
      read = true;
      this.#readBody(scope, child, false);
    });
    if (!read) this.#skipToClose();
  }

  #list<Draft>(keyword: ListKeyword<Draft>, draft: Draft, header: readonly Word[], context: Context): void {
    if (header[0] !== undefined) {
      const message = `Block ${context.keyword} has extra parameters ${header[0].text}`;
      this.#diagnostics.error("CFG_BRACE", header[0].at, message, "put them inside the braces");
    }
    this.#enter(context);
    for (let statement = this.#take(); statement !== undefined; statement = this.#take()) {
      if (statement.kind === "close") {
        this.#open.pop();
        return;
      }
      if (statement.kind === "open") this.#strayOpen(context.keyword, statement.at);
      else
        for (const words of entriesOf(keyword, statement)) keyword.entry(draft, words, { ...context, at: words[0].at });
    }
  }

  /** Takes the `{`. Without it what follows is read as the inside of the block all the same. */
  #enter({ keyword, at }: Context): void {
    this.#open.push({ name: keyword, at });
    if (this.#statements[this.#next]?.kind === "open") {
      this.#next++;
      return;
    }
    this.#diagnostics.error(
      "CFG_BRACE",
      at,
      "Missing '{' at beginning of configuration block",
      `write: ${keyword} ... {`,
    );
  }

  /** A `{` after a keyword that begins no block. */
  #refuseBlock(word: Word): void {
    const statement = this.#statements[this.#next];
    if (statement?.kind !== "open") return;
    const message = "Unexpected '{' - ignoring";
    this.#diagnostics.error("CFG_BRACE", statement.at, message, `'${word.text}' begins no block; its block is skipped`);
    this.#skipBlockOf(word);
  }

  #skipBlockOf(word: Word): void {
    if (this.#statements[this.#next]?.kind !== "open") return;
    this.#next++;
    this.#skipGroup(word.text, word.at);
  }

  #skipGroup(name: string, at: SourcePosition): void {
    this.#open.push({ name, at });
    this.#skipToClose();
  }

  /** Up to the `}` of the innermost open block. */
  #skipToClose(): void {
    const depth = this.#open.length;
    while (this.#open.length >= depth) {
      const statement = this.#take();
      if (statement === undefined) return;
      if (statement.kind === "open") this.#open.push({ name: "{", at: statement.at });
      if (statement.kind === "close") this.#open.pop();
    }
  }

  #take(): Statement | undefined {
    return this.#statements[this.#next++];
  }
}

const entriesOf = (
  keyword: { readonly entries: "lines" | "words" },
  statement: WordsStatement,
): readonly WordsStatement["words"][] =>
  keyword.entries === "lines" ? [statement.words] : statement.words.map((word): [Word] => [word]);
