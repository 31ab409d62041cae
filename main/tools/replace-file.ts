import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { errnoName } from "../errors.js";

/**
 * Replaces the content of `target`, which is no symbolic link, in one step: a reader sees the old content or the new,
 * also when the machine stops in between. Mode and owner are those of `status`, which was taken before reading.
 * @returns false: somebody else has changed it meanwhile, and that stays.
 * @throws what the system says, with the old file untouched and nothing left behind.
 */
export function replaceFile(target: string, content: Uint8Array, status: Stats): boolean {
  // Renaming asks for no permission on the file itself.
  accessSync(target, constants.W_OK);
  const directory = path.dirname(target);
  // A hidden name: no pattern of an include matches it.
  const temporary = path.join(directory, `.holdfast-fmt-${randomBytes(6).toString("hex")}`);
  try {
    write(temporary, content, status);
    if (!isSame(statSync(target), status)) {
      rmSync(temporary);
      return false;
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(directory);
  return true;
}

const isSame = (now: Stats, before: Stats): boolean =>
  now.ino === before.ino && now.dev === before.dev && now.size === before.size && now.mtimeMs === before.mtimeMs;

function write(file: string, content: Uint8Array, { uid, gid, mode }: Stats): void {
  const fd = openSync(file, "wx", 0o600);
  try {
    const made = fstatSync(fd);
    if (made.uid !== uid || made.gid !== gid) fchownSync(fd, uid, gid);
    fchmodSync(fd, mode & 0o7777); // after the owner: changing that clears bits
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The file is replaced already: a directory that may be written but not read, or that cannot be synced, is no failure. */
function syncDirectory(directory: string): void {
  let fd: number | undefined;
  try {
    fd = openSync(directory, "r");
    fsyncSync(fd);
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
