import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { decodeEdges } from "../../workers/edges.js";
import type {
  AskedGroup,
  CheckEdge,
  CheckSpec,
  FailedAttempt,
  FromWorker,
  Regrouping,
  ScriptLimits,
  ScriptsWaiting,
  ShardOptions,
} from "../../workers/protocol.js";
import type { Clock } from "../clock.js";
import { type CheckId, type Milliseconds, ms } from "../units.js";
import { unreachable } from "../unreachable.js";
import { IdMap } from "../wide-map.js";
import { type LatencyMessage, type LatencyReport, mergeLatencies, noLatencies } from "./latency-report.js";
import { Outbox } from "./shard-outbox.js";
import { ShardQuestion } from "./shard-question.js";
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
  /** A thread is there. `thread`: its id (gettid(2)). */
  readonly onThread?: (shard: number, thread: number) => void;
  /** Several times a second from each thread. */
  readonly onScriptsWaiting?: (shard: number, waiting: ScriptsWaiting) => void;
  /** Default: workers/shard.js. */
  readonly workerFile?: URL;
  /** Checks under way in each thread, hence open sockets. Default: at most 4,000, and 16,000 for all threads together. */
  readonly maxInFlight?: number;
  /** The same to one address. Default 0: no limit. */
  readonly maxInFlightPerHost?: number;
  /** checker_no_swap. Default: no. */
  readonly keepInMemory?: boolean;
  /** Programs of MISC_CHECK, in all threads together. Default 256, and no environment. */
  readonly scripts?: ScriptLimits;
  /** Silence after which a thread is replaced. Default 1 s. */
  readonly stallAfter?: Milliseconds;
  /** The same for a thread that is starting: Node and the modules have to load. Default 10 s. */
  readonly startWithin?: Milliseconds;
  /** How long a thread that is told to end may take before it counts as stuck. Default 3 s. */
  readonly endWithin?: Milliseconds;
  /** Heap of one thread, MiB; beyond it V8 ends the thread, not the process. Default 512. */
  readonly maxHeapMiB?: number;
}

const superviseEvery = ms(100);
const drainWithin = ms(1000);
/** For threads that were replaced during the drain; one that is stuck never ends. */
const destroyWithin = ms(1000);
/** Cloning a spec takes some 4 µs of the main thread; one message is half a slice at most. */
const specsPerMessage = 50;
const idsPerMessage = 2000;
const shardDefaults = { heartbeat: ms(400), batchDelay: ms(10), nice: 5 } as const;

interface Placed {
  /** As it was handed in, and still belongs to somebody else: `known` and `groups` here count. */
  readonly spec: CheckSpec;
  shard: number;
  known: CheckSpec["known"];
  groups: CheckSpec["groups"];
}

/** What a thread is told: nothing but the fields of a spec, which may be part of more. */
const specOf = ({ spec: { id, identity, check }, known, groups }: Placed): CheckSpec => ({
  id,
  identity,
  check,
  known,
  groups,
});

/** What changes of the set of checks. */
export interface PoolChanges {
  readonly added: Iterable<CheckSpec>;
  readonly removed: Iterable<CheckId>;
  readonly regrouped?: Iterable<Regrouping>;
}

/** The checker threads: hands out checks, hears edges, replaces threads that fail. */
export class CheckPool {
  readonly #options: PoolOptions;
  readonly #piscina: Piscina;
  readonly #slots: readonly ShardSlot[];
  readonly #plan: ShardPlan;
  readonly #placed = new IdMap<CheckId, Placed>();
  readonly #work = new WorkQueue();
  readonly #stallAfter: Milliseconds;
  readonly #latency: ShardQuestion<LatencyMessage>;
  readonly #next: ShardQuestion<Extract<FromWorker, { kind: "next" }>>;
  #supervision: Disposable | undefined;
  #epoch = 0;
  #phase: "running" | "stopped" = "running";

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#latency = new ShardQuestion(options.clock);
    this.#next = new ShardQuestion(options.clock);
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

  /** Changes the set of checks; all others go on undisturbed, unless the threads have become uneven. Sliced. */
  update(changes: PoolChanges): Promise<void> {
    return this.#work.run(() => this.#update(changes));
  }

