import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Piscina } from "piscina";
import type { FromWorker, ShardOptions, ShardTask, ToWorker } from "../../workers/protocol.js";
import type { Clock } from "../clock.js";
import { type Milliseconds, ms } from "../units.js";

/** Why a shard's thread had to be replaced. */
export interface ShardFault {
  readonly shard: number;
  readonly code: "failed" | "stalled" | "slow-start" | "bad-message" | "gave-up";
  readonly message: string;
}

export interface SlotDeps {
  readonly piscina: Piscina;
  /** Path of the module whose default export runs a shard. */
  readonly workerFile: string;
  readonly clock: Clock;
  readonly shardOptions: ShardOptions;
  readonly stallAfter: Milliseconds;
  readonly startWithin: Milliseconds;
  /** How long a thread that was told to end may take before it counts as stuck. */
  readonly endWithin: Milliseconds;
  /** A thread is there and knows no checks yet. */
  readonly onStarted: (slot: ShardSlot) => void;
  /** @throws RangeError when the message makes no sense: the thread is replaced */
  readonly onMessage: (slot: ShardSlot, message: FromWorker) => void;
  readonly onFault: (fault: ShardFault) => void;
}

/** One task in one thread, from its start to its end. */
interface Run {
  readonly port: MessagePort;
  readonly abort: AbortController;
  readonly since: Milliseconds;
  readonly ended: Promise<void>;
}

type Phase =
  | { readonly at: "idle" }
  | { readonly at: "starting"; readonly run: Run }
  | { readonly at: "running"; readonly run: Run; readonly heard: Milliseconds }
  | { readonly at: "waiting"; readonly retry: Disposable }
  | { readonly at: "draining"; readonly run: Run };

/** Lived this long: the next fault is a new story and is answered at once. */
const settledAfter = 10_000;
const maxRetryDelay = 5_000;

/** Keeps one shard's thread alive: starts it, listens for its heart, replaces it. Which checks it runs is the pool's matter. */
export class ShardSlot {
  readonly index: number;
  readonly #deps: SlotDeps;
  #phase: Phase = { at: "idle" };
  #faultsInARow = 0;
  /** Told to end, and still there, since when. */
  readonly #ending = new Map<Run, Milliseconds>();

  constructor(index: number, deps: SlotDeps) {
    this.index = index;
    this.#deps = deps;
  }

  start(): void {
    const { port1, port2 } = new MessageChannel();
    const abort = new AbortController();
    const task: ShardTask = { port: port2, options: this.#deps.shardOptions };
    const ended = this.#deps.piscina.run(task, {
      filename: this.#deps.workerFile,
      transferList: [port2],
      signal: abort.signal,
    }) as Promise<void>;
    const run: Run = { port: port1, abort, since: this.#deps.clock.now(), ended };
    this.#phase = { at: "starting", run };
    port1.on("message", (message: FromWorker) => this.#heard(run, message));
    ended.then(
      () => this.#lost(run, "failed", "its task ended by itself"),
      (error: unknown) => this.#lost(run, "failed", error instanceof Error ? error.message : String(error)),
    );
    this.#deps.onStarted(this);
  }

  /** Does nothing while no thread is there: a new one is told everything anyway. */
  post(message: ToWorker): void {
    if (this.#phase.at === "starting" || this.#phase.at === "running") this.#phase.run.port.postMessage(message);
  }

  /** Fresh, or starting and not late with it. */
  alive(now: Milliseconds): boolean {
    switch (this.#phase.at) {
      case "starting":
        return now - this.#phase.run.since <= this.#deps.startWithin;
      case "running":
        return now - this.#phase.heard <= this.#deps.stallAfter;
      default:
        return false;
    }
  }

  /**
   * A thread does not end, so it hangs outside JavaScript (in the probe engine, in a system call that does not return). It keeps
   * its sockets, and no exit of the process gets past it.
   */
  stuck(now: Milliseconds): boolean {
    return [...this.#ending.values()].some((since) => now - since > this.#deps.endWithin);
  }

  /** A thread was told to end and is still there. */
  get isEnding(): boolean {
    return this.#ending.size > 0;
  }

  /** Replaces a thread that is silent for too long. */
  supervise(now: Milliseconds): void {
    if (this.alive(now)) return;
    if (this.#phase.at === "starting") {
      this.#lost(this.#phase.run, "slow-start", `not started within ${this.#deps.startWithin} ms`);
    } else if (this.#phase.at === "running") {
      this.#lost(this.#phase.run, "stalled", `no heartbeat for ${Math.round(now - this.#phase.heard)} ms`);
    }
  }

  /** The listener itself was away (see CheckPool): silence until now is not the thread's fault. */
  excuse(now: Milliseconds): void {
    if (this.#phase.at === "running") this.#phase = { ...this.#phase, heard: now };
  }

  /** Asks the thread to finish. Resolves when it has; `kill` ends the patience. */
  async drain(kill: AbortSignal): Promise<void> {
    if (this.#phase.at === "waiting") this.#phase.retry[Symbol.dispose]();
    if (this.#phase.at !== "starting" && this.#phase.at !== "running") {
      this.#phase = { at: "idle" };
      return;
    }
    const { run } = this.#phase;
    this.#phase = { at: "draining", run };
    kill.addEventListener("abort", () => this.#end(run), { once: true });
    run.port.postMessage({ kind: "drain" } satisfies ToWorker);
    await run.ended.catch(() => {}); // killed or broken
    if (!this.#ending.has(run)) run.port.close();
    this.#phase = { at: "idle" };
  }

  #heard(run: Run, message: FromWorker): void {
    const phase = this.#phase;
    if (phase.at === "idle" || phase.at === "waiting" || phase.run !== run) return;
    if (phase.at !== "draining") this.#phase = { at: "running", run, heard: this.#deps.clock.now() };
    try {
      this.#deps.onMessage(this, message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#lost(run, message.kind === "fault" ? "gave-up" : "bad-message", error.message);
    }
  }

  /** Only the end of its thread closes the other side of the port now: piscina lets go of the thread without waiting for that. */
  #end(run: Run): void {
    this.#ending.set(run, this.#deps.clock.now());
    run.port.removeAllListeners("message");
    run.port.once("close", () => this.#ending.delete(run));
    run.port.unref();
    run.abort.abort();
  }

  #lost(run: Run, code: ShardFault["code"], message: string): void {
    if ((this.#phase.at !== "starting" && this.#phase.at !== "running") || this.#phase.run !== run) return;
    // A task that failed has left its thread, and one that never spoke may still wait for a thread.
    if (this.#phase.at === "running" && code !== "failed") this.#end(run);
    else {
      run.port.close();
      run.abort.abort();
    }
    const now = this.#deps.clock.now();
    this.#faultsInARow = now - run.since > settledAfter ? 1 : this.#faultsInARow + 1;
    const delay = this.#faultsInARow === 1 ? 0 : Math.min(maxRetryDelay, 50 * 2 ** (this.#faultsInARow - 1));
    this.#phase = { at: "waiting", retry: this.#deps.clock.after(ms(delay), () => this.start()) };
    this.#deps.onFault({ shard: this.index, code, message });
  }
}
