import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

const { EACCES, EDQUOT, EINVAL, EISDIR, ELOOP, EMLINK, ENOENT, ENOSPC, ENOTDIR, ENXIO, EPERM, EROFS } = constants.errno;

const WEIRD = "remove it, or name another file";
const ROOM = "make room there";
const RIGHTS = "start as root, or name a file in a folder that may be written to";

/** By errno: what is wrong, and what to do. The launcher opens without following links, and takes regular files only. */
const reasons: ReadonlyMap<number, readonly [why: string, what: string]> = new Map([
  [EISDIR, ["a folder lies in its place", WEIRD]],
  [ELOOP, ["a symbolic link lies in its place", WEIRD]],
  [EMLINK, ["the file there has another name too (hard link), and may be somebody else's", WEIRD]],
  [EINVAL, ["what lies in its place is no regular file", WEIRD]],
  [ENXIO, ["what lies in its place is no regular file", WEIRD]],
  [ENOENT, ["its folder does not exist", "make it, or name another file"]],
  [ENOTDIR, ["part of its path is no folder", "name another file"]],
  [EACCES, ["no permission", RIGHTS]],
  [EPERM, ["no permission", RIGHTS]],
  [EROFS, ["the file system is read-only", "name a file elsewhere"]],
  [ENOSPC, ["the file system is full", ROOM]],
  [EDQUOT, ["the quota is used up", ROOM]],
]);

/** @param option the one that names it */
export function pidFileFailure(path: string, errno: number, option: string): string {
  const [why, what] = reasons.get(errno) ?? [errorName(errno), "look at its folder, and the permissions"];
  return `Cannot write pid file ${path}: ${why} - ${what} (${option}); the daemon runs without it`;
}

function errorName(errno: number): string {
  const name = errno > 0 ? getSystemErrorName(-errno) : "";
  return name === "" || name.startsWith("Unknown") ? `errno ${errno}` : name;
}
