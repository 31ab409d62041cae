import type { Clock } from "../clock.js";
import { errnoName } from "../errors.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { FifoBacklog, type LineKind } from "./fifo-backlog.js";
import type { FifoFile, FifoOpener, FifoWish } from "./fifo-file.js";

/** How soon a full pipe is tried again. */
const AGAIN = ms(25);
/** A reader deletes its pipe and makes it again (`rm -f`, then `mkfifo`): a pipe of ours in between would be in its way. */
const REMADE = ms(100);

type Phase =
  | { readonly at: "opening" | "refused" | "closed" }
  | { readonly at: "idle" | "writing" | "full"; readonly file: FifoFile };

/** One notify FIFO: lines go in in order, one write at a time in libuv's threads. A slow reader makes them wait, never us. */
export class FifoOutlet {
  readonly opened: Promise<boolean>;
  readonly #name: string;
  readonly #wish: FifoWish;
  readonly #open: FifoOpener;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #backlog = new FifoBacklog();
  #phase: Phase = { at: "opening" };
  /** Settled, but while `#phase` is "opening". */
  #opening: Promise<unknown>;
  /** Of which it was said that they are lost. */
  #lostBefore = 0;
  #losing: boolean = false;
  #whenIdle: (() => void)[] = [];

  /** `keyword`: whose pipe it is, for messages. */
  constructor(keyword: string, wish: FifoWish, open: FifoOpener, log: Log, clock: Clock) {
    this.#name = `${keyword} ${wish.path}`;
    this.#log = log;
    this.#clock = clock;
    this.#wish = wish;
    this.#open = open;
    this.opened = this.#begin();
    this.#opening = this.opened;
  }

  /** Lines that no reader will see. */
  get lost(): number {
    return this.#backlog.lost;
  }

  /** False: it could not be opened or written; only a new one may work. */
  get usable(): boolean {
    return this.#phase.at !== "refused" && this.#phase.at !== "closed";
  }

  tell(line: string, kind: LineKind): void {
    if (this.#phase.at === "refused" || this.#phase.at === "closed") return;
    this.#backlog.push(line, kind);
    this.#sayLost();
    if (this.#phase.at === "idle") void this.#drain(this.#phase.file);
  }

  /** Resolves when all is in the pipe, or `limit` has passed. */
  settle(limit: Milliseconds): Promise<void> {
    const { at } = this.#phase;
    if (at === "idle" || at === "refused" || at === "closed") return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(limit, resolve);
      this.#whenIdle.push(() => {
        timer[Symbol.dispose]();
        resolve();
      });
    });
  }

  /** What still waits is lost. */
  async close(): Promise<void> {
    await this.#opening;
    const phase = this.#phase;
    this.#become({ at: "closed" });
    if ("file" in phase) await phase.file.close().catch(() => undefined);
  }

  async #begin(): Promise<boolean> {
    const file = await this.#find();
    if (file === undefined) return false;
    void this.#drain(file);
    return true;
  }

  async #find(): Promise<FifoFile | undefined> {
    const found = await this.#open(this.#wish);
    if (!("refused" in found)) return found;
    this.#log("error", "fifo.refused", `${this.#name} ${found.refused}; nothing is told on it until the next reload`);
    this.#become({ at: "refused" });
    return undefined;
  }

  async #drain(first: FifoFile): Promise<void> {
    let file: FifoFile | undefined = first;
    this.#phase = { at: "writing", file };
    for (let text = this.#backlog.take(); text !== ""; text = this.#backlog.take()) {
      file = await this.#put(file, text);
      if (file === undefined) return;
    }
    this.#become({ at: "idle", file });
    this.#sayRecovered();
  }

  /** @returns where `text` is now; undefined when it has been closed meanwhile, or cannot be written any more */
  async #put(first: FifoFile, text: string): Promise<FifoFile | undefined> {
    let file: FifoFile | undefined = first;
    try {
      for (let end = await file.write(text); end !== "written"; end = await file.write(text)) {
        if (this.#isClosed()) return undefined;
        this.#phase = { at: "full", file };
        await new Promise<void>((resolve) => this.#clock.after(end === "full" ? AGAIN : REMADE, resolve));
        if (this.#isClosed()) return undefined;
        if (end === "gone") file = await this.#follow(file);
        if (file === undefined) return undefined;
      }
      return this.#isClosed() ? undefined : file;
    } catch (error) {
      const why = errnoName(error);
      if (why === undefined) throw error;
      if (this.#isClosed()) return undefined; // EBADF: the write was under way
      this.#log(
        "error",
        "fifo.failed",
        `${this.#name} cannot be written: ${why}; nothing is told on it until a reload`,
      );
      this.#become({ at: "refused" });
      return undefined;
    }
  }

  /** To the pipe that has the path now; without one it is made, as at the start. */
  async #follow(deleted: FifoFile): Promise<FifoFile | undefined> {
    this.#phase = { at: "opening" };
    const next = deleted
      .close()
      .catch(() => undefined)
      .then(() => this.#find());
    this.#opening = next.then((file) => {
      if (file !== undefined) this.#phase = { at: "writing", file };
    });
    await this.#opening; // first: `close` takes the file from the phase
    if ((await next) === undefined || this.#isClosed()) return undefined;
    this.#log("notice", "fifo.followed", `${this.#name} was deleted: going on with the pipe that is there now`);
    return next;
  }

  #isClosed(): boolean {
    return this.#phase.at === "closed";
  }

  #become(phase: Phase): void {
    this.#phase = phase;
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }

  /** Once when it begins; how many when the reader is back. */
  #sayLost(): void {
    if (this.#losing || this.#backlog.lost === this.#lostBefore) return;
    this.#losing = true;
    const sentence = `${this.#name} is full and not read: lines are being lost, the oldest first - check its reader`;
    this.#log("warning", "fifo.losing", sentence);
  }

  #sayRecovered(): void {
    if (!this.#losing) return;
    const lost = this.#backlog.lost - this.#lostBefore;
    this.#losing = false;
    this.#lostBefore += lost;
    this.#log("notice", "fifo.recovered", `${this.#name} is read again; ${lost} lines were lost`, { lost });
  }
}
