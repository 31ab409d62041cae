import { Worker } from "node:worker_threads";
import type { Clock } from "../clock.js";
import { ms } from "../units.js";
import type { ProcessPattern } from "./process-match.js";
import type { CountHandlers, ProcessCounter } from "./process-monitor.js";
import type { ProcessReport } from "./process-worker.js";

const RESTART = ms(1000);

/** Counts processes in a thread of its own, which is there only while some are tracked. */
export class ProcessThread implements ProcessCounter {
  readonly #clock: Clock;
  readonly #begin: BeginThread;

  /** @param begin calls what starts the thread: it inherits the processors of whoever does */
  constructor(clock: Clock, begin: BeginThread = (start) => start()) {
    this.#clock = clock;
    this.#begin = begin;
  }

  count(patterns: readonly ProcessPattern[], handlers: CountHandlers): Disposable {
    return new Counting(this.#clock, this.#begin, patterns, handlers);
  }
}

type BeginThread = (start: () => Worker) => Worker;

class Counting implements Disposable {
  readonly #clock: Clock;
  readonly #begin: BeginThread;
  readonly #patterns: readonly ProcessPattern[];
  readonly #handlers: CountHandlers;
  readonly #counts: (number | undefined)[] = [];
  #worker: Worker | undefined;
  #restart: Disposable | undefined;

  constructor(clock: Clock, begin: BeginThread, patterns: readonly ProcessPattern[], handlers: CountHandlers) {
    this.#clock = clock;
    this.#begin = begin;
    this.#patterns = patterns;
    this.#handlers = handlers;
    this.#worker = this.#start();
  }

  [Symbol.dispose](): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#restart?.[Symbol.dispose]();
    void worker?.terminate();
  }

  #start(): Worker {
    const options = {
      name: "processes",
      workerData: this.#patterns,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    };
    const worker = this.#begin(() => new Worker(new URL("./process-worker.js", import.meta.url), options));
    worker.unref();
    let cause = "it ended";
    worker.on("message", (report: ProcessReport) => this.#hear(worker, report));
    worker.on("error", (error) => {
      cause = error.message;
    });
    worker.on("exit", () => this.#onExit(worker, cause));
    return worker;
  }

  #hear(worker: Worker, report: ProcessReport): void {
    if (worker !== this.#worker) return; // replaced by a reload
    if (report.kind === "problem") this.#handlers.onProblem(report.sentence);
    else for (const [i, count] of report.counts.entries()) this.#note(i, count);
  }

  #note(i: number, count: number): void {
    const name = this.#patterns[i]?.name;
    if (name === undefined || this.#counts[i] === count) return;
    this.#counts[i] = count;
    this.#handlers.onCount(name, count);
  }

  /** What was counted last stays in force meanwhile. */
  #onExit(worker: Worker, cause: string): void {
    if (worker !== this.#worker) return;
    this.#handlers.onProblem(`The thread that counts tracked processes failed: ${cause}; starting it again`);
    this.#restart = this.#clock.after(RESTART, () => {
      this.#worker = this.#start();
    });
  }
}
