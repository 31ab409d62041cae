import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Fields, Ident, Level, Log } from "./log.js";
import { encodeRecord, tidyRecord } from "./log-record.js";
import { createRing, RingWriter } from "./log-ring.js";
import { Redactor } from "./log-text.js";
import type { LogThreadData, SinkOptions } from "./log-thread.js";

export interface LogOptions extends SinkOptions {
  /** With -D: callers build the detailed sentences, and `debug` lines are written. */
  readonly detail: boolean;
  /** Bytes of the queue between the threads, a power of two. Default 1 MiB: some 5,000 lines. */
  readonly ringBytes?: number;
}

export interface OpenLog {
  log(ident: Ident): Log;
  /** Passwords of the running configuration, masked wherever they would be logged. Replaces the earlier list. */
  setSecrets(values: Iterable<string>): void;
  /** Resolves when all lines before the call are written, or after two seconds. */
  flush(): Promise<void>;
  /** Writes what is left and ends the thread, within four seconds. Later lines are dropped and counted. */
  close(): Promise<void>;
  /** Lines that found the queue full. */
  dropped(): number;
}

const FLUSH_LIMIT_MS = 2000;
const FLUSH_POLL_MS = 2;
/** Between the end of a log thread that failed and the start of the next one. */
const RESTART_MS = 1000;

/** Starts the log thread. Lines may be logged at once: they wait in the ring until the thread is up. */
export function openLog(options: LogOptions): OpenLog {
  const ring = createRing(options.ringBytes ?? 1024 * 1024);
  const writer = new RingWriter(ring);
  const redactor = new Redactor();
  const write = (ident: Ident, level: Level, event: string, sentence: string, fields: Fields): void => {
    if (level === "debug" && !options.detail) return;
    writer.push(encodeRecord(tidyRecord({ time: Date.now(), level, ident, event, sentence, fields }, redactor)));
  };
  const thread = new LogThread(ring, options, (reason) =>
    write("Keepalived", "error", "log.thread", `The log thread failed and is started again: ${reason}`, {}),
  );
  const flush = (): Promise<void> => reaches(writer, writer.position());
  return {
    log: (ident) => {
      const log = (level: Level, event: string, sentence: string, fields: Fields = {}): void =>
        write(ident, level, event, sentence, fields);
      return Object.assign(log, { detail: options.detail });
    },
    setSecrets: (values) => redactor.setSecrets(values),
    flush,
    close: async () => {
      await flush();
      writer.close();
      await thread.end();
    },
    dropped: () => writer.dropped(),
  };
}

async function reaches(writer: RingWriter, position: number): Promise<void> {
  const deadline = performance.now() + FLUSH_LIMIT_MS;
  while (!writer.reached(position) && performance.now() < deadline) await delay(FLUSH_POLL_MS);
}

/** Keeps one log thread alive. The ring outlives it: a new thread goes on where the old one stopped. */
class LogThread {
  readonly #data: LogThreadData;
  #worker: Worker;
  #phase: "running" | "ending" = "running";
  readonly #onFault: (reason: string) => void;
  #restart: NodeJS.Timeout | undefined;

  constructor(ring: SharedArrayBuffer, options: SinkOptions, onFault: (reason: string) => void) {
    const { console, file, flushFile, syslogFacility, json } = options;
    this.#onFault = onFault;
    this.#data = { ring, sinks: { console, file, flushFile, syslogFacility, json }, pid: process.pid };
    this.#worker = this.#start();
  }

  /** The ring must be closed first. Resolves when the thread has ended; a stuck one is left behind after 2 s. */
  async end(): Promise<void> {
    this.#phase = "ending";
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker.threadId === -1) return; // gone already
    const gone = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    const late = new AbortController();
    await Promise.race([gone, delay(FLUSH_LIMIT_MS, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    void worker.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./log-thread.js", import.meta.url), {
      name: "log",
      workerData: this.#data,
      execArgv: [], // some of the main thread's options (--input-type, -e) end a worker at its start
      // A log thread needs little; a bug in it must not eat the machine.
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    });
    worker.unref();
    worker.on("error", (error) => this.#onFault(error instanceof Error ? error.message : String(error)));
    worker.on("exit", () => {
      if (this.#phase === "ending") return;
      this.#restart = setTimeout(() => (this.#worker = this.#start()), RESTART_MS).unref();
    });
    return worker;
  }
}
