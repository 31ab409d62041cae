import { loadConfig } from "./load.js";
import type { Config } from "./model.js";
import type { ConfigHost } from "./ports.js";
import { findingLines, hasErrors, renderDiagnostics, testExitCode } from "./report.js";

/** Main → config worker. Structured-cloned. */
export interface ToConfigWorker {
  readonly kind: "load";
  /** Returned with the answer, so that a late answer to an older request is recognised. */
  readonly request: number;
  readonly file: string;
  /** -i; undefined: the host name up to its first dot. */
  readonly configId?: string | undefined;
  /** Where a copy is kept when it has no errors: accepted.ts. */
  readonly keepAt?: string | undefined;
}

/** Config worker → main. */
export interface FromConfigWorker {
  readonly kind: "loaded";
  readonly request: number;
  /** Undefined when there is no file. With `errors` a start runs it all the same and a reload does not. */
  readonly config: Config | undefined;
  /** The findings as text, one or more lines each; empty when there are none. */
  readonly report: string;
  /** The findings for the log, one line each. */
  readonly findings: readonly string[];
  readonly errors: boolean;
  readonly missing: boolean;
  /** Why the copy could not be kept (errno name). */
  readonly notKept?: string | undefined;
  /** What `-t` would exit with. */
  readonly exitCode: number;
  readonly files: readonly string[];
}

export function handleLoad(message: ToConfigWorker, host: ConfigHost): FromConfigWorker {
  const result = loadConfig(message.file, host);
  return {
    kind: "loaded",
    request: message.request,
    config: result.config,
    report: renderDiagnostics(result.diagnostics),
    findings: findingLines(result.diagnostics),
    errors: hasErrors(result),
    missing: result.missing,
    exitCode: testExitCode(result),
    files: result.files,
  };
}
