import { stripLine, withoutComment } from "./comment.js";
import { selectedFrom } from "./condition.js";
import type { Diagnostics } from "./diagnostics.js";
import { allIncludeChecks, FileOpener } from "./file-opener.js";
import type { IncludeCheck, IncludeControl } from "./include-control.js";
import type { Input } from "./input.js";
import { Lexer, type Statement, StatementQueue } from "./lexer.js";
import { isReadable } from "./line-check.js";
import type { ExpandedFrom } from "./model.js";
import { type Place, useOf } from "./place.js";
import type { ConfigHost } from "./ports.js";
import { isRepetition, parseRepetition } from "./repetition.js";
import { MadeLine } from "./source-file.js";
import { Definitions, type Expansion } from "./substitution.js";
import { beginsDefinition, UnfinishedDefinition } from "./unfinished-definition.js";

export interface SourceOptions {
  /** `-e`: every failure of an include is an error. */
  readonly allIncludeChecks?: boolean;
}

/** Plain lines that are read at once; the loop over them is what the speed depends on. */
const BATCH = 64;
/** Lines that definitions and repetitions may make: keepalived.conf(5) has an example that makes a million. */
const MOST_MADE_LINES = 10_000_000;
/** Lines between two looks at the memory. */
const LINES_PER_LOOK = 65_536;
/** Expansions inside expansions; a line knows all that it came out of. */
const DEEPEST_EXPANSION = 64;

/**
 * The files as statements, read while they are pulled, so that a keyword can change how the rest is read. Nothing that
 * was pulled is kept. The order of work on a line is that of keepalived: comment, condition, definition, repetition,
 * substitution, include, braces and words.
 */
export class StatementSource implements IncludeControl {
  readonly #host: ConfigHost;
  readonly #diagnostics: Diagnostics;
  readonly #definitions: Definitions;
  readonly #lexer: Lexer;
  readonly #opener: FileOpener;
  /** What is to be read, the nearest last. */
  readonly #inputs: Input[];
  readonly #ready = new StatementQueue();
  #at = 0;
  #unfinished: UnfinishedDefinition | undefined;
  #made = 0;
  #untilLook = LINES_PER_LOOK;

  /** `pattern` may hold wildcards. */
  constructor(pattern: string, host: ConfigHost, diagnostics: Diagnostics, options: SourceOptions = {}) {
    this.#host = host;
    this.#diagnostics = diagnostics;
    this.#definitions = new Definitions(host, diagnostics);
    this.#lexer = new Lexer(diagnostics);
    this.#opener = new FileOpener(host, diagnostics, options.allIncludeChecks === true ? allIncludeChecks : new Set());
    this.#inputs = this.#opener.openMain(pattern).reverse();
  }

  /** Every file that was read so far, the main one first. */
  get files(): readonly string[] {
    return this.#opener.files;
  }

  /** The main file could not be read. */
  get missing(): boolean {
    return this.#opener.missing;
  }

  get control(): IncludeControl {
    return this;
  }

  next(): Statement | undefined {
    return this.#at < this.#ready.size || this.#fill() ? this.#ready.items[this.#at++] : undefined;
  }

  peek(): Statement | undefined {
    return this.#at < this.#ready.size || this.#fill() ? this.#ready.items[this.#at] : undefined;
  }

  setIncludeChecks(checks: ReadonlySet<IncludeCheck>): void {
    this.#opener.checks = checks;
  }

  includeChecks(): ReadonlySet<IncludeCheck> {
    return this.#opener.checks;
  }

