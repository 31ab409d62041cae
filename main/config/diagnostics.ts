import type { SourcePosition } from "./model.js";

/**
 * Kinds of findings with keepalived's exit code under `-t`. The highest class wins,
 * except that a missing parameter (2) ends keepalived at once. 0: shown, but the test passes as it does in keepalived.
 */
export const diagnosticCodes = {
  CFG_FILE: 4,
  CFG_TEXT: 5,
  CFG_QUOTE: 5,
  CFG_BRACE: 5,
  CFG_UNKNOWN_KEYWORD: 5,
  CFG_MISSING_PARAMETER: 2,
  CFG_BAD_VALUE: 5,
  CFG_REPEATED: 5,
  CFG_INCOMPLETE: 5,
  CFG_DUPLICATE: 5,
  CFG_UNKNOWN_NAME: 5,
  CFG_INTERFACE: 5,
  CFG_ADJUSTED: 5,
  CFG_DEPRECATED: 5,
  CFG_NOT_IN_VERSION: 5,
  CFG_SUBSTITUTION: 5,
  CFG_TRACK_SCRIPT: 5,
  CFG_SCRIPT_SECURITY: 6,
  CFG_INCLUDE_REFUSED: 6,
  CFG_SCRIPT: 0,
  CFG_INCLUDE: 0,
  CFG_LATER: 0,
  CFG_ADVICE: 0,
} as const;

export type DiagnosticCode = keyof typeof diagnosticCodes;

/** A finding about the user's file. Never thrown: the loader collects all of them, then the caller decides. */
export interface Diagnostic {
  /** An error means that something the user asked for is not done: a reload is refused, a start goes on without it. */
  readonly severity: "error" | "warning";
  readonly code: DiagnosticCode;
  /** One sentence, keepalived's own where tools may look for it. */
  readonly message: string;
  /** Undefined: about the configuration as a whole. */
  readonly at: SourcePosition | undefined;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** The line of the file at `at`; undefined when it might show a password. */
  readonly excerpt: string | undefined;
}

/** So that a file of garbage cannot fill the log; the rest is counted. */
const MOST = 1000;

/** Collects findings in the order they are made. Knows the read files only to quote their lines. */
export class Diagnostics {
  readonly #found: Diagnostic[] = [];
  readonly #lines = new Map<string, readonly string[]>();
  #suppressed = 0;

  addSource(file: string, lines: readonly string[]): void {
    this.#lines.set(file, lines);
  }

  /** Nothing more is kept: callers may spare themselves the work of a good hint. */
  get full(): boolean {
    return this.#found.length >= MOST;
  }

  error(code: DiagnosticCode, at: SourcePosition | undefined, message: string, hint?: string): void {
    this.#add("error", code, at, message, hint);
  }

  warn(code: DiagnosticCode, at: SourcePosition | undefined, message: string, hint?: string): void {
    this.#add("warning", code, at, message, hint);
  }

  /** All findings; the last one says how many more there were. */
  finish(): readonly Diagnostic[] {
    if (this.#suppressed === 0) return this.#found;
    const message = `${this.#suppressed} more findings are not shown`;
    return [
      ...this.#found,
      { severity: "error", code: "CFG_TEXT", message, at: undefined, hint: undefined, excerpt: undefined },
    ];
  }

  #add(
    severity: Diagnostic["severity"],
    code: DiagnosticCode,
    at: SourcePosition | undefined,
    message: string,
    hint: string | undefined,
  ): void {
    if (this.full) {
      this.#suppressed++;
      return;
    }
    this.#found.push({ severity, code, message, at, hint, excerpt: at === undefined ? undefined : this.#quote(at) });
  }

  #quote(at: SourcePosition): string | undefined {
    const line = this.#lines.get(at.file)?.[at.line - 1]?.trimEnd();
    return line === undefined || line.length > 300 || mayHoldSecret(line) ? undefined : line;
  }
}

/** A misspelled `auth_pass` holds the password all the same, so whatever resembles one is not quoted. */
const mayHoldSecret = (line: string): boolean => /pass|auth|key|secret/i.test(line);
