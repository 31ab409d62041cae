import { type Diagnostic, diagnosticCodes } from "./diagnostics.js";
import type { LoadResult } from "./load.js";

/**
 * The findings as text: keepalived's `(FILE: Line N) message`, then the line with a caret, then what to do.
 * Ends with a line break unless it is empty.
 */
export function renderDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${renderDiagnostic(diagnostic)}\n`).join("");
}

export function renderDiagnostic({ at, message, excerpt, hint }: Diagnostic): string {
  const lines = [at === undefined ? printable(message) : `(${at.file}: Line ${at.line}) ${printable(message)}`];
  if (at !== undefined && excerpt !== undefined) {
    // Tabs stay tabs, so that the caret stands below its column however wide a tab is shown.
    const indent = excerpt.slice(0, at.column - 1).replace(/[^\t]/g, " ");
    lines.push(`    ${printable(excerpt)}`, `    ${indent}^`);
  }
  if (hint !== undefined) lines.push(`  -> ${printable(hint)}`);
  return lines.join("\n");
}

/** The same for the log: one line each, in order. */
export const findingLines = (diagnostics: readonly Diagnostic[]): readonly string[] =>
  diagnostics.map(({ at, message, hint }) => {
    const place = at === undefined ? "" : `(${at.file}: Line ${at.line}) `;
    return printable(`${place}${message}${hint === undefined ? "" : ` - ${hint}`}`);
  });

/** A word of megabytes must not fill a log line; PATH_MAX fits. */
const LONGEST = 5000;
const KEPT_OF_LONG = 200;

/** Files are untrusted bytes; a terminal must not obey them. */
const printable = (text: string): string => clipped(text).replace(/[^\P{Cc}\t]/gu, "?");

const clipped = (text: string): string =>
  text.length <= LONGEST
    ? text
    : `${text.slice(0, KEPT_OF_LONG)}... (${text.length} characters) ...${text.slice(-KEPT_OF_LONG)}`;

/** Exit code of `-t`: 0, 2 (a value is missing), or the highest class found (4, 5, 6). */
export function testExitCode({ diagnostics, missing }: Pick<LoadResult, "diagnostics" | "missing">): number {
  const codes = diagnostics.map(({ code }): number => diagnosticCodes[code]);
  if (codes.includes(diagnosticCodes.CFG_MISSING_PARAMETER)) return diagnosticCodes.CFG_MISSING_PARAMETER;
  return Math.max(missing ? diagnosticCodes.CFG_FILE : 0, ...codes);
}

/** A reload is refused when something that the user asked for would not be done. */
export const hasErrors = ({ diagnostics }: Pick<LoadResult, "diagnostics">): boolean =>
  diagnostics.some(({ severity }) => severity === "error");
