import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { decodeEdges } from "../../workers/edges.js";
import type { CheckEdge, CheckSpec, FailedAttempt, FromWorker, ShardOptions } from "../../workers/protocol.js";
import type { Clock } from "../clock.js";
import { type CheckId, type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import { partByRange, WideMap } from "../wide-map.js";
import { type LatencyMessage, type LatencyReport, mergeLatencies } from "./latency-report.js";
import { type ShardFault, ShardSlot } from "./shard-slot.js";
import { checkCost, ShardPlan } from "./shards.js";
import { WorkQueue } from "./work-queue.js";

export interface PoolOptions {
  readonly clock: Clock;
  /** One shard each; at least 1. */
  readonly threads: number;
  readonly onEdges: (edges: readonly CheckEdge[]) => void;
  readonly onAttempts: (failures: readonly FailedAttempt[]) => void;
  /** A thread was replaced. Its checks go on with their last known states. */
  readonly onFault: (fault: ShardFault) => void;
  /** Default: workers/shard.js. */
  readonly workerFile?: URL;
  /** Open sockets per thread. Default: at most 4,000, and 16,000 for all of them (hard limits of 20,000 files are common). */
  readonly maxInFlight?: number;
  /** Silence after which a thread is replaced. Default 1 s. */
  readonly stallAfter?: Milliseconds;
  /** The same for a thread that is starting: Node and the modules have to load. Default 10 s. */
  readonly startWithin?: Milliseconds;
  /** Heap of one thread, MiB; beyond it V8 ends the thread, not the process. Default 512. */
  readonly maxHeapMiB?: number;
}

const superviseEvery = ms(100);
const drainWithin = ms(1000);
const latencyWithin = ms(1000);
/** Cloning a spec takes some 4 µs of the main thread; one message must stay well below 2 ms. */
const specsPerMessage = 200;
const idsPerMessage = 2000;
const shardDefaults = { heartbeat: ms(250), batchDelay: ms(10), nice: 5 } as const;

interface Placed {
  readonly spec: CheckSpec;
  readonly shard: number;
  known: CheckSpec["known"];
}

/** The checker threads: hands out checks, hears edges, replaces threads that fail. */
export class CheckPool {
  readonly #options: PoolOptions;
  readonly #piscina: Piscina;
  readonly #slots: readonly ShardSlot[];
  readonly #plan: ShardPlan;
  readonly #placed = new WideMap<CheckId, Placed>(partByRange);
  readonly #work = new WorkQueue();
  readonly #stallAfter: Milliseconds;
  #latencyWaiters: { readonly shard: number; readonly take: (message: LatencyMessage | undefined) => void }[] = [];
  #supervision: Disposable | undefined;
  #epoch = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#stallAfter = options.stallAfter ?? ms(1000);
    this.#plan = new ShardPlan(options.threads);
    this.#piscina = new Piscina({
      // An idle worker must run its loop instead of sleeping in Atomics.wait. The worker file is given per task: a file that
      // fails to load must not count as a failed bootstrap, after which piscina starts no thread any more.
      atomics: "disabled",
      minThreads: options.threads,
      maxThreads: options.threads,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMiB ?? 512 },
    });
    // A thread that fails between two tasks: the task that comes next gets a new one.
    this.#piscina.on("error", (error: Error) => options.onFault({ shard: -1, code: "failed", message: error.message }));
    this.#slots = Array.from({ length: options.threads }, (_, index) => this.#slot(index));
  }

  /** Starts the threads and hands out `checks`. Resolves when all are handed out. */
  start(checks: Iterable<CheckSpec>): Promise<void> {
    for (const slot of this.#slots) slot.start();
    this.#superviseFrom(this.#options.clock.now());
    return this.update({ added: checks, removed: [] });
  }

  /** Changes the set of checks; all others go on undisturbed. Sliced. */
  update(changes: { readonly added: Iterable<CheckSpec>; readonly removed: Iterable<CheckId> }): Promise<void> {
    return this.#work.run(() => this.#update(changes.added, changes.removed));
  }

  /** All threads answer: what the watchdog is fed with. */
  alive(): boolean {
    const now = this.#options.clock.now();
    return this.#slots.every((slot) => slot.alive(now));
  }

  /** Merged over the shards; a shard that does not answer within a second is left out. */
  async latency(): Promise<LatencyReport> {
    const answers = await Promise.all(this.#slots.map((slot) => this.#latencyOf(slot)));
    const messages = answers.filter((answer) => answer !== undefined);
    const merged = { report: undefined as LatencyReport | undefined };
    await this.#work.run(function* () {
      merged.report = yield* mergeLatencies(messages);
    });
    return merged.report ?? { histograms: new Map(), last: new Map() };
  }

  /** Lets all threads finish, for at most a second, then ends them. Edges that are under way still arrive. */
  async stop(): Promise<void> {
    this.#supervision?.[Symbol.dispose]();
    const kill = new AbortController();
    const patience = this.#options.clock.after(drainWithin, () => kill.abort());
    await Promise.all(this.#slots.map((slot) => slot.drain(kill.signal)));
    patience[Symbol.dispose]();
    for (const waiter of this.#latencyWaiters) waiter.take(undefined);
    await this.#piscina.destroy();
  }

  #slot(index: number): ShardSlot {
    const { clock, onFault, workerFile, threads, startWithin = ms(10_000) } = this.#options;
    const maxInFlight = this.#options.maxInFlight ?? Math.min(4_000, Math.floor(16_000 / threads));
    const shardOptions: ShardOptions = { ...shardDefaults, maxInFlight };
    return new ShardSlot(index, {
      piscina: this.#piscina,
      workerFile: fileURLToPath(workerFile ?? new URL("../../workers/shard.js", import.meta.url)),
      clock,
      shardOptions,
      stallAfter: this.#stallAfter,
      startWithin,
      onStarted: (slot) => this.#work.add(() => this.#assignAll(slot)),
      onMessage: (slot, message) => this.#heard(slot, message),
      onFault,
    });
  }

  *#update(added: Iterable<CheckSpec>, removed: Iterable<CheckId>): Generator<void> {
    this.#epoch++;
    yield* this.#retract(removed);
    const outbox = this.#slots.map((): CheckSpec[] => []);
    for (const spec of added) {
      const shard = this.#plan.add(spec.identity, checkCost(spec.check));
      this.#placed.set(spec.id, { spec, shard, known: spec.known });
      const waiting = outbox[shard];
      const slot = this.#slots[shard];
      if (waiting === undefined || slot === undefined) continue;
      waiting.push(spec);
      if (waiting.length >= specsPerMessage) yield* this.#assign(slot, waiting.splice(0));
      yield;
    }
    for (const slot of this.#slots) yield* this.#assign(slot, outbox[slot.index] ?? []);
  }

  *#retract(removed: Iterable<CheckId>): Generator<void> {
    const gone = this.#slots.map((): CheckId[] => []);
    const tell = (slot: ShardSlot, atLeast: number): void => {
      const ids = gone[slot.index];
      if (ids !== undefined && ids.length >= atLeast)
        slot.post({ kind: "retract", epoch: this.#epoch, ids: ids.splice(0) });
    };
    for (const id of removed) {
      const placed = this.#placed.get(id);
      const slot = placed && this.#slots[placed.shard];
      if (placed === undefined || slot === undefined) continue;
      this.#placed.delete(id);
      this.#plan.remove(placed.shard, checkCost(placed.spec.check));
      gone[slot.index]?.push(id);
      tell(slot, idsPerMessage);
      yield;
    }
    for (const slot of this.#slots) tell(slot, 1);
  }

  *#assign(slot: ShardSlot, specs: readonly CheckSpec[]): Generator<void> {
    for (let from = 0; from < specs.length; from += specsPerMessage) {
      slot.post({ kind: "assign", epoch: this.#epoch, checks: specs.slice(from, from + specsPerMessage) });
      yield;
    }
  }

  /** A new thread gets its whole shard, with the states last heard of. */
  *#assignAll(slot: ShardSlot): Generator<void> {
    let specs: CheckSpec[] = [];
    for (const { spec, shard, known } of this.#placed.values()) {
      if (shard !== slot.index) continue;
      specs.push({ ...spec, known });
      if (specs.length < specsPerMessage) continue;
      yield* this.#assign(slot, specs);
      specs = [];
    }
    yield* this.#assign(slot, specs);
  }

  #heard(slot: ShardSlot, message: FromWorker): void {
    switch (message.kind) {
      case "edges":
        this.#edges(decodeEdges(message.batch));
        return;
      case "attempts":
        this.#options.onAttempts(message.failures);
        return;
      case "latency":
        this.#latencyWaiters.find(({ shard }) => shard === slot.index)?.take(message);
        return;
      case "fault":
        throw new RangeError(`${message.code}: ${message.message}`); // it gives up: replace it
      case "heartbeat":
      case "drained":
        return;
      default:
        unreachable(message);
    }
  }

  #edges(edges: readonly CheckEdge[]): void {
    for (const { id, up } of edges) {
      const placed = this.#placed.get(id);
      if (placed !== undefined) placed.known = up ? "up" : "down";
    }
    this.#options.onEdges(edges);
  }

  #latencyOf(slot: ShardSlot): Promise<LatencyMessage | undefined> {
    return new Promise((resolve) => {
      const waiter = {
        shard: slot.index,
        take: (message: LatencyMessage | undefined): void => {
          timer[Symbol.dispose]();
          this.#latencyWaiters = this.#latencyWaiters.filter((other) => other !== waiter);
          resolve(message);
        },
      };
      const timer = this.#options.clock.after(latencyWithin, () => waiter.take(undefined));
      this.#latencyWaiters.push(waiter);
      slot.post({ kind: "report-latency" });
    });
  }

  #superviseFrom(last: Milliseconds): void {
    this.#supervision = this.#options.clock.after(superviseEvery, () => {
      const now = this.#options.clock.now();
      // This thread was held up itself (or the machine slept): heartbeats are still in the queue, so nobody is to blame.
      const late = now - last > superviseEvery + this.#stallAfter / 2;
      for (const slot of this.#slots) {
        if (late) slot.excuse(now);
        else slot.supervise(now);
      }
      this.#superviseFrom(now);
    });
  }
}
