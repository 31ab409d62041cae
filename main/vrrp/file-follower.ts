import { closeSync, constants, type FSWatcher, openSync, readSync, watch, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path/posix";
import type { Clock } from "../clock.js";
import { errnoName } from "../errors.js";
import { type Milliseconds, ms } from "../units.js";
import { Deadline } from "./deadline.js";
import type { FileInit } from "./file-monitor.js";

/** Long enough for a program that truncates and then writes; what comes meanwhile is one change. */
const SETTLE = ms(20);
/** An empty file is read again before it is believed. */
const EMPTY = ms(250);
/** Network file systems tell nothing, and a directory may have been replaced: the file is looked at anyway. */
const LOOK_AGAIN = ms(5000);
/** More than any number has digits. */
const MOST_BYTES = 128;

/** Follows one file: inotify(7) on its directory. It waits for the disk, so it has a thread of its own (track-file-worker.ts). */
export class FileFollower implements Disposable {
  readonly #path: string;
  readonly #onText: (text: string | undefined) => void;
  readonly #clock: Clock;
  /** A change was told: read when it has settled. */
  readonly #soon: Deadline;
  readonly #lookAgain: Deadline;
  #watcher: FSWatcher | undefined;
  #emptyBefore = false;

  /** @param onText never called within this */
  constructor(clock: Clock, path: string, init: FileInit | undefined, onText: (text: string | undefined) => void) {
    this.#clock = clock;
    this.#path = path;
    this.#onText = onText;
    this.#soon = new Deadline(clock, () => this.#read());
    this.#lookAgain = new Deadline(clock, () => this.#look());
    if (init !== undefined) write(path, init);
    this.#lookAgain.arm(clock.now());
  }

  [Symbol.dispose](): void {
    this.#soon.disarm();
    this.#lookAgain.disarm();
    this.#watcher?.close();
  }

  /** A new watch each time: the directory of that name may be another one by now. */
  #look(): void {
    this.#lookAgain.arm(ms(this.#clock.now() + LOOK_AGAIN));
    this.#watcher?.close();
    this.#watcher = this.#open();
    this.#read();
  }

  #open(): FSWatcher | undefined {
    const name = basename(this.#path);
    try {
      const watcher = watch(dirname(this.#path), { persistent: false }, (_kind, changed) => {
        if (changed === null || changed === name) this.#later(SETTLE);
      });
      return watcher.on("error", () => watcher.close()); // looked at again in any case
    } catch {
      return undefined; // no such directory, or no watch to be had: the file is still looked at now and then
    }
  }

  #later(delay: Milliseconds): void {
    this.#soon.arm(ms(this.#clock.now() + delay));
  }

  #read(): void {
    const text = readBeginning(this.#path);
    const empty = text?.trim() === "";
    if (empty && !this.#emptyBefore) this.#later(EMPTY);
    else this.#onText(text);
    this.#emptyBefore = empty;
  }
}

/** Undefined when there is no file, or none that can be read. Never waits for a FIFO. */
function readBeginning(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = Buffer.alloc(MOST_BYTES);
    return buffer.toString("latin1", 0, readSync(file, buffer, 0, MOST_BYTES, 0));
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * What cannot be written is seen when it is read: the file is not there. A link is not followed: whoever may write to the directory
 * could have any file of the host overwritten.
 */
function write(path: string, { text, overwrite }: FileInit): void {
  const { O_WRONLY, O_NONBLOCK, O_NOFOLLOW, O_CREAT, O_TRUNC, O_EXCL } = constants;
  const how = O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CREAT | (overwrite ? O_TRUNC : O_EXCL);
  try {
    const file = openSync(path, how, 0o644);
    try {
      writeFileSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
  }
}
