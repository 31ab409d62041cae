import type { Diagnostics } from "./diagnostics.js";
import { findIncluded, includedFiles } from "./include.js";
import type { IncludeCheck } from "./include-control.js";
import type { FileInput, IncludesInput } from "./input.js";
import { directoryOf, type Place, useOf } from "./place.js";
import type { ConfigHost } from "./ports.js";
import { SourceFile } from "./source-file.js";

/** Include chains are bounded: a loop is refused, and so is a file set that doubles at every level. */
const MOST_FILES = 10_000;
const DEEPEST = 64;
/** `*` for directory after directory, with links that lead upwards, would search without end. */
const MOST_NAMES = 2_000_000;
/** All files together. */
const MOST_BYTES = 256 * 1024 * 1024;

export const allIncludeChecks: ReadonlySet<IncludeCheck> = new Set(["read", "match", "wildcard_match", "brace_match"]);

/** keepalived.conf(5): the letter after `include` adds checks to those in force. */
const checksOfLetter: Readonly<Record<string, ReadonlySet<IncludeCheck>>> = {
  "": new Set(),
  r: new Set(["read"]),
  m: new Set(["read", "match"]),
  w: new Set(["read", "match", "wildcard_match"]),
  b: new Set(["read", "brace_match"]),
  a: allIncludeChecks,
};

/** Finds and reads files, and says which failures are errors. */
export class FileOpener {
  readonly #host: ConfigHost;
  readonly #diagnostics: Diagnostics;
  /** Paths being read, outermost first. */
  readonly #open: string[] = [];
  #bytes = 0;
  /** In the directories that wildcards were compared with. */
  #names = 0;
  #toldNames = false;
  /** The host, with an end to the searching. */
  readonly #listing: ConfigHost;
  readonly files: string[] = [];
  missing = false;
  /** Failures of an include that are errors: -e and include_check. */
  checks: ReadonlySet<IncludeCheck>;

  constructor(host: ConfigHost, diagnostics: Diagnostics, checks: ReadonlySet<IncludeCheck>) {
    this.#host = host;
    this.#listing = { ...host, list: (directory) => this.#list(directory) };
    this.#diagnostics = diagnostics;
    this.checks = checks;
  }

  openMain(pattern: string): FileInput[] {
    const found = includedFiles(pattern, this.#host.workingDirectory, this.#listing);
    // A name with wildcards in it, as a shell or an editor gives it.
    const files = found.length === 0 && this.#host.stat(pattern)?.kind === "file" ? [pattern] : found;
    if (files.length === 0) this.#noMain(pattern, "ENOENT");
    const inputs: FileInput[] = [];
    for (const path of files) {
      const file = this.#read(path, undefined);
      if (typeof file === "string") this.#noMain(path, file);
      else inputs.push({ kind: "file", file, offset: 0, line: 1, checksBefore: this.checks });
    }
    return inputs;
  }

  #list(directory: string): readonly string[] {
    if (this.#names > MOST_NAMES) return [];
    const names = this.#host.list(directory);
    this.#names += 1 + names.length;
    return names;
  }

  #noMain(file: string, why: string): void {
    this.missing = true;
    const hint = "correct its path, or its owner and mode";
    this.#diagnostics.error("CFG_FILE", undefined, `Config files missing '${file}' (${why}).`, hint);
  }

  /** An `include` line. Undefined when it names no file. */
  include(letter: string, pattern: string, place: Place): IncludesInput | undefined {
    const checks = new Set([...this.checks, ...(checksOfLetter[letter] ?? [])]);
    const { files, problem } = findIncluded(pattern, directoryOf(place), this.#listing);
    if (this.#names > MOST_NAMES && !this.#toldNames) {
      this.#toldNames = true;
      const message = `the includes look at more than ${MOST_NAMES} names of files; no more directories are searched`;
      const hint = "write fewer wildcards; one for a directory multiplies with those after it";
      this.#diagnostics.error("CFG_INCLUDE_REFUSED", useOf(place), message, hint);
    }
    if (problem !== undefined) {
      const hint = `the name is looked up in ${directoryOf(place)}`;
      this.#complain(
        problem.checks.some((check) => checks.has(check)),
        place,
        problem.message,
        hint,
      );
    }
    return files.length === 0 ? undefined : { kind: "includes", files, next: 0, checks, place };
  }

  /** One of the files of an include; undefined after reporting. */
  open(path: string, { checks, place }: IncludesInput): FileInput | undefined {
    const refusal = this.#refuse(path);
    if (refusal !== undefined) {
      const message = `Unable to include '${path}': ${refusal}`;
      this.#diagnostics.error("CFG_INCLUDE_REFUSED", useOf(place), message, "remove the include");
      return undefined;
    }
    const file = this.#read(path, place);
    if (typeof file === "string") {
      const message = `Unable to include '${path}': ${file} - skipping`;
      this.#complain(checks.has("read"), place, message, "check its name and permissions");
      return undefined;
    }
    this.#open.push(path);
    return { kind: "file", file, offset: 0, line: 1, checksBefore: this.checks };
  }

  /** The file has ended. */
  close(input: FileInput): void {
    this.checks = input.checksBefore;
    if (this.#open.at(-1) === input.file.path) this.#open.pop();
  }

  #refuse(path: string): string | undefined {
    if (this.#open.includes(path) || this.files[0] === path) return "it includes itself";
    if (this.#open.length >= DEEPEST) return `includes are more than ${DEEPEST} deep`;
    return this.files.length >= MOST_FILES ? `more than ${MOST_FILES} files are included` : undefined;
  }

  /** @returns why not */
  #read(path: string, from: Place | undefined): SourceFile | string {
    const content = this.#host.readFile(path);
    if (content.kind === "unreadable") return content.why;
    this.#bytes += content.bytes.byteLength;
    if (this.#bytes > MOST_BYTES) return `all files together have more than ${MOST_BYTES} bytes`;
    const file = new SourceFile(path, content.bytes);
    this.files.push(path);
    this.#diagnostics.addSource(path, file.text, from === undefined ? undefined : useOf(from));
    if (file.marked) {
      const message = "the file begins with a byte order mark";
      this.#diagnostics.error("CFG_TEXT", file.position(1, 1), message, "save it as UTF-8 without the mark");
    }
    return file;
  }

  #complain(refused: boolean, place: Place, message: string, hint: string): void {
    if (refused) this.#diagnostics.error("CFG_INCLUDE_REFUSED", useOf(place), message, hint);
    else this.#diagnostics.warn("CFG_INCLUDE", useOf(place), message, hint);
  }
}
