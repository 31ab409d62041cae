import { explain, namesWith, nearestName } from "../config/explain/explain.js";
import { explainLanguage } from "../config/explain/language.js";
import type { Scope } from "../config/keyword.js";
import { rootScope } from "../config/keywords/root.js";
import { places } from "../config/walk.js";

const usage = `usage: holdfast explain KEYWORD...
       holdfast explain --list
Tells what a keyword of the configuration does, where it may stand, what it takes and what holds without it.
`;

/** `holdfast explain`: exit 0; 1 when a word is unknown; 2 for a wrong command line. */
export async function run(argv: readonly string[]): Promise<number> {
  const root = rootScope as Scope<never>;
  if (argv.length === 0 || argv.includes("--help") || argv.includes("-h")) {
    (argv.length === 0 ? process.stderr : process.stdout).write(usage);
    return argv.length === 0 ? 2 : 0;
  }
  if (argv[0] === "--list") {
    const names = new Set([...places(root)].map(({ name }) => name));
    process.stdout.write(
      [...names]
        .sort((a, b) => (a < b ? -1 : 1))
        .join("\n")
        .concat("\n"),
    );
    return 0;
  }
  let unknown = 0;
  for (const [i, word] of argv.entries()) {
    const text = explain(root, word) ?? explainLanguage(word);
    if (text !== undefined) process.stdout.write(i === 0 ? text : `\n${text}`);
    else {
      unknown++;
      process.stderr.write(`holdfast explain: '${word}' is no keyword - ${hintFor(root, word)}\n`);
    }
  }
  return unknown === 0 ? 0 : 1;
}

function hintFor(root: Scope<never>, word: string): string {
  const near = nearestName(root, word);
  if (near !== undefined) return `did you mean '${near}'?`;
  const longer = namesWith(root, word);
  return longer.length === 0 ? "see: holdfast explain --list" : `did you mean one of: ${longer.join(", ")}`;
}
