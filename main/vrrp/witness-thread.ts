import { Worker } from "node:worker_threads";
import type { Clock } from "../clock.js";
import type { WitnessConfig } from "../config/model-guard.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import type { WitnessAsker } from "./guard-ports.js";
import type { WitnessAnswer, WitnessQuestion } from "./witness-worker.js";

/** Beyond a witness's own time-out: the thread is busy, or gone. */
const SLACK = ms(1000);

interface Asked {
  readonly done: (problem: string | undefined) => void;
  readonly limit: Disposable;
}

/** Asks witnesses in a thread of its own, which is there as soon as some instance has any. */
export class WitnessThread implements WitnessAsker, Disposable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #begin: (start: () => Worker) => Worker;
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | undefined;
  #last = 0;

  /** @param begin calls what starts the thread: it inherits the processors of whoever does */
  constructor(clock: Clock, log: Log, begin: (start: () => Worker) => Worker = (start) => start()) {
    this.#clock = clock;
    this.#log = log;
    this.#begin = begin;
  }

  prepare(): void {
    this.#worker ??= this.#start();
  }

  ask(witness: WitnessConfig, done: (problem: string | undefined) => void): void {
    this.prepare();
    const id = ++this.#last;
    const limit = this.#clock.after(ms(witness.timeout + SLACK), () =>
      this.#answer({ id, problem: "nobody could ask" }),
    );
    this.#asked.set(id, { done, limit });
    this.#worker?.postMessage({ id, witness } satisfies WitnessQuestion);
  }

  [Symbol.dispose](): void {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const { limit } of this.#asked.values()) limit[Symbol.dispose]();
    this.#asked.clear();
    void worker?.terminate();
  }

  #start(): Worker {
    const options = {
      name: "witnesses",
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    };
    const worker = this.#begin(() => new Worker(new URL("./witness-worker.js", import.meta.url), options));
    worker.unref();
    let cause = "it ended";
    worker.on("message", (answer: WitnessAnswer) => this.#answer(answer));
    worker.on("error", (error) => {
      cause = error.message;
    });
    worker.on("exit", () => this.#onExit(worker, cause));
    return worker;
  }

  #answer({ id, problem }: WitnessAnswer): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    asked.limit[Symbol.dispose]();
    asked.done(problem);
  }

  /** The next question starts it again; what was under way ends by its limit. */
  #onExit(worker: Worker, cause: string): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    this.#log(
      "error",
      "vrrp.witness-thread",
      `The thread that asks witnesses failed: ${cause}; it starts again when needed`,
    );
  }
}
