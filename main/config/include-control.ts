/** What `include_check` changes: which failures of an include are errors. */
export type IncludeCheck = "read" | "match" | "wildcard_match" | "brace_match";

/** The reading of the files, as far as a keyword may steer it. */
export interface IncludeControl {
  /** From the next line on, until the file that set it ends. */
  setIncludeChecks(checks: ReadonlySet<IncludeCheck>): void;
  includeChecks(): ReadonlySet<IncludeCheck>;
}
