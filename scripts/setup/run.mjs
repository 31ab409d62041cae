import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout that this script is part of. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** One line for the person who waits. Everything longer goes to a log file. */
export function say(text) {
  process.stdout.write(`setup: ${text}\n`);
}

/** A step that cannot be done. `message` is for the operator; `log` names the file with the whole output, if any. */
export class SetupError extends Error {
  constructor(message, log) {
    super(message);
    this.name = "SetupError";
    this.log = log;
  }
}

/**
 * Runs a command with its output in `dist/setup-<step>.log`; the file is removed on success.
 * @param {string} step names the log file
 * @param {readonly string[]} argv
 * @param {{ env?: Record<string, string>, timeoutMs?: number }} [options] `timeoutMs` default 15 minutes
 * @throws SetupError with the last lines of the output
 */
export async function run(step, argv, { env = {}, timeoutMs = 900_000 } = {}) {
  const log = path.join(root, "dist", `setup-${step}.log`);
  mkdirSync(path.dirname(log), { recursive: true });
  const verdict = await logged(argv, log, env, timeoutMs);
  if (verdict !== undefined) throw new SetupError(`${argv.join(" ")}: ${verdict}\n${lastLines(log, 20)}`, log);
  rmSync(log);
}

/** Resolves with undefined on success, else with why it failed. */
function logged(argv, log, env, timeoutMs) {
  const out = createWriteStream(log);
  out.write(`$ ${argv.join(" ")}\n`);
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
    });
    child.stdout.pipe(out, { end: false });
    child.stderr.pipe(out, { end: false });
    child.on("error", (error) => out.end(() => resolve(error.message)));
    child.on("close", (code, signal) =>
      out.end(() => resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : `ended by ${signal}`)),
    );
  });
}

function lastLines(file, count) {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines
    .slice(-count)
    .map((line) => `  | ${line}`)
    .join("\n");
}
