import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { constants, type FileHandle, open, rename, unlink } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Built as it is written; what it is built from may have to be gathered over several turns first. */
export type DumpText = () => Iterable<string> | Promise<Iterable<string>>;

/** Text gathered for one write, and main thread time spent on it before others get a turn. */
const CHUNK_CHARS = 64 * 1024;
const SLICE_MS = 1;

/** TMPDIR when it is an absolute directory, else /tmp. */
export function dumpDirectory(tmpdir: string | undefined): string {
  if (tmpdir === undefined || !isAbsolute(tmpdir)) return "/tmp";
  return statSync(tmpdir, { throwIfNoEntry: false })?.isDirectory() === true ? tmpdir : "/tmp";
}

/**
 * Writes dump files beside the main path: disk I/O in libuv's threads, text built in slices of a millisecond.
 * While a file is being written, the newest request for it waits and the ones before that are dropped.
 */
export class DumpFiles {
  readonly #directory: string;
  #mode: number;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, { readonly text: DumpText; readonly done: Promise<void> }>();

  /** `umask` is keepalived's -u, 0177 by default: files get mode 0666 less its bits. */
  constructor(directory: string, umask: number) {
    this.#directory = directory;
    this.#mode = 0o666 & ~umask;
  }

  /** For files that are begun from now on. */
  configure(umask: number): void {
    this.#mode = 0o666 & ~umask;
  }

  /** Resolves when `text` (or a newer one) is in place under `name`, which may be an absolute path. @throws system error */
  write(name: string, text: DumpText): Promise<void> {
    const busy = this.#busy.get(name);
    if (busy === undefined) return this.#start(name, text);
    const waiting = this.#waiting.get(name);
    const done = waiting?.done ?? busy.catch(() => undefined).then(() => this.#startWaiting(name));
    this.#waiting.set(name, { text, done });
    return done;
  }

  #startWaiting(name: string): Promise<void> {
    const next = this.#waiting.get(name);
    this.#waiting.delete(name);
    return next === undefined ? Promise.resolve() : this.#start(name, next.text);
  }

  #start(name: string, text: DumpText): Promise<void> {
    const run = this.#replace(resolve(this.#directory, name), text).finally(() => {
      if (this.#busy.get(name) === run) this.#busy.delete(name);
    });
    this.#busy.set(name, run);
    return run;
  }

  /** A new file renamed over the old name: readers see the old or the new one, and a planted link is replaced, not followed. */
  async #replace(path: string, text: DumpText): Promise<void> {
    const pieces = await text();
    const temporary = `${path}.${randomBytes(6).toString("hex")}`;
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, this.#mode);
    try {
      await fill(file, pieces, this.#mode);
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    await announce(path);
  }
}

async function fill(file: FileHandle, text: Iterable<string>, mode: number): Promise<void> {
  try {
    await file.chmod(mode); // the process's own umask may be stricter than keepalived's
    let chunk = "";
    let sliceEnd = performance.now() + SLICE_MS;
    for (const piece of text) {
      chunk += piece;
      if (chunk.length >= CHUNK_CHARS) {
        await file.write(chunk);
        chunk = "";
        sliceEnd = performance.now() + SLICE_MS;
      } else if (performance.now() > sliceEnd) {
        await nextTurn();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
    await file.write(chunk);
  } finally {
    await file.close();
  }
}

/**
 * A rename alone shows as IN_MOVED_TO; tools that watch the final name wait for IN_CLOSE_WRITE (VyOS: for 30 s).
 * They may delete the file as soon as they see it, so a failure here is none of ours.
 */
async function announce(path: string): Promise<void> {
  const { O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => undefined);
  await file?.close();
}
