import { type CodeEntry, diagnosticCodes } from "./diagnostic-codes.js";

/** The part of docs/errors.md about findings in the configuration: a test keeps the file equal to it. */
export function diagnosticDocs(): string {
  return Object.entries(diagnosticCodes)
    .map(([code, entry]) => section(code, entry))
    .join("\n");
}

function section(code: string, entry: CodeEntry): string {
  const { bad, good } = exampleBlocks(entry);
  const also = entry.besides === undefined ? "" : ` The example has ${entry.besides} as well.`;
  const exit = entry.exit === 0 ? "`-t` passes with it." : `Exit code of \`-t\`: ${entry.exit}.`;
  return `## ${code}: ${entry.title}

${filled(`${entry.why} ${exit}${also}`)}

\`\`\`
${bad}\`\`\`

Write:

\`\`\`
${good}\`\`\`
`;
}

/** Lines of an example that are printed; of a long one the reader has seen enough by then. */
const MOST_LINES = 24;

/** The two configurations as they are printed. */
export function exampleBlocks({ bad, good, files = {} }: CodeEntry): { readonly bad: string; readonly good: string } {
  const others = Object.entries(files).map(([name, text]) => `# ${name}:\n${text}`);
  return {
    bad: bad === undefined ? "(there is no such file)\n" : shown([bad, ...others].join("\n")),
    good: shown([good, ...others].join("\n")),
  };
}

function shown(text: string): string {
  // What nobody can see or type is printed as its symbol.
  const lines = text.replaceAll("\0", "␀").trimEnd().split("\n");
  if (lines.length <= MOST_LINES) return `${lines.join("\n")}\n`;
  return `${lines.slice(0, 3).join("\n")}\n... and so on, ${lines.length} lines\n`;
}

/** Broken at blanks, as the rest of the document is. */
function filled(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + word.length >= 120) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}
