import { Worker } from "node:worker_threads";
import type { RunTool, ToolResult } from "./iptables.js";
import type { ToolDone, ToolOrder } from "./tool-worker.js";

/** A program is given 30 s (run-tool.ts). One that has not even begun by then waits for its disk, and so does the thread. */
const ANSWERS_WITHIN_MS = 35_000;
/** Rules change together; then nothing does for days. */
const IDLE_MS = 10_000;

/**
 * Runs programs like iptables from a thread of its own: whoever starts one waits until it is loaded, which takes milliseconds, or as long
 * as a file server is gone. The thread ends when nothing is left to do.
 */
export class ToolThread {
  readonly #unpinned: (start: () => Worker) => Worker;
  readonly #withinMs: number;
  readonly #idleMs: number;
  readonly #waiting = new Map<number, (result: ToolResult) => void>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** @param unpinned runs what starts the thread: it inherits the processors of whoever does */
  constructor(unpinned: (start: () => Worker) => Worker, withinMs = ANSWERS_WITHIN_MS, idleMs = IDLE_MS) {
    this.#unpinned = unpinned;
    this.#withinMs = withinMs;
    this.#idleMs = idleMs;
  }

  /** Undefined: there is no thread now. */
  get threadId(): number | undefined {
    return this.#worker?.threadId;
  }

  readonly run: RunTool = (argv, input) =>
    new Promise((resolve) => {
      clearTimeout(this.#idle);
      const id = ++this.#lastId;
      let worker: Worker;
      try {
        worker = this.#worker ??= this.#start();
      } catch (error) {
        // EAGAIN: the host, or the control group, has as many threads as it may have
        const why = error instanceof Error ? error.message : String(error);
        return resolve({ code: -1, output: "", errors: `no thread to start ${argv[0]} from: ${why}` });
      }
      worker.ref(); // the end of the daemon waits for its rules to go
      const late = setTimeout(() => {
        if (worker === this.#worker) this.#letGo(); // the next one gets another thread
        this.#done({ id, code: -1, output: "", errors: `${argv[0]} did not begin within ${this.#withinMs / 1000} s` });
      }, this.#withinMs);
      this.#waiting.set(id, (result) => {
        clearTimeout(late);
        resolve(result);
      });
      worker.postMessage({ id, argv, input } satisfies ToolOrder);
    });

  #start(): Worker {
    const options = { name: "tools", resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 } };
    const worker = this.#unpinned(() => new Worker(new URL("./tool-worker.js", import.meta.url), options));
    let failure = "the thread that runs programs has ended";
    worker.on("message", (done: ToolDone) => this.#done(done));
    worker.on("error", (error) => {
      failure = error instanceof Error ? error.message : String(error);
    });
    worker.on("exit", () => {
      if (worker !== this.#worker) return;
      this.#worker = undefined;
      for (const id of [...this.#waiting.keys()]) this.#done({ id, code: -1, output: "", errors: failure });
    });
    return worker;
  }

  #done({ id, ...result }: ToolDone): void {
    this.#waiting.get(id)?.(result);
    this.#waiting.delete(id);
    if (this.#waiting.size > 0 || this.#worker === undefined) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#letGo(), this.#idleMs).unref();
    this.#worker.unref();
  }

  #letGo(): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
  }
}
