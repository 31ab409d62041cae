import { constants, type FSWatcher, watch } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname } from "node:path/posix";
import type { Clock } from "../clock.js";
import { errnoName } from "../errors.js";
import { type Milliseconds, ms } from "../units.js";
import { Deadline } from "./deadline.js";
import type { FileInit, TrackFileHost } from "./file-monitor.js";

/** Long enough for a program that truncates and then writes; what comes meanwhile is one change. */
const SETTLE = ms(20);
/** An empty file is read again before it is believed. */
const EMPTY = ms(250);
/** Network file systems tell nothing, and a directory may have been replaced: the file is looked at anyway. */
const LOOK_AGAIN = ms(5000);
/** More than any number has digits. */
const MOST_BYTES = 128;

/** Tracked files on this machine's disks: inotify(7) on their directories. Reading happens in other threads. */
export class DiskTrackFiles implements TrackFileHost {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(path: string, init: FileInit | undefined, onText: (text: string | undefined) => void): Disposable {
    return new FileWatch(this.#clock, path, init, onText);
  }
}

class FileWatch implements Disposable {
  readonly #path: string;
  readonly #onText: (text: string | undefined) => void;
  readonly #clock: Clock;
  /** A change was told: read when it has settled. */
  readonly #soon: Deadline;
  readonly #lookAgain: Deadline;
  #watcher: FSWatcher | undefined;
  #state: "idle" | "reading" | "gone" = "idle";
  #emptyBefore = false;

  constructor(clock: Clock, path: string, init: FileInit | undefined, onText: (text: string | undefined) => void) {
    this.#clock = clock;
    this.#path = path;
    this.#onText = onText;
    this.#soon = new Deadline(clock, () => void this.#read());
    this.#lookAgain = new Deadline(clock, () => this.#look());
    void this.#begin(init);
  }

  [Symbol.dispose](): void {
    this.#state = "gone";
    this.#soon.disarm();
    this.#lookAgain.disarm();
    this.#watcher?.close();
  }

  async #begin(init: FileInit | undefined): Promise<void> {
    if (init !== undefined) await write(this.#path, init);
    if (this.#state !== "gone") this.#look();
  }

  /** A new watch each time: the directory of that name may be another one by now. */
  #look(): void {
    this.#lookAgain.arm(ms(this.#clock.now() + LOOK_AGAIN));
    this.#watcher?.close();
    this.#watcher = this.#open();
    void this.#read();
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
    if (this.#state !== "gone") this.#soon.arm(ms(this.#clock.now() + delay));
  }

  async #read(): Promise<void> {
    if (this.#state === "reading") this.#later(SETTLE);
    if (this.#state !== "idle") return;
    this.#state = "reading";
    const text = await readBeginning(this.#path);
    if (this.#wasDropped()) return;
    this.#state = "idle";
    const empty = text?.trim() === "";
    if (empty && !this.#emptyBefore) this.#later(EMPTY);
    else this.#onText(text);
    this.#emptyBefore = empty;
  }

  /** What the compiler cannot know: the state changes while a read is under way. */
  #wasDropped(): boolean {
    return this.#state === "gone";
  }
}

/** Undefined when there is no file, or none that can be read. Never waits for a FIFO. */
async function readBeginning(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return undefined;
  }
}

/** What cannot be written is seen when it is read: the file is not there. */
async function write(path: string, { text, overwrite }: FileInit): Promise<void> {
  const mode = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_CREAT;
  try {
    await using file = await open(path, mode | (overwrite ? constants.O_TRUNC : constants.O_EXCL), 0o644);
    await file.writeFile(text);
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
  }
}
