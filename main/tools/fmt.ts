import { readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { type FormatResult, formatConfig } from "../config/format/format.js";
import { printable } from "../config/report.js";
import { errnoName } from "../errors.js";
import { unifiedDiff } from "./line-diff.js";
import { replaceFile } from "./replace-file.js";

const USAGE = `Usage: holdfast fmt [OPTION...] [FILE...]
Writes keepalived configurations in one canonical form, with the same meaning. Comments, includes, definitions and
conditions stay. FILEs are replaced when their form changes; without FILE, or for "-", standard input is formatted to
standard output.

  --check         change nothing, list the files that would change
  --diff          change nothing, show what would change as a unified diff
  --indent N|tab  blanks per level, 0 to 16 (4), or one tab
  --help          this text

Exit status: 0 fine; 1 with --check: a file would change, or holds a line that cannot be formatted; 2 a file cannot be
read or written, or the command line is wrong.
`;

/** The loader reads no larger files either (main/config/host.ts). */
const LARGEST_FILE_BYTES = 256 * 1024 * 1024;

interface Options {
  readonly check: boolean;
  readonly diff: boolean;
  readonly indent: string;
  readonly files: readonly string[];
}

/** One input. `replace` is absent for standard input. */
interface Input {
  readonly name: string;
  readonly text: string;
  readonly replace?: (text: string) => void;
}

/** An error to show in one line; the other files are still done. */
class FmtError extends Error {}

/** `holdfast fmt`. @returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    const options = readOptions(argv);
    if (options === "help") {
      process.stdout.write(USAGE);
      return 0;
    }
    let code = 0;
    for (const file of options.files) code = Math.max(code, await formatOne(file, options));
    return code;
  } catch (error) {
    return complain(error);
  }
}

function readOptions(argv: readonly string[]): Options | "help" {
  const { values, positionals } = parse(argv);
  if (values.help === true) return "help";
  return {
    check: values.check === true,
    diff: values.diff === true,
    indent: indentOf(values.indent ?? "4"),
    files: positionals.length === 0 ? ["-"] : positionals,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        check: { type: "boolean" },
        diff: { type: "boolean" },
        indent: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new FmtError(`${error.message.split("\n")[0]} (see holdfast fmt --help)`);
  }
}

function indentOf(text: string): string {
  if (text === "tab") return "\t";
  if (/^\d{1,2}$/.test(text) && Number(text) <= 16) return " ".repeat(Number(text));
  throw new FmtError(`--indent '${text}': write a number of blanks from 0 to 16, or tab`);
}

async function formatOne(file: string, options: Options): Promise<number> {
  try {
    const input = file === "-" ? await readStandardInput() : readFile(file);
    const result = formatConfig(input.text, { indent: options.indent });
    for (const { line, sentence } of result.notes)
      process.stderr.write(`${printable(`${input.name}:${line}: ${sentence}`)}\n`);
    if (options.check || options.diff) return report(input, result, options);
    if (input.replace === undefined) print(result.text);
    else if (result.text !== input.text) input.replace(result.text);
    return 0;
  } catch (error) {
    return complain(error);
  }
}

function report({ name, text }: Input, result: FormatResult, { check, diff }: Options): number {
  const changes = result.text !== text;
  // Names in the shell's encoding, lines in the file's: both as bytes.
  const shown = Buffer.from(name).toString("latin1");
  if (diff) print(unifiedDiff(text, result.text, shown, `${shown} (formatted)`));
  else if (changes) print(`${shown}\n`);
  return check && (changes || result.notes.length > 0) ? 1 : 0;
}

function readFile(name: string): Input {
  try {
    const target = realpathSync(name);
    const status = statSync(target);
    if (!status.isFile()) throw new FmtError(`${name} is not a regular file: name a configuration file`);
    if (status.size > LARGEST_FILE_BYTES) throw tooLarge(name);
    // 0: nothing to format, or one of the kernel's files, which may be endless.
    const text = status.size === 0 ? "" : readFileSync(target, "latin1");
    return { name, text, replace: (changed) => replace(name, target, changed, status) };
  } catch (error) {
    const hint = "check its name and permissions";
    throw asFmtError(error, (why) => `cannot read ${name}: ${why}; ${hint}`);
  }
}

function replace(name: string, target: string, text: string, status: Stats): void {
  if (status.nlink > 1) {
    const hint = `replacing this one would leave the others as they are: holdfast fmt - <${name}`;
    throw new FmtError(`cannot replace ${name}: the file has ${status.nlink} names (hard links); ${hint}`);
  }
  try {
    if (replaceFile(target, Buffer.from(text, "latin1"), status)) return;
    throw new FmtError(`cannot replace ${name}: it was changed meanwhile; run it again`);
  } catch (error) {
    const hint = "the file is unchanged; you need write permission on it and its directory, and space there";
    throw asFmtError(error, (why) => `cannot replace ${name}: ${why}; ${hint}`);
  }
}

async function readStandardInput(): Promise<Input> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > LARGEST_FILE_BYTES) throw tooLarge("standard input");
  }
  return { name: "standard input", text: Buffer.concat(chunks).toString("latin1") };
}

const tooLarge = (name: string): FmtError =>
  new FmtError(`${name} is larger than 256 MB: holdfast reads no such configuration; split it by include`);

/** One character is one byte. */
const print = (text: string): boolean => process.stdout.write(Buffer.from(text, "latin1"));

/** System errors get a sentence; anything else is a bug and stays what it is. */
function asFmtError(error: unknown, sentence: (why: string) => string): unknown {
  const why = errnoName(error);
  return why === undefined || error instanceof FmtError ? error : new FmtError(sentence(why));
}

function complain(error: unknown): number {
  if (!(error instanceof FmtError)) throw error;
  process.stderr.write(`holdfast fmt: ${printable(error.message)}\n`);
  return 2;
}
