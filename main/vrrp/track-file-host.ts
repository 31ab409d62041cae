import { dirname } from "node:path/posix";
import { Worker } from "node:worker_threads";
import type { Clock } from "../clock.js";
import type { Milliseconds } from "../units.js";
import type { FileInit, TrackFileHost } from "./file-monitor.js";
import { RestartDelay } from "./restart-delay.js";
import type { FileOrder, FileReport } from "./track-file-worker.js";

/** Further directories share these. */
const MOST_THREADS = 4;

type BeginThread = (start: () => Worker) => Worker;

/**
 * Tracked files on disks and file servers. Even to look a path up may wait for one that is gone, so each directory has a thread of
 * its own: what hangs there holds up neither adverts nor the files of other directories.
 */
export class DiskTrackFiles implements TrackFileHost {
  readonly #clock: Clock;
  readonly #begin: BeginThread;
  readonly #byDirectory = new Map<string, FileThread>();
  /** Told to end; one that stays here hangs. */
  readonly #ending = new Set<Promise<unknown>>();
  #lastId = 0;

  /** @param begin calls what starts a thread: it inherits the processors of whoever does */
  constructor(clock: Clock, begin: BeginThread = (start) => start()) {
    this.#clock = clock;
    this.#begin = begin;
  }

  watch(path: string, init: FileInit | undefined, onText: (text: string | undefined) => void): Disposable {
    const directory = dirname(path);
    const thread = this.#byDirectory.get(directory) ?? this.#threadFor(directory);
    const id = ++this.#lastId;
    thread.add(id, { path, init, onText });
    return {
      [Symbol.dispose]: () => {
        if (thread.remove(id)) this.#end(thread);
      },
    };
  }

  /** Resolves when all threads that were told to end have done so, or `limit` is over. @returns whether one hangs */
  async hangs(limit: Milliseconds): Promise<boolean> {
    const ended = Promise.all(this.#ending);
    const late = new Promise<void>((resolve) => this.#clock.after(limit, resolve));
    await Promise.race([ended, late]);
    return this.#ending.size > 0;
  }

  #threadFor(directory: string): FileThread {
    const threads = [...new Set(this.#byDirectory.values())];
    const [emptiest] = threads.toSorted((a, b) => a.size - b.size);
    const isFull = threads.length >= MOST_THREADS;
    const thread = isFull && emptiest !== undefined ? emptiest : new FileThread(this.#clock, this.#begin);
    this.#byDirectory.set(directory, thread);
    return thread;
  }

  #end(thread: FileThread): void {
    for (const [directory, one] of this.#byDirectory) if (one === thread) this.#byDirectory.delete(directory);
    const ended = thread.end().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}

interface Watched {
  readonly path: string;
  readonly init: FileInit | undefined;
  readonly onText: (text: string | undefined) => void;
}

class FileThread {
  readonly #clock: Clock;
  readonly #begin: BeginThread;
  readonly #watched = new Map<number, Watched>();
  readonly #delay = new RestartDelay();
  #worker: Worker | undefined;
  #restart: Disposable | undefined;

  constructor(clock: Clock, begin: BeginThread) {
    this.#clock = clock;
    this.#begin = begin;
    this.#worker = this.#start();
  }

  get size(): number {
    return this.#watched.size;
  }

  add(id: number, watched: Watched): void {
    this.#watched.set(id, watched);
    this.#order({ kind: "watch", id, path: watched.path, init: watched.init });
  }

  /** @returns whether nothing is left to do */
  remove(id: number): boolean {
    const known = this.#watched.delete(id);
    if (known) this.#order({ kind: "unwatch", id });
    return known && this.#watched.size === 0;
  }

  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#restart?.[Symbol.dispose]();
    await worker?.terminate();
  }

  #order(order: FileOrder): void {
    this.#worker?.postMessage(order);
  }

  #start(): Worker {
    const options = { name: "files", resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 } };
    const worker = this.#begin(() => new Worker(new URL("./track-file-worker.js", import.meta.url), options));
    const startedAt = this.#clock.now();
    worker.unref();
    worker.on("message", ({ id, text }: FileReport) => this.#watched.get(id)?.onText(text));
    worker.on("error", () => {}); // it ends next
    worker.on("exit", () => {
      if (worker === this.#worker) this.#startLater(this.#delay.after(this.#clock.now() - startedAt));
    });
    return worker;
  }

  /** What was read last counts meanwhile. Files are initialised once. */
  #startLater(delay: Milliseconds): void {
    this.#worker = undefined;
    this.#restart = this.#clock.after(delay, () => {
      this.#worker = this.#start();
      for (const [id, { path }] of this.#watched) this.#order({ kind: "watch", id, path, init: undefined });
    });
  }
}
