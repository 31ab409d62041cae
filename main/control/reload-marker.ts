import { constants } from "node:fs";
import { open, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ProcessConfig, ReloadConfig } from "../config/model-global.js";
import { errnoName } from "../errors.js";

/** Path of reload_file; without one of its own it lies beside the pid file. Undefined: the keyword is absent. */
export function reloadMarkerPath(
  { markerFile }: Pick<ReloadConfig, "markerFile">,
  { instanceName }: Pick<ProcessConfig, "instanceName">,
  mainPidFile: string,
): string | undefined {
  if (markerFile === false) return undefined;
  const name = instanceName === undefined ? "keepalived" : `keepalived_${instanceName}`;
  return markerFile === true ? join(dirname(mainPidFile), `${name}.reload`) : markerFile;
}

/** keepalived.conf(5) reload_file: while it is there the configuration is being read, and nobody is to edit it. */
export async function whileMarked<T>(path: string | undefined, read: () => Promise<T>): Promise<T> {
  if (path === undefined) return read();
  await mark(path);
  try {
    return await read();
  } finally {
    await unmark(path);
  }
}

/** Editors of other users look for it, whatever the umask. One that cannot be made is no reason not to reload. */
async function mark(path: string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    await using file = await open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644);
    const { nlink } = await file.stat();
    if (nlink === 1) await file.chmod(0o644); // more: somebody made it a name for a file that others must not read
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
  }
}

/** Also that of a daemon that was killed while it was reading. */
export async function unmark(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  try {
    await unlink(path);
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
  }
}