  /** All threads answer, and none that was replaced is stuck: what the watchdog is fed with. */
  alive(): boolean {
    const now = this.#options.clock.now();
    return this.#slots.every((slot) => slot.alive(now)) && !this.stuck();
  }

  /** A thread that was told to end does not: only the end of the process ends it. Other threads do its checks. */
  stuck(): boolean {
    const now = this.#options.clock.now();
    return this.#slots.some((slot) => (this.#phase === "stopped" ? slot.isEnding : slot.stuck(now)));
  }

  /**
   * Merged over the shards; a shard that does not answer within a second is left out.
   * @param group virtual server whose own histograms are asked for (`CheckSpec.groups`), or all
   */
  async latency(group?: AskedGroup): Promise<LatencyReport> {
    const messages = await this.#latency.ask(this.#slots, { kind: "report-latency", group });
    const merged = { report: noLatencies };
    const { build } = await import("hdr-histogram-js");
    await this.#work.run(function* () {
      merged.report = yield* mergeLatencies(build, messages, group);
    });
    return merged.report;
  }

  /** Until the next attempt of each; 0: one is under way. Who does not answer within a second is left out. */
  async nextAttempts(ids: readonly CheckId[]): Promise<ReadonlyMap<CheckId, Milliseconds>> {
    const answers = await this.#next.ask(this.#slots, { kind: "report-next", ids });
    return new Map(answers.flatMap(({ until }) => Array.from(until, ([id, value]) => [id, ms(value)] as const)));
  }

  /** Lets all threads finish, for at most a second, then ends them. Edges that are under way still arrive. */
  async stop(): Promise<void> {
    this.#supervision?.[Symbol.dispose]();
    const kill = new AbortController();
    const patience = this.#options.clock.after(drainWithin, () => kill.abort());
    await Promise.all(this.#slots.map((slot) => slot.drain(kill.signal)));
    patience[Symbol.dispose]();
    this.#latency.end();
    this.#next.end();
    await Promise.race([
      this.#piscina.destroy(),
      new Promise<void>((resolve) => this.#options.clock.after(destroyWithin, resolve)),
    ]);
    this.#phase = "stopped";
  }

  #slot(index: number): ShardSlot {
    const { clock, onFault, workerFile, threads, startWithin = ms(10_000), endWithin = ms(3000) } = this.#options;
    const { maxInFlight = Math.min(4_000, Math.floor(16_000 / threads)), maxInFlightPerHost = 0 } = this.#options;
    const { atMost, environment } = this.#options.scripts ?? { atMost: 256, environment: [] };
    // The first threads get what is left over; each has one at least.
    const share = Math.floor(atMost / threads) + (index < atMost % threads ? 1 : 0);
    const scripts = { atMost: Math.max(1, share), environment };
    const { keepInMemory = false } = this.#options;
    const shardOptions: ShardOptions = { ...shardDefaults, maxInFlight, maxInFlightPerHost, keepInMemory, scripts };
    return new ShardSlot(index, {
      piscina: this.#piscina,
      workerFile: fileURLToPath(workerFile ?? new URL("../../workers/shard.js", import.meta.url)),
      clock,
      shardOptions,
      stallAfter: this.#stallAfter,
      startWithin,
      endWithin,
      onStarted: (slot) => {
        this.#latency.restarted(slot.index);
        this.#next.restarted(slot.index);
        this.#work.add(() => this.#assignAll(slot));
      },
      onMessage: (slot, message) => this.#heard(slot, message),
      onFault,
    });
  }

  *#update({ added, removed, regrouped = [] }: PoolChanges): Generator<void> {
    this.#epoch++;
    yield* this.#retract(removed);
    yield* this.#regroup(regrouped);
    const outbox = new Outbox<CheckSpec>(this.#slots, (slot, specs) => this.#tellAssign(slot, specs), specsPerMessage);
    for (const spec of added) {
      const shard = this.#plan.add(spec.identity, checkCost(spec.check));
      const placed: Placed = { spec, shard, known: spec.known, groups: spec.groups };
      this.#placed.set(spec.id, placed);
      outbox.add(shard, specOf(placed));
      yield;
    }
    yield* outbox.flush();
    if (this.#plan.isUneven) yield* this.#rebalance();
  }

  *#retract(removed: Iterable<CheckId>): Generator<void> {
    const outbox = new Outbox<CheckId>(this.#slots, (slot, ids) => this.#tellRetract(slot, ids), idsPerMessage);
    for (const id of removed) {
      const placed = this.#placed.get(id);
      if (placed === undefined) continue;
      this.#placed.delete(id);
      this.#plan.remove(placed.shard, checkCost(placed.spec.check));
      outbox.add(placed.shard, id);
      yield;
    }
    yield* outbox.flush();
  }

  *#regroup(regrouped: Iterable<Regrouping>): Generator<void> {
    const tell = (slot: ShardSlot, checks: readonly Regrouping[]): void =>
      slot.post({ kind: "regroup", epoch: this.#epoch, checks });
    const outbox = new Outbox<Regrouping>(this.#slots, tell, specsPerMessage);
    for (const { id, groups } of regrouped) {
      const placed = this.#placed.get(id);
      if (placed === undefined) continue;
      placed.groups = groups;
      outbox.add(placed.shard, { id, groups });
      yield;
    }
    yield* outbox.flush();
  }

  /**
   * Checks move from threads that carry too much to others, with their states; what they had failed in a row is forgotten. The
   * thread that had it may have sent an edge meanwhile, which is not heard any more: the new one finds it out again.
   */
  *#rebalance(): Generator<void> {
    const retracts = new Outbox<CheckId>(this.#slots, (slot, ids) => this.#tellRetract(slot, ids), idsPerMessage);
    const assigns = new Outbox<CheckSpec>(this.#slots, (slot, specs) => this.#tellAssign(slot, specs), specsPerMessage);
    for (const placed of this.#placed.values()) {
      const { spec, shard } = placed;
      placed.shard = this.#plan.relieve(shard, checkCost(spec.check));
      if (placed.shard !== shard) {
        retracts.add(shard, spec.id);
        assigns.add(placed.shard, specOf(placed));
      }
      yield;
    }
    yield* retracts.flush();
    yield* assigns.flush();
  }

  #tellAssign(slot: ShardSlot, checks: readonly CheckSpec[]): void {
    slot.post({ kind: "assign", epoch: this.#epoch, checks });
  }

  #tellRetract(slot: ShardSlot, ids: readonly CheckId[]): void {
    slot.post({ kind: "retract", epoch: this.#epoch, ids });
  }

  /** A new thread gets its whole shard, with the states last heard of. */
  *#assignAll(slot: ShardSlot): Generator<void> {
    const outbox = new Outbox<CheckSpec>([slot], (to, specs) => this.#tellAssign(to, specs), specsPerMessage);
    for (const placed of this.#placed.values()) {
      if (placed.shard !== slot.index) continue;
      outbox.add(placed.shard, specOf(placed));
      yield;
    }
    yield* outbox.flush();
  }

  #heard(slot: ShardSlot, message: FromWorker): void {
    switch (message.kind) {
      case "edges":
        this.#edges(slot, decodeEdges(message.batch));
        return;
      case "attempts":
        this.#options.onAttempts(message.failures);
        return;
      case "latency":
        this.#latency.heard(slot.index, message);
        return;
      case "next":
        this.#next.heard(slot.index, message);
        return;
      case "fault":
        throw new RangeError(`${message.code}: ${message.message}`); // it gives up: replace it
      case "started":
        this.#options.onThread?.(slot.index, message.thread);
        return;
      case "heartbeat":
        this.#options.onScriptsWaiting?.(slot.index, message.waiting);
        return;
      case "drained":
        return;
      default:
        unreachable(message);
    }
  }

  /** Of checks that moved to another thread since, nothing is heard: that one was told what was known before. */
  #edges(slot: ShardSlot, edges: readonly CheckEdge[]): void {
    const good = edges.filter(({ id, up }) => {
      const placed = this.#placed.get(id);
      if (placed === undefined) return true; // the director knows why
      if (placed.shard !== slot.index) return false;
      placed.known = up ? "up" : "down";
      return true;
    });
    this.#options.onEdges(good);
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
