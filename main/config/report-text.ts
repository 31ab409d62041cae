import { indentOf, printable, viaSentence } from "./report.js";
import { countOf, endColumnOf, type Finding } from "./report-json.js";

/** How parts of the text look. */
export interface Style {
  readonly place: (text: string) => string;
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly faint: (text: string) => string;
}

const same = (text: string): string => text;
/** For files, pipes and those who want no colours. */
export const plain: Style = { place: same, error: same, warning: same, faint: same };

/** SGR parameters of ECMA-48 §8.3.117: bold, bold red, bold magenta, faint. */
const sgr = (parameters: string) => (text: string) => `\x1b[${parameters}m${text}\x1b[0m`;
/** For terminals. */
export const styled: Style = { place: sgr("1"), error: sgr("1;31"), warning: sgr("1;35"), faint: sgr("2") };

/**
 * What `holdfast check` prints for people: `FILE:LINE:COLUMN: severity: message [CODE]` as compilers do, so that editors
 * can jump there; then the line with the place marked, how it came to be read, what to do; at the end a summary.
 */
export function checkReport(files: readonly string[], findings: readonly Finding[], style: Style): string {
  const shown = findings.map((finding) => `${rendered(finding, style)}\n`);
  return `${shown.join("")}${summary(files, findings)}\n`;
}

function rendered(finding: Finding, style: Style): string {
  const { at, severity, message, code, excerpt, hint, via, main } = finding;
  const where = at === undefined ? `${printable(main)}:` : `${printable(at.file)}:${at.line}:${at.column}:`;
  const lines = [
    `${style.place(where)} ${style[severity](`${severity}:`)} ${printable(message)} ${style.faint(`[${code}]`)}`,
  ];
  if (at !== undefined && excerpt !== undefined) {
    const width = (endColumnOf(finding) ?? at.column + 1) - at.column;
    lines.push(`    ${printable(excerpt)}`, `    ${indentOf(excerpt, at.column)}${style[severity]("^".repeat(width))}`);
  }
  lines.push(...via.map((step) => style.faint(`    ${printable(viaSentence(step))}`)));
  if (hint !== undefined) lines.push(`  -> ${printable(hint)}`);
  return lines.join("\n");
}

function summary(files: readonly string[], findings: readonly Finding[]): string {
  const { errors, warnings } = countOf(findings);
  return `${number(files.length, "file")}: ${number(errors, "error")}, ${number(warnings, "warning")}`;
}

const number = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
