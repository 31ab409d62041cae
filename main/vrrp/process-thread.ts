import { Worker } from "node:worker_threads";
import type { Clock } from "../clock.js";
import type { ProcessPattern } from "./process-match.js";
import type { CountHandlers, ProcessCounter } from "./process-monitor.js";
import type { CountOrder, ProcessReport } from "./process-worker.js";
import { RestartDelay } from "./restart-delay.js";

/** Counts processes in a thread of its own, which is there only while some are tracked. */
export class ProcessThread implements ProcessCounter {
  readonly #clock: Clock;
  readonly #begin: BeginThread;
  readonly #receiveBytes: number | undefined;

  /**
   * @param begin calls what starts the thread: it inherits the processors of whoever does
   * @param receiveBytes of the socket for process events; undefined: 1 MiB
   */
  constructor(clock: Clock, begin: BeginThread = (start) => start(), receiveBytes?: number) {
    this.#clock = clock;
    this.#begin = begin;
    this.#receiveBytes = receiveBytes;
  }

  count(patterns: readonly ProcessPattern[], handlers: CountHandlers): Disposable {
    const order: CountOrder = { patterns, receiveBytes: this.#receiveBytes };
    return new Counting(this.#clock, this.#begin, order, handlers);
  }
}

type BeginThread = (start: () => Worker) => Worker;

class Counting implements Disposable {
  readonly #clock: Clock;
  readonly #begin: BeginThread;
  readonly #order: CountOrder;
  readonly #handlers: CountHandlers;
  readonly #counts: (number | undefined)[] = [];
  readonly #delay = new RestartDelay();
  #worker: Worker | undefined;
  #restart: Disposable | undefined;

  constructor(clock: Clock, begin: BeginThread, order: CountOrder, handlers: CountHandlers) {
    this.#clock = clock;
    this.#begin = begin;
    this.#order = order;
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
      workerData: this.#order,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    };
    const worker = this.#begin(() => new Worker(new URL("./process-worker.js", import.meta.url), options));
    const startedAt = this.#clock.now();
    worker.unref();
    let cause = "it ended";
    worker.on("message", (report: ProcessReport) => this.#hear(worker, report));
    worker.on("error", (error) => {
      cause = error.message;
    });
    worker.on("exit", () => this.#onExit(worker, cause, this.#clock.now() - startedAt));
    return worker;
  }

  #hear(worker: Worker, report: ProcessReport): void {
    if (worker !== this.#worker) return; // replaced by a reload
    if (report.kind === "problem") this.#handlers.onProblem(report.sentence);
    else for (const [i, count] of report.counts.entries()) this.#note(i, count);
  }

  #note(i: number, count: number): void {
    const name = this.#order.patterns[i]?.name;
    if (name === undefined || this.#counts[i] === count) return;
    this.#counts[i] = count;
    this.#handlers.onCount(name, count);
  }

  /** What was counted last stays in force meanwhile. */
  #onExit(worker: Worker, cause: string, lived: number): void {
    if (worker !== this.#worker) return;
    const delay = this.#delay.after(lived);
    const then = `starting it again in ${delay / 1000} s`;
    this.#handlers.onProblem(`The thread that counts tracked processes failed: ${cause}; ${then}`);
    this.#restart = this.#clock.after(delay, () => {
      this.#worker = this.#start();
    });
  }
}
