import type { Diagnostic, DiagnosticCode, Via } from "./diagnostics.js";
import { clipped } from "./report.js";

/** A finding of one of several configurations. */
export interface Finding extends Diagnostic {
  /** The file that was asked for: where a finding without a position belongs. */
  readonly main: string;
}

/** What `holdfast check --format json` prints; docs/check-json.md describes it. Members are added, never renamed. */
export interface CheckDocument {
  /** Of this format. */
  readonly version: 1;
  /** All files read, in the order of reading. */
  readonly files: readonly string[];
  readonly findings: readonly JsonFinding[];
  readonly summary: { readonly files: number; readonly errors: number; readonly warnings: number };
}

export interface JsonFinding {
  readonly code: DiagnosticCode;
  readonly severity: Diagnostic["severity"];
  readonly message: string;
  readonly hint: string | null;
  readonly file: string;
  /** Null, as is the column: about the configuration as a whole. */
  readonly line: number | null;
  readonly column: number | null;
  readonly endColumn?: number;
  readonly excerpt?: string;
  readonly via: readonly JsonVia[];
}

export interface JsonVia {
  readonly kind: Via["kind"];
  /** Not for an include. */
  readonly name?: string;
  readonly file: string;
  readonly line: number;
}

export function checkDocument(files: readonly string[], findings: readonly Finding[]): CheckDocument {
  return {
    version: 1,
    files,
    findings: findings.map(jsonFinding),
    summary: { files: files.length, ...countOf(findings) },
  };
}

export function countOf(diagnostics: readonly Diagnostic[]): { errors: number; warnings: number } {
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  return { errors, warnings: diagnostics.length - errors };
}

function jsonFinding(finding: Finding): JsonFinding {
  const { code, severity, message, hint, at, excerpt, via, main } = finding;
  const endColumn = endColumnOf(finding);
  return {
    code,
    severity,
    message: clipped(message),
    hint: hint === undefined ? null : clipped(hint),
    file: at?.file ?? main,
    line: at?.line ?? null,
    column: at?.column ?? null,
    ...(endColumn === undefined ? {} : { endColumn }),
    ...(excerpt === undefined ? {} : { excerpt }),
    via: via.map(({ kind, name, file, line }) => ({ kind, ...(name === "" ? {} : { name }), file, line })),
  };
}

/**
 * Where the word at the position ends (exclusive). Undefined where the line is not shown, and where substitution took
 * part: all words of such a line stand at its beginning.
 */
export function endColumnOf({ at, excerpt }: Pick<Diagnostic, "at" | "excerpt">): number | undefined {
  if (at === undefined || excerpt === undefined || at.from !== undefined || excerpt.includes("$")) return undefined;
  const [word = ""] = /^(?:"[^"]*"?|[{}]|[^\s"{}#!]+)/.exec(excerpt.slice(at.column - 1)) ?? [];
  return word === "" ? undefined : at.column + word.length;
}

/** Valid whatever bytes the files hold, and nothing that a terminal would obey. Ends with a line break. */
export const jsonText = (document: object, replacer?: (name: string, value: unknown) => unknown): string =>
  `${JSON.stringify(document, replacer, 2).replace(/[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, escaped)}\n`;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
