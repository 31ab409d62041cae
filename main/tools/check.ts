import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Diagnostic } from "../config/diagnostics.js";
import { createHost, readToEnd } from "../config/host.js";
import { loadConfig } from "../config/load.js";
import type { ConfigHost, FileContent } from "../config/ports.js";
import { strictly } from "../config/report.js";
import { checkDocument, type Finding, jsonText } from "../config/report-json.js";
import { sarifLog } from "../config/report-sarif.js";
import { checkReport, plain, styled } from "../config/report-text.js";
import { version } from "../control/version.js";
import { errnoName } from "../errors.js";
import { UsageError, withCommandLine } from "./command-line.js";

const usage = `usage: holdfast check FILE... [--format text|json|sarif] [--strict] [--config-id ID]
Reads each FILE (- for standard input) as the daemon would and says everything that is wrong with it. Interfaces, users
and scripts are looked up on this host. With --strict, words without effect in this version are errors.
Exit code: 0 no errors, 1 errors, 2 wrong command line. Codes: docs/errors.md. JSON: docs/check-json.md.
`;

const formats = ["text", "json", "sarif"] as const;

interface Asked {
  readonly names: readonly string[];
  readonly format: (typeof formats)[number];
  readonly strict: boolean;
  readonly configId: string | undefined;
}

/** `holdfast check`: exit 0 without errors, 1 with errors, 2 for a wrong command line. */
export async function run(argv: readonly string[]): Promise<number> {
  return withCommandLine(
    "check",
    usage,
    () => read(argv),
    (asked) => {
      const { files, findings } = check(asked, createHost({ configId: asked.configId }));
      process.stdout.write(rendered(asked, files, findings));
      return findings.some(({ severity }) => severity === "error") ? 1 : 0;
    },
  );
}

/** Undefined for --help. @throws UsageError, TypeError */
function read(argv: readonly string[]): Asked | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      format: { type: "string", default: "text" },
      strict: { type: "boolean", default: false },
      "config-id": { type: "string", short: "i" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const format = formats.find((known) => known === values.format);
  if (format === undefined) throw new UsageError(`unknown format '${values.format}' - use ${formats.join(", ")}`);
  if (positionals.length === 0) throw new UsageError("no FILE is given");
  return { names: positionals, format, strict: values.strict, configId: values["config-id"] };
}

/** Each file on its own: definitions and names of one mean nothing in the other. */
function check(
  { names, strict }: Asked,
  host: ConfigHost,
): { readonly files: readonly string[]; readonly findings: readonly Finding[] } {
  const files = new Set<string>();
  const findings: Finding[] = [];
  for (const name of names) {
    const piped = name === "-";
    const main = piped ? join(host.workingDirectory, "<stdin>") : resolve(host.workingDirectory, name);
    const loaded = loadConfig(main, piped ? withStandardInput(host, main) : host);
    for (const file of loaded.files) files.add(file);
    const diagnostics = strict ? strictly(loaded.diagnostics) : loaded.diagnostics;
    findings.push(...diagnostics.map((diagnostic) => ({ ...diagnostic, message: sentence(diagnostic), main })));
  }
  return { files: [...files], findings };
}

/** Some of keepalived's sentences begin with "WARNING - ", errors too; here the severity stands before them. */
const sentence = ({ message }: Diagnostic): string => message.replace(/^warning(?: -|:) /i, "");

/** What comes on standard input seems to be a file in the working directory, so that its includes are found. */
function withStandardInput(host: ConfigHost, path: string): ConfigHost {
  return {
    ...host,
    readFile: (file) => (file === path ? standardInputContent() : host.readFile(file)),
    stat: (file) => (file === path ? { kind: "file", uid: 0, gid: 0, mode: 0o400 } : host.stat(file)),
  };
}

function standardInputContent(): FileContent {
  try {
    const bytes = readToEnd(0);
    return bytes === undefined ? { kind: "unreadable", why: "EFBIG" } : { kind: "content", bytes };
  } catch (error) {
    const why = errnoName(error);
    if (why === undefined) throw error;
    return { kind: "unreadable", why };
  }
}

function rendered({ format }: Asked, files: readonly string[], findings: readonly Finding[]): string {
  switch (format) {
    case "json":
      return jsonText(checkDocument(files, findings));
    case "sarif":
      return jsonText(sarifLog(findings, { version, workingDirectory: process.cwd() }));
    case "text": {
      // https://no-color.org: any value but the empty one switches colours off.
      const colours = process.stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === "";
      return checkReport(files, findings, colours ? styled : plain);
    }
  }
}
