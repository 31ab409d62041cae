import { type Diagnostic, Diagnostics } from "../../main/config/diagnostics.js";
import type { Statement } from "../../main/config/lexer.js";
import type { ConfigHost } from "../../main/config/ports.js";
import { type SourceOptions, StatementSource } from "../../main/config/statement-source.js";
import { fakeHost, MAIN_FILE } from "./config-fake-host.js";

/** What the language makes of a file, before any keyword is looked up. */
export interface Read {
  readonly statements: readonly Statement[];
  /** One text per statement: its words in `|`, or its brace. */
  readonly shape: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  /** `CODE@line:column` each. */
  readonly findings: readonly string[];
  readonly files: readonly string[];
}

export function statementsOf(
  text: string | Uint8Array,
  more: Readonly<Record<string, string | Uint8Array>> = {},
  overrides: Partial<ConfigHost> = {},
  options: SourceOptions = {},
): Read {
  const diagnostics = new Diagnostics();
  const host = fakeHost({ [MAIN_FILE]: text, ...more }, overrides);
  const source = new StatementSource(MAIN_FILE, host, diagnostics, options);
  const statements: Statement[] = [];
  for (let next = source.next(); next !== undefined; next = source.next()) statements.push(next);
  const found = diagnostics.finish();
  return {
    statements,
    shape: statements.map(shapeOf),
    diagnostics: found,
    findings: found.map(({ code, at }) => (at === undefined ? code : `${code}@${at.line}:${at.column}`)),
    files: source.files,
  };
}

const braces = { open: "{", close: "}" } as const;

const shapeOf = (statement: Statement): string =>
  statement.kind === "words" ? statement.words.map(({ text }) => text).join("|") : braces[statement.kind];
