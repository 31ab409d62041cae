import { readFile, realpath, stat } from "node:fs/promises";
import type { Daemon } from "./daemon.js";
import { descendants, hasOpen } from "./process-tree.js";
import { until } from "./until.js";

/** Patience with a busy machine. */
const WRITTEN_MS = 20_000;

/** Text of a file that was not there before, once the daemon that makes it has closed it: keepalived writes in place, in pieces. */
export async function writtenFile(daemon: Daemon, file: string): Promise<string> {
  const isWhole = async (): Promise<boolean> => {
    const name = await realpath(file).catch(() => undefined);
    if (name === undefined || (await stat(name)).size === 0) return false;
    return [daemon.pid, ...descendants(daemon.pid)].every((pid) => !hasOpen(pid, name));
  };
  await until(`${file} is written`, WRITTEN_MS, isWhole, 20);
  return readFile(file, "utf8");
}
