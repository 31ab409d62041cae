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
  writeFileSync,
} from "node:fs";
import path from "node:path";

/**
 * Replaces the content of `target`, which is no symbolic link, in one step: a reader sees the old content or the new,
 * also when the machine stops in between. Mode and owner are those of `status`.
 * @throws what the system says, with the old file untouched and nothing left behind.
 */
export function replaceFile(target: string, content: Uint8Array, status: Stats): void {
  // Renaming asks for no permission on the file itself.
  accessSync(target, constants.W_OK);
  const directory = path.dirname(target);
  // A hidden name: no pattern of an include matches it.
  const temporary = path.join(directory, `.holdfast-fmt-${randomBytes(6).toString("hex")}`);
  try {
    write(temporary, content, status);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(directory);
}

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

function syncDirectory(directory: string): void {
  const fd = openSync(directory, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
