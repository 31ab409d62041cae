import type { MessagePort } from "node:worker_threads";
import type { CheckConfig } from "../main/config/model.js";
import { CheckRunner } from "./check-runner.js";
import { encodeEdges } from "./edges.js";
import { HttpProber } from "./http-prober.js";
import { loopClock } from "./loop-clock.js";
import type { Prober } from "./prober.js";
import type { CheckEdge, FailedAttempt, FromWorker, ShardOptions, ShardTask, ToWorker } from "./protocol.js";
import { TcpProber } from "./tcp-prober.js";

/** Piscina's entry: one task per thread that lives as long as its shard and resolves after `drain`. */
export default async function shard({ port, options }: ShardTask): Promise<void> {
  await lowerPriority(options.nice);
  await new Shard(port, options).drained;
}

/** Checks must not take the processor from adverts. Not worth failing for: without the native module all run alike. */
async function lowerPriority(nice: number): Promise<void> {
  try {
    const { setThreadNice } = await import("../native-bindings/process.js");
    setThreadNice(nice);
  } catch {
    // not built, or built for another Node: the main thread says so
  }
}

function proberSelection(): (check: CheckConfig) => Prober {
  const tcp = new TcpProber();
  const http = new HttpProber();
  // The cast widens the parameter type; each prober sees only the kinds it is chosen for.
  return (check) => (check.type === "TCP_CHECK" ? tcp : http) as Prober;
}

/** Between the port and the runner: batches what goes out, beats the heart. */
class Shard {
  readonly drained: Promise<void>;
  readonly #port: MessagePort;
  readonly #runner: CheckRunner;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #batchDelay: number;
  #epoch = 0;
  #edges: CheckEdge[] = [];
  #attempts: FailedAttempt[] = [];
  #flush: NodeJS.Timeout | undefined;

  constructor(port: MessagePort, options: ShardOptions) {
    this.#port = port;
    this.#batchDelay = options.batchDelay;
    this.#runner = new CheckRunner({
      clock: loopClock,
      maxInFlight: options.maxInFlight,
      proberOf: proberSelection(),
      onEdge: (edge) => this.#collect(() => this.#edges.push(edge)),
      onFailedAttempt: (attempt) => this.#collect(() => this.#attempts.push(attempt)),
    });
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeat);
    this.drained = new Promise((resolve) => {
      port.on("message", (message: ToWorker) => this.#on(message));
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
      case "report-latency": {
        const { histograms, last } = this.#runner.latency();
        this.#post({ kind: "latency", histograms, last }, last.buffer);
        return;
      }
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
    this.#post({ kind: "heartbeat", running: this.#runner.running, completed: this.#runner.completed });
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

  #post(message: FromWorker, transfer?: ArrayBuffer): void {
    this.#port.postMessage(message, transfer === undefined ? [] : [transfer]);
  }

  #stop(): void {
    clearInterval(this.#heartbeat);
    this.#runner[Symbol.dispose]();
    this.#send();
  }
}
