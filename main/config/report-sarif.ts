import { relative } from "node:path";
import { pathToFileURL } from "node:url";
import { type CodeEntry, diagnosticCodes } from "./diagnostic-codes.js";
import { exampleBlocks } from "./diagnostic-docs.js";
import type { Diagnostic, DiagnosticCode } from "./diagnostics.js";
import { clipped, viaSentence } from "./report.js";
import { endColumnOf, type Finding } from "./report-json.js";

export interface SarifOptions {
  readonly version: string;
  /** Files below it are named relative to it, as code review tools want them. */
  readonly workingDirectory: string;
}

/** The findings as one run of SARIF 2.1.0 (OASIS, sarif-v2.1.0-os). */
export function sarifLog(findings: readonly Finding[], options: SarifOptions): object {
  const codes = Object.keys(diagnosticCodes) as DiagnosticCode[];
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "holdfast", version: options.version, rules: codes.map(rule) } },
        columnKind: "utf16CodeUnits",
        results: findings.map((finding) => result(finding, codes.indexOf(finding.code), options)),
      },
    ],
  };
}

function rule(id: DiagnosticCode): object {
  const entry: CodeEntry = diagnosticCodes[id];
  const { bad, good } = exampleBlocks(entry);
  return {
    id,
    shortDescription: { text: sentence(entry.title) },
    fullDescription: { text: entry.why },
    help: {
      text: `${entry.why}\n\nFor example:\n\n${bad}\nWrite:\n\n${good}`,
      markdown: `${entry.why}\n\nFor example:\n\n\`\`\`\n${bad}\`\`\`\n\nWrite:\n\n\`\`\`\n${good}\`\`\`\n`,
    },
  };
}

const sentence = (title: string): string => `${title.charAt(0).toUpperCase()}${title.slice(1)}.`;

function result(finding: Finding, ruleIndex: number, options: SarifOptions): object {
  const { code, severity, message, hint, at, via, main } = finding;
  const place = at === undefined ? location(main, undefined, options) : location(at.file, region(finding, at), options);
  const related = via.map((step) => ({
    ...location(step.file, { startLine: step.line }, options),
    message: messageOf(viaSentence(step)),
  }));
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: messageOf(hint === undefined ? message : `${message} - ${hint}`),
    locations: [place],
    ...(related.length === 0 ? {} : { relatedLocations: related.map((step, id) => ({ id, ...step })) }),
  };
}

/** sarif-v2.1.0-os §3.11.5: braces would stand for arguments. */
const messageOf = (text: string): object => ({ text: clipped(text).replace(/[{}]/g, "$&$&") });

interface Region {
  readonly startLine: number;
  readonly startColumn?: number;
  readonly endColumn?: number;
  readonly snippet?: { readonly text: string };
}

function region(diagnostic: Diagnostic, { line, column }: NonNullable<Diagnostic["at"]>): Region {
  const endColumn = endColumnOf(diagnostic);
  const { excerpt } = diagnostic;
  return {
    startLine: line,
    startColumn: column,
    ...(endColumn === undefined ? {} : { endColumn }),
    // A snippet is the text of the region itself, not of its line.
    ...(endColumn === undefined ? {} : { snippet: { text: excerpt?.slice(column - 1, endColumn - 1) ?? "" } }),
  };
}

/** Without a region: the file as a whole. */
const location = (file: string, where: Region | undefined, { workingDirectory }: SarifOptions): object => ({
  physicalLocation: {
    artifactLocation: { uri: uriOf(file, workingDirectory) },
    ...(where === undefined ? {} : { region: where }),
  },
});

/** Relative with its blanks and the like escaped, or absolute with a scheme. */
export function uriOf(file: string, workingDirectory: string): string {
  const path = relative(workingDirectory, file);
  const outside = path === "" || path === ".." || path.startsWith("../") || path.startsWith("/");
  if (outside) return pathToFileURL(file).href;
  return path.split("/").map(encodeSegment).join("/");
}

/** Lone surrogates have no encoding. */
const encodeSegment = (name: string): string => encodeURIComponent(Buffer.from(name).toString());
