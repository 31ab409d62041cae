import type { Clock } from "../clock.js";
import { errnoName } from "../errors.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { FifoBacklog, type LineKind } from "./fifo-backlog.js";
import type { FifoFile, FifoOpener, FifoWish } from "./fifo-file.js";

/** How soon a full pipe is tried again. */
const AGAIN = ms(25);

type Phase =
  | { readonly at: "opening" | "refused" | "closed" }
  | { readonly at: "idle" | "writing" | "full"; readonly file: FifoFile };

/** One notify FIFO: lines go in in order, one write at a time in libuv's threads. A slow reader makes them wait, never us. */
export class FifoOutlet {
  readonly opened: Promise<boolean>;
  readonly #name: string;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #backlog = new FifoBacklog();
  #phase: Phase = { at: "opening" };
  /** Of which it was said that they are lost. */
  #lostBefore = 0;
  #losing: boolean = false;
  #whenIdle: (() => void)[] = [];

  /** `keyword`: whose pipe it is, for messages. */
  constructor(keyword: string, wish: FifoWish, open: FifoOpener, log: Log, clock: Clock) {
    this.#name = `${keyword} ${wish.path}`;
    this.#log = log;
    this.#clock = clock;
    this.opened = this.#open(wish, open);
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
    await this.opened;
    const phase = this.#phase;
    this.#become({ at: "closed" });
    if ("file" in phase) await phase.file.close().catch(() => undefined);
  }

  async #open(wish: FifoWish, open: FifoOpener): Promise<boolean> {
    const found = await open(wish);
    if ("refused" in found) {
      this.#log("error", "fifo.refused", `${this.#name} ${found.refused}; nothing is told on it until the next reload`);
      this.#become({ at: "refused" });
      return false;
    }
    void this.#drain(found);
    return true;
  }

  async #drain(file: FifoFile): Promise<void> {
    this.#phase = { at: "writing", file };
    for (let text = this.#backlog.take(); text !== ""; text = this.#backlog.take()) {
      if (!(await this.#put(file, text))) return;
    }
    this.#become({ at: "idle", file });
    this.#sayRecovered();
  }

  /** @returns false when it has been closed meanwhile, or cannot be written any more */
  async #put(file: FifoFile, text: string): Promise<boolean> {
    try {
      while (!(await file.write(text))) {
        if (this.#isClosed()) return false;
        this.#phase = { at: "full", file };
        await new Promise<void>((resolve) => this.#clock.after(AGAIN, resolve));
        if (this.#isClosed()) return false;
      }
      return !this.#isClosed();
    } catch (error) {
      const why = errnoName(error);
      if (why === undefined) throw error;
      if (this.#isClosed()) return false; // EBADF: the write was under way
      this.#log(
        "error",
        "fifo.failed",
        `${this.#name} cannot be written: ${why}; nothing is told on it until a reload`,
      );
      this.#become({ at: "refused" });
      return false;
    }
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
