/** A wrong command line; the message says what is wrong with it. */
export class UsageError extends Error {}

/**
 * What every tool does with its command line: `read` gives what is asked for (undefined: --help), `work` does it.
 * @returns the exit code: that of `work`; 0 after --help; 2 for a wrong command line
 */
export async function withCommandLine<T>(
  tool: string,
  usage: string,
  read: () => T | undefined,
  work: (asked: T) => number | Promise<number>,
): Promise<number> {
  let asked: T | undefined;
  try {
    asked = read();
  } catch (error) {
    // node:util's parseArgs throws TypeErrors
    if (!(error instanceof UsageError || error instanceof TypeError)) throw error;
    process.stderr.write(`holdfast ${tool}: ${error.message.split("\n")[0]}\n${usage}`);
    return 2;
  }
  if (asked !== undefined) return work(asked);
  process.stdout.write(usage);
  return 0;
}