  /** @returns whether there is a statement */
  #fill(): boolean {
    this.#ready.size = 0;
    this.#at = 0;
    while (this.#ready.size === 0) {
      const input = this.#inputs[this.#inputs.length - 1];
      if (input === undefined) return false;
      switch (input.kind) {
        case "file":
          this.#readFile(input);
          break;
        case "includes":
          this.#nextInclude(input);
          break;
        case "definition":
          this.#nextStoredLine(input);
          break;
        case "repetition":
          this.#nextTurn(input);
          break;
      }
    }
    return true;
  }

  #leave(): void {
    const input = this.#inputs.pop();
    if (input?.kind === "file") this.#opener.close(input);
    const unfinished = this.#unfinished;
    if (unfinished !== undefined && this.#inputs.length < unfinished.depth) this.#finishDefinition(unfinished);
  }

  #readFile(input: Extract<Input, { kind: "file" }>): void {
    const { file } = input;
    if (input.offset >= file.text.length) {
      this.#leave();
      return;
    }
    let lines = 0;
    if (!file.odd && this.#unfinished === undefined) {
      while (lines < BATCH && input.offset < file.text.length) {
        if (!this.#lexer.plainLine(file, input.offset, input.line, this.#ready)) break;
        input.offset = this.#lexer.end;
        input.line++;
        lines++;
      }
    }
    if (lines === 0) this.#physicalLine(input);
    this.#look(Math.max(lines, 1));
  }

  /** A line of a file that is not plain. */
  #physicalLine(input: Extract<Input, { kind: "file" }>): void {
    const { file, offset: start } = input;
    const feed = file.text.indexOf("\n", start);
    const end = feed === -1 ? file.text.length : feed;
    const place: Place = { file, line: input.line, offset: start, from: [] };
    input.offset = end + 1;
    input.line++;
    if (!isReadable(place, end, this.#diagnostics)) return;
    const { start: first, end: last, quote, escaped } = stripLine(file.text, start, end);
    if (escaped !== -1) {
      const hint = 'write the text in double quotes: "a#b"';
      const at = file.positionOf(place.line, escaped);
      this.#diagnostics.warn("CFG_ADVICE", at, "a backslash does not protect '#' or '!'", hint);
    }
    let text = file.text.slice(first, last);
    // A definition goes on when its comment ends in a backslash.
    const goesOn = this.#unfinished !== undefined || beginsDefinition(text);
    if (goesOn && !text.endsWith("\\") && file.text.slice(last, end).trimEnd().endsWith("\\")) text += "\\";
    const at = { ...place, offset: first };
    if (this.#unfinished !== undefined) {
      const isEmpty = end === start || (end === start + 1 && file.text[start] === "\r");
      this.#continueDefinition(this.#unfinished, text, isEmpty);
    } else if (text !== "" && this.#logicalLine(text, at)) return;
    // The lexer, which would have told, did not see the line.
    if (quote !== -1) this.#lexer.unterminated({ origin: file, line: place.line, lineStart: start }, quote, end);
  }

  /** `text` stands at `place`, or was made there. @returns whether it reached the lexer */
  #logicalLine(text: string, given: Place, made = false): boolean {
    const skipped = selectedFrom(text, this.#host.configId);
    if (skipped === undefined) return false;
    const line = skipped === 0 ? text : text.slice(skipped);
    const place = made || skipped === 0 ? given : { ...given, offset: given.offset + skipped };
    if (line === "" || this.#define(line, place)) return false;
    const joined = line.endsWith("\\") ? line.replace(/\s+\\$/, "\\") : line;
    // keepalived.conf(5): outside definitions a backslash at the end is part of the last word.
    if (joined !== line) return this.#logicalLine(joined, place, true);
    if (isRepetition(line)) {
      this.#repeat(line, place);
      return false;
    }
    const expansion = line.includes("$") ? this.#definitions.expand(line, place) : { text: line, from: [], follow: [] };
    if (expansion === undefined) return false;
    if (expansion.from.length > 0 || expansion.text !== line) return this.#expandedLine(expansion, place);
    if (!this.#include(line, place)) this.#statements(line, place, made);
    return true;
  }

  /** After substitution comments are stripped once more, and the line may be anything again. */
  #expandedLine(expansion: Expansion, use: Place): boolean {
    const from = expansion.from.length === 0 ? use.from : [...use.from, ...expansion.from];
    const place: Place = { file: use.file, line: use.line, offset: use.offset, from };
    if (from.length > DEEPEST_EXPANSION) {
      const message = `definitions and repetitions stand in each other more than ${DEEPEST_EXPANSION} deep; the line is ignored`;
      this.#diagnostics.error("CFG_SUBSTITUTION", useOf(use), message, "look for a definition that contains itself");
      return false;
    }
    if (!this.#count()) return false;
    for (const { definition, from: inside } of expansion.follow) {
      const after: Place = { ...place, from: [...use.from, ...inside] };
      this.#inputs.push({ kind: "definition", lines: definition.lines, next: 1, place: after });
    }
    const text = withoutComment(expansion.text);
    // The manual says that conditions may come out of a substitution; so may the other things that begin a line.
    const again = /^(?:@|~SEQ|~LST|\$[A-Za-z_][A-Za-z0-9_]*=)/.test(text);
    if (again) return this.#logicalLine(text, place, true);
    if (text !== "" && !this.#include(text, place)) this.#statements(text, place, true);
    return true;
  }

  #statements(text: string, place: Place, made: boolean): void {
    const { file, line, offset } = place;
    if (!made) {
      const lineStart = offset === 0 ? 0 : file.text.lastIndexOf("\n", offset - 1) + 1;
      this.#lexer.anyLine({ origin: file, line, lineStart }, offset, offset + text.length, this.#ready);
    } else {
      const origin = new MadeLine(text, file.positionOf(line, offset), place.from);
      this.#lexer.anyLine({ origin, line, lineStart: 0 }, 0, text.length, this.#ready);
    }
  }

  /** @returns whether the line is a definition, which then is stored */
  #define(text: string, place: Place): boolean {
    if (!text.startsWith("$")) return false;
    const match = /^\$([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text);
    if (match === null) return false;
    const [, name = "", value = ""] = match;
    const from: ExpandedFrom = { kind: "definition", name, at: { file: place.file.path, line: place.line } };
    if (!value.endsWith("\\")) this.#definitions.set(name, { lines: [value.trim()], from });
    else {
      this.#unfinished = new UnfinishedDefinition(name, from, this.#inputs.length);
      this.#continueDefinition(this.#unfinished, value.trim(), false);
    }
    return true;
  }

  #continueDefinition(unfinished: UnfinishedDefinition, text: string, isEmpty: boolean): void {
    if (unfinished.endsWith(text, isEmpty)) this.#finishDefinition(unfinished);
  }

  #finishDefinition({ name, lines, from }: UnfinishedDefinition): void {
    this.#definitions.set(name, { lines, from });
    this.#unfinished = undefined;
  }

  #nextStoredLine(input: Extract<Input, { kind: "definition" }>): void {
    const text = input.lines[input.next++] ?? "";
    // Left before its last line is read: what that line makes does not pile up on what is done.
    if (input.next >= input.lines.length) this.#leave();
    if (!this.#count()) return;
    if (this.#unfinished !== undefined) this.#continueDefinition(this.#unfinished, text, text === "");
    else if (text !== "") this.#logicalLine(text, input.place, true);
  }

  #repeat(text: string, place: Place): void {
    const parsed = parseRepetition(text, (numbers) => this.#definitions.expand(numbers, place)?.text);
    if (parsed.ok) this.#inputs.push({ kind: "repetition", repetition: parsed.repetition, place });
    else {
      const name = text.startsWith("~LST") ? "~LST" : "~SEQ";
      const message = `Invalid ${name} specification: ${parsed.why}; the line is ignored`;
      this.#diagnostics.error("CFG_SUBSTITUTION", useOf(place), message, parsed.hint);
    }
  }

  /** The names are ordinary definitions and keep their last values. */
  #nextTurn({ repetition, place }: Extract<Input, { kind: "repetition" }>): void {
    const turn = repetition.turns.next();
    if (turn.done === true) {
      this.#leave();
      return;
    }
    if (!this.#count()) return;
    const at = { file: place.file.path, line: place.line };
    const name = repetition.names.map((variable, i) => `${variable}=${turn.value[i] ?? ""}`).join(", ");
    const from: ExpandedFrom = { kind: "repetition", name, at };
    for (const [i, variable] of repetition.names.entries()) {
      this.#definitions.set(variable, { lines: [turn.value[i] ?? ""], from });
    }
    if (repetition.text !== "") this.#logicalLine(repetition.text, { ...place, from: [...place.from, from] }, true);
  }

  /** @returns whether the line is an include */
  #include(text: string, place: Place): boolean {
    if (!text.startsWith("include")) return false;
    const match = /^include([rmwba]?)[ \t\f\v\r]+(\S.*)$/s.exec(text);
    if (match === null) return false;
    const input = this.#opener.include(match[1] ?? "", match[2] ?? "", place);
    if (input !== undefined) this.#inputs.push(input);
    return true;
  }

  #nextInclude(input: Extract<Input, { kind: "includes" }>): void {
    const path = input.files[input.next++];
    if (path === undefined) {
      this.#leave();
      return;
    }
    const file = this.#opener.open(path, input);
    if (file !== undefined) this.#inputs.push(file);
  }

  /** Counts a line that was made. @returns false: it was one too many, and nothing more is read */
  #count(): boolean {
    this.#made++;
    if (this.#made <= MOST_MADE_LINES) return this.#look(1);
    if (this.#inputs.length > 0) {
      const message = `definitions and repetitions make more than ${MOST_MADE_LINES} lines; reading ends here`;
      this.#stop(message, "look for a ~SEQ whose end is too high, or definitions that double each other");
    }
    return false;
  }

  /** Never the end of the process, whatever the files ask for. @returns false: nothing more is read */
  #look(lines: number): boolean {
    this.#untilLook -= lines;
    if (this.#untilLook > 0) return true;
    this.#untilLook = LINES_PER_LOOK;
    if (this.#host.memoryIsShort?.() !== true) return true;
    this.#stop("the configuration needs more memory than there is; reading ends here", "split it over several hosts");
    return false;
  }

  #stop(message: string, hint: string): void {
    const input = this.#inputs.at(-1);
    const at = input?.kind === "file" ? input.file.positionOf(input.line, input.offset) : input && useOf(input.place);
    this.#diagnostics.error("CFG_TEXT", at, message, hint);
    this.#unfinished = undefined;
    this.#inputs.length = 0;
  }
}
