import type { Diagnostics } from "./diagnostics.js";
import { includeFiles } from "./include.js";
import { type SourceLine, withoutComment } from "./lexer.js";
import type { ConfigHost } from "./ports.js";
import { Definitions } from "./substitution.js";

/** The stage between files and statements: conditions, definitions, substitution and includes, line by line. */
export interface PreprocessResult {
  readonly lines: readonly SourceLine[];
  /** Every file that was read, the main one first. */
  readonly files: readonly string[];
  /** The main file could not be read. */
  readonly missing: boolean;
}

/** Include chains are bounded: a loop is refused, and so is a file set that doubles at every level. */
const MOST_FILES = 10_000;
const DEEPEST = 64;

export function preprocess(file: string, host: ConfigHost, diagnostics: Diagnostics): PreprocessResult {
  return new Preprocessor(host, diagnostics).run(file);
}

class Preprocessor {
  readonly #host: ConfigHost;
  readonly #diagnostics: Diagnostics;
  readonly #definitions: Definitions;
  readonly #lines: SourceLine[] = [];
  readonly #files: string[] = [];
  /** Files being read, outermost first. */
  readonly #open: string[] = [];

  constructor(host: ConfigHost, diagnostics: Diagnostics) {
    this.#host = host;
    this.#diagnostics = diagnostics;
    this.#definitions = new Definitions(host, diagnostics);
  }

  run(pattern: string): PreprocessResult {
    const found = includeFiles(pattern, this.#host.workingDirectory, this.#host);
    let missing = found.files.length === 0;
    for (const file of found.files) missing = !this.#readMain(file) || missing;
    if (found.files.length === 0) this.#noMain(pattern, "ENOENT");
    return { lines: this.#lines, files: this.#files, missing };
  }

  #readMain(file: string): boolean {
    const content = this.#host.readFile(file);
    if (content.kind === "content") this.#addFile(file, content.bytes);
    else this.#noMain(file, content.why);
    return content.kind === "content";
  }

  #noMain(file: string, why: string): void {
    const hint = "name an existing file with -f, readable by the daemon's user";
    this.#diagnostics.error("CFG_FILE", undefined, `Config files missing '${file}' (${why}).`, hint);
  }

  #addFile(file: string, bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    this.#files.push(file);
    this.#open.push(file);
    this.#diagnostics.addSource(file, lines);
    for (const [i, line] of lines.entries()) this.#addLine(file, i + 1, line);
    this.#open.pop();
  }

  #addLine(file: string, line: number, raw: string): void {
    const stripped = withoutComment(raw).trimEnd();
    if (stripped === "") return;
    const column = stripped.search(/\S/) + 1;
    const selected = selectLine(stripped.slice(column - 1), column, this.#host.configId);
    if (selected === undefined) return;
    const { text: given } = selected;
    const at = { file, line, column: selected.column };
    if (given.includes("\uFFFD")) {
      const hint = "save the file as UTF-8";
      this.#diagnostics.warn("CFG_ADVICE", at, "the line is not valid UTF-8; the bytes in question are replaced", hint);
    }
    if (this.#definitions.define(given, at)) return;
    const text = this.#definitions.expand(given, at);
    const include = /^include([rmwba]?)[ \t]+(\S.*)$/.exec(text);
    if (include !== null) this.#include(at, include[1] ?? "", (include[2] ?? "").trim());
    else if (text !== "") this.#lines.push({ file, line, column: at.column, text, substituted: text !== given });
  }

  /** `checks`: the letter after `include`; any of them makes a file that cannot be read an error (exit 6). */
  #include(at: { file: string; line: number; column: number }, checks: string, pattern: string): void {
    const found = includeFiles(pattern, directoryOf(at.file), this.#host);
    const refused = checks !== "";
    const complain = (message: string, hint: string): void => {
      if (refused) this.#diagnostics.error("CFG_INCLUDE_REFUSED", at, message, hint);
      else this.#diagnostics.warn("CFG_INCLUDE", at, message, hint);
    };
    const strict = found.wild ? checks === "w" || checks === "a" || checks === "" : checks !== "r";
    if (found.files.length === 0 && strict) {
      complain(`Config files missing '${pattern}'.`, `the name is looked up in ${directoryOf(at.file)}`);
    }
    for (const file of found.files) {
      const problem = this.#includeOne(file);
      if (problem !== undefined) complain(`Unable to include '${file}': ${problem}`, "check its name and permissions");
    }
  }

  #includeOne(file: string): string | undefined {
    if (this.#open.includes(file)) return "it includes itself";
    if (this.#open.length >= DEEPEST || this.#files.length >= MOST_FILES) return "too many files include each other";
    const content = this.#host.readFile(file);
    if (content.kind === "unreadable") return content.why;
    this.#addFile(file, content.bytes);
    return undefined;
  }
}

/** `@id rest` and `@^id rest`: the rest, or undefined when the line is for another configuration id. */
function selectLine(text: string, column: number, id: string): { text: string; column: number } | undefined {
  if (!text.startsWith("@")) return text === "" ? undefined : { text, column };
  const match = /^@(\^?)(\S+)(\s+)(.*)$/s.exec(text);
  if (match === null || (match[2] === id) === (match[1] === "^")) return undefined;
  const rest = match[4] ?? "";
  return rest === "" ? undefined : { text: rest, column: column + text.length - rest.length };
}

const directoryOf = (file: string): string => file.slice(0, file.lastIndexOf("/")) || "/";
