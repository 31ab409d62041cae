import { diagnosticCodes } from "./diagnostic-codes.js";
import type { Diagnostic, Via } from "./diagnostics.js";
import type { LoadResult } from "./load.js";

/**
 * The findings as text: keepalived's `(FILE: Line N) message`, then the line with a caret, how it came to be read, and
 * what to do. Ends with a line break unless it is empty.
 */
export function renderDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${renderDiagnostic(diagnostic)}\n`).join("");
}

export function renderDiagnostic({ at, message, excerpt, hint, via }: Diagnostic): string {
  const lines = [at === undefined ? printable(message) : `${placeOf(at)} ${printable(message)}`];
  if (at !== undefined && excerpt !== undefined) {
    lines.push(`    ${printable(excerpt)}`, `    ${indentOf(excerpt, at.column)}^`);
  }
  lines.push(...via.map((step) => `    ${printable(viaSentence(step))}`));
  if (hint !== undefined) lines.push(`  -> ${printable(hint)}`);
  return lines.join("\n");
}

/** The same for the log: one line each, in order. */
export const findingLines = (diagnostics: readonly Diagnostic[]): readonly string[] =>
  diagnostics.map(({ at, message, hint }) => {
    const place = at === undefined ? "" : `${placeOf(at)} `;
    return `${place}${printable(`${message}${hint === undefined ? "" : ` - ${hint}`}`)}`;
  });

const placeOf = ({ file, line }: { readonly file: string; readonly line: number }): string =>
  `(${printable(file)}: Line ${line})`;

/** What leads from the left edge to `column`. Tabs stay tabs, so that it fits however wide a tab is shown. */
export const indentOf = (excerpt: string, column: number): string =>
  excerpt.slice(0, column - 1).replace(/[^\t]/g, " ");

/** `included from main.conf line 12`, `in the definition $SRV of main.conf line 3`. */
export function viaSentence({ kind, name, file, line, others }: Via): string {
  const place = `${file} line ${line}`;
  switch (kind) {
    case "include":
      return `included from ${place}${others === 0 ? "" : ` and ${others} more ${others === 1 ? "place" : "places"}`}`;
    case "definition":
      return `in the definition $${name} of ${place}`;
    case "repetition":
      return `in the repetition with ${name} of ${place}`;
  }
}

/** A word of megabytes must not fill a log line; PATH_MAX fits. */
const LONGEST = 5000;
const KEPT_OF_LONG = 200;

/** Files are untrusted bytes; a terminal must not obey them: neither control characters nor those that turn text around. */
export const printable = (text: string): string =>
  clipped(text).replace(/(?!\t)[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, "?");

export const clipped = (text: string): string =>
  text.length <= LONGEST
    ? text
    : `${text.slice(0, KEPT_OF_LONG)}... (${text.length} characters) ...${text.slice(-KEPT_OF_LONG)}`;

/** Exit code of `-t`: 0, 2 (a value is missing), or the highest class found (4, 5, 6). */
export function testExitCode({ diagnostics, missing }: Pick<LoadResult, "diagnostics" | "missing">): number {
  const exits = diagnostics.map(exitOf);
  if (exits.includes(diagnosticCodes.CFG_MISSING_PARAMETER.exit)) return diagnosticCodes.CFG_MISSING_PARAMETER.exit;
  return Math.max(missing ? diagnosticCodes.CFG_FILE.exit : 0, ...exits);
}

const exitOf = ({ code, severity }: Diagnostic): number =>
  code === "CFG_LATER" && severity === "error" ? STRICT_EXIT : diagnosticCodes[code].exit;
const STRICT_EXIT = 5;

/** For --strict: who writes a word that has no effect is told so by an error. */
export const strictly = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.map((found) => (found.code === "CFG_LATER" ? { ...found, severity: "error" } : found));

/** A reload is refused when something that the user asked for would not be done. */
export const hasErrors = ({ diagnostics }: Pick<LoadResult, "diagnostics">): boolean =>
  diagnostics.some(({ severity }) => severity === "error");
