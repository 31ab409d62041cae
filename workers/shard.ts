import { once } from "node:events";
import type { MessagePort } from "node:worker_threads";
import { CheckRunner } from "./check-runner.js";
import { encodeEdges } from "./edges.js";
import { loopClock } from "./loop-clock.js";
import { descendantsOf, markedProcesses, signalMember, signalProcess } from "./process-family.js";
import type { CheckEdge, FailedAttempt, FromWorker, ShardOptions, ShardTask, ToWorker } from "./protocol.js";

type Probe = typeof import("../native-bindings/probe.js");
type Process = typeof import("../native-bindings/process.js");
type WithCeiling = typeof import("../native-bindings/scheduling.js")["withCeiling"];

/** Piscina's entry: one task per thread that lives as long as its shard and resolves after `drain`. */
export default async function shard({ port, options }: ShardTask): Promise<void> {
  await lowerPriority(port, options.nice);
  try {
    const { withCeiling } = await import("../native-bindings/scheduling.js");
    const { spawnScript } = await import("../native-bindings/process.js");
    await new Shard(port, options, await import("../native-bindings/probe.js"), withCeiling, spawnScript).drained;
  } catch (error) {
    // Without the engine there are no checks, and the pool tries again: say what is missing, not where it was noticed.
    const why = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    const message = `the probe engine cannot be started (${why}) - build the add-on for this Node, or install the package again`;
    port.postMessage({ kind: "fault", code: "E_ENGINE", message } satisfies FromWorker);
    port.start();
    await once(port, "close"); // heard
  }
}

/** Checks must not take the processor from adverts. Not worth failing for: without the native module all run alike. */
async function lowerPriority(port: MessagePort, nice: number): Promise<void> {
  try {
    const { setThreadNice } = await import("../native-bindings/process.js");
    const { threadId } = await import("../native-bindings/scheduling.js");
    setThreadNice(nice);
    port.postMessage({ kind: "started", thread: threadId() } satisfies FromWorker);
  } catch {
    // not built, or built for another Node: the main thread says so
  }
}

const scriptHost = { descendantsOf, markedProcesses, signalMember, signalProcess, nextTurn: setImmediate };

/** Between the port and the runner: batches what goes out, beats the heart. */
class Shard {
  readonly drained: Promise<void>;
  readonly #port: MessagePort;
  readonly #withCeiling: WithCeiling;
  readonly #runner: CheckRunner;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #batchDelay: number;
  #epoch = 0;
  #edges: CheckEdge[] = [];
  #attempts: FailedAttempt[] = [];
  #flush: NodeJS.Timeout | undefined;
  #beaten = loopClock.now();

  constructor(
    port: MessagePort,
    options: ShardOptions,
    probe: Probe,
    withCeiling: WithCeiling,
    spawn: Process["spawnScript"],
  ) {
    this.#port = port;
    this.#withCeiling = withCeiling;
    this.#batchDelay = options.batchDelay;
    const { maxInFlight: inFlight, maxInFlightPerHost: inFlightPerHost, keepInMemory } = options;
    const limits = { inFlight, inFlightPerHost, keepInMemory };
    this.#runner = new CheckRunner({
      clock: loopClock,
      probe,
      scripts: { ...options.scripts, host: { ...scriptHost, spawn } },
      openEngine: (onResults) => probe.openProbeEngine(limits, onResults),
      onEdge: (edge) => this.#collect(() => this.#edges.push(edge)),
      onFailedAttempt: (attempt) => this.#collect(() => this.#attempts.push(attempt)),
    });
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeat);
    this.drained = new Promise((resolve) => {
      port.on("message", (message: ToWorker) => {
        this.#on(message);
        // Messages that came together are handled without a timer between them, and 50,000 checks are many of them.
        if (loopClock.now() - this.#beaten >= options.heartbeat) this.#beat();
      });
      port.once("close", () => resolve(this.#stop())); // drained, or the main thread let go of us
    });
    this.#beat();
  }

  #on(message: ToWorker): void {
    switch (message.kind) {
      case "assign":
        this.#epoch = message.epoch;
        this.#runner.assign(message.checks);
        return;
      case "retract":
        this.#epoch = message.epoch;
        this.#runner.retract(message.ids);
        return;
      case "regroup":
        this.#epoch = message.epoch;
        this.#runner.regroup(message.checks);
        return;
      case "report-latency": {
        const { counts, last } = this.#runner.latency(message.group);
        this.#post({ kind: "latency", counts, last }, counts.buffer, last.buffer);
        return;
      }
      case "report-next":
        this.#post({ kind: "next", until: this.#runner.untilNext(message.ids) });
        return;
      case "drain":
        this.#stop();
        this.#post({ kind: "drained" });
        this.#port.close();
        return;
      default:
        throw new Error(`unreachable case: ${JSON.stringify(message satisfies never)}`);
    }
  }

  #beat(): void {
    this.#beaten = loopClock.now();
    const { running, completed, waiting } = this.#runner;
    this.#post({ kind: "heartbeat", running, completed, waiting });
  }

  #collect(push: () => void): void {
    push();
    this.#flush ??= setTimeout(() => this.#send(), this.#batchDelay);
  }

  #send(): void {
    clearTimeout(this.#flush);
    this.#flush = undefined;
    if (this.#edges.length > 0) {
      const batch = encodeEdges(this.#edges);
      this.#edges = [];
      this.#post({ kind: "edges", epoch: this.#epoch, batch }, batch.buffer);
    }
    if (this.#attempts.length > 0) {
      this.#post({ kind: "attempts", epoch: this.#epoch, failures: this.#attempts });
      this.#attempts = [];
    }
  }

  #post(message: FromWorker, ...transfer: ArrayBuffer[]): void {
    this.#withCeiling(() => this.#port.postMessage(message, transfer)); // the port's lock is held while the main thread is woken
  }

  #stop(): void {
    clearInterval(this.#heartbeat);
    this.#runner[Symbol.dispose]();
    this.#send();
  }
}
