import { execFile } from "node:child_process";

export interface CommandResult {
  /** Exit code; -1 when a signal or the time limit ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Default 20 s; then SIGKILL. */
  readonly timeoutMs?: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end and reports how it went, whatever the exit code. @throws Error when it cannot be started */
export function attempt(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file = "", ...args] = argv;
  const { timeoutMs = 20_000, input, env = {} } = options;
  return new Promise((resolve, reject) => {
    const settings = {
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: 64 << 20,
      env: { ...process.env, ...env },
    } as const;
    const child = execFile(file, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === "string")
        reject(new Error(`${argv.join(" ")}: ${error.message}`, { cause: error }));
      else resolve({ code: error.code ?? -1, stdout, stderr });
    });
    // A command that ends without reading its input closes the pipe; its exit code tells the story.
    child.stdin?.on("error", () => undefined).end(input ?? "");
  });
}

/** Runs a command. @returns its standard output @throws Error with its standard error when it does not exit with 0 */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(argv, options);
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit code ${code}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}
