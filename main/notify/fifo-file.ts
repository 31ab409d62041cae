import { constants as fs, type Stats } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { constants as os } from "node:os";
import { makeFifo } from "../../native-bindings/fifo.js";
import type { ScriptUser } from "../config/model.js";
import { errnoName } from "../errors.js";

/** `gone`: somebody has deleted the pipe, and nobody who opens its path will read from it. */
export type Written = "written" | "full" | "gone";

/** A pipe with a name, open for writing. Nothing here blocks the calling thread. */
export interface FifoFile {
  /** At most PIPE_BUF octets: all of them go in, or none. @throws system error */
  write(text: string): Promise<Written>;
  /** Removes the pipe if it was made by `open`, of this daemon or of one that died. */
  close(): Promise<void>;
}

export interface FifoWish {
  readonly path: string;
  /** Whom it belongs to; undefined: whoever runs the daemon. */
  readonly owner: ScriptUser | undefined;
  /** Mode bits that files do not get. */
  readonly umask: number;
}

export type FifoOpener = (wish: FifoWish) => Promise<FifoFile | FifoRefusal>;

/** Knows the pipes that a daemon before this one made, and had no time to remove. By path, with the number of the inode. */
export interface FifoMemory {
  madeFifo(path: string): number | undefined;
  rememberFifo(path: string, inode: number): void;
  forgetFifo(path: string): void;
}

/** Why there is no pipe, and what to do about it. */
export interface FifoRefusal {
  readonly refused: string;
}

/** keepalived: 0644 less the umask. */
const MODE = 0o644;

/** Opened for reading too, so that writing needs no reader: what nobody reads waits in the pipe. Never follows a link. */
export async function openFifo({ path, owner, umask }: FifoWish, memory?: FifoMemory): Promise<FifoFile | FifoRefusal> {
  const made = await makeFifo(path, 0o600); // nobody else may open it before it has its owner and mode
  if (made !== 0 && made !== os.errno.EEXIST) return { refused: `cannot be made (errno ${made}): check its directory` };
  let file: FileHandle;
  try {
    file = await open(path, fs.O_RDWR | fs.O_NONBLOCK | fs.O_NOFOLLOW);
  } catch (error) {
    const why = errnoName(error);
    if (why === undefined) throw error;
    return { refused: why === "ELOOP" ? "is a symbolic link: remove it" : `cannot be opened: ${why}` };
  }
  try {
    const self = process.geteuid?.() ?? 0;
    const status = await file.stat();
    const refused = unusable(status, [self, owner?.uid ?? self], path);
    if (refused !== undefined) {
      await file.close();
      return { refused };
    }
    if (owner !== undefined) await file.chown(owner.uid, owner.gid);
    const ours = made === 0 || memory?.madeFifo(path) === status.ino;
    if (ours) {
      memory?.rememberFifo(path, status.ino);
      await file.chmod(MODE & ~umask);
    }
    return new OpenFifo(path, file, ours ? () => memory?.forgetFifo(path) : undefined);
  } catch (error) {
    await file.close();
    const why = errnoName(error);
    if (why === undefined) throw error;
    return { refused: `cannot be given its owner and mode: ${why}` };
  }
}

/** Somebody else's pipe, or a file, could be a trap. */
export function unusable(status: Stats, owners: readonly number[], path: string): string | undefined {
  if (!status.isFIFO()) return `exists and is no pipe: remove it (rm ${path}), or name another path`;
  if (owners.includes(status.uid)) return undefined;
  return `exists and belongs to uid ${status.uid}: remove it (rm ${path}), or name another path`;
}

class OpenFifo implements FifoFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #onRemoved: (() => void) | undefined;

  /** @param onRemoved undefined: the pipe is not ours to remove */
  constructor(path: string, file: FileHandle, onRemoved: (() => void) | undefined) {
    this.#path = path;
    this.#file = file;
    this.#onRemoved = onRemoved;
  }

  async write(text: string): Promise<Written> {
    if (await this.#isGone()) return "gone";
    try {
      await this.#file.write(text);
      return "written";
    } catch (error) {
      if (errnoName(error) === "EAGAIN") return "full";
      throw error;
    }
  }

  /** Removed first, as keepalived does: nobody opens a pipe that no writer holds any more. */
  async close(): Promise<void> {
    if (this.#onRemoved !== undefined) {
      if (!(await this.#isGone())) await unlink(this.#path).catch(() => undefined); // else its path is somebody else's
      this.#onRemoved();
    }
    await this.#file.close();
  }

  async #isGone(): Promise<boolean> {
    return (await this.#file.stat()).nlink === 0;
  }
}
