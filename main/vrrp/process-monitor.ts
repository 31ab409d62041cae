import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../clock.js";
import type { TrackProcessConfig } from "../config/model-vrrp.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import { Deadline } from "./deadline.js";
import { counted, elapsed, type ProcessPattern, type QuorumState, uncounted } from "./process-match.js";
import type { Standing } from "./tracking.js";

/** Counts processes on this machine. main/vrrp/process-thread.ts implements it; tests fake it. */
export interface ProcessCounter {
  /** Tells the number of each now, and again whenever it changes. Never within the call. */
  count(patterns: readonly ProcessPattern[], handlers: CountHandlers): Disposable;
}

export interface CountHandlers {
  readonly onCount: (name: string, count: number) => void;
  /** A sentence about how well it counts, for the log. */
  readonly onProblem: (sentence: string) => void;
}

export interface ProcessMonitorDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined: there are no processes, as in a rehearsal. */
  readonly processes: ProcessCounter | undefined;
  /** The named tracker gained or lost its quorum. */
  readonly onEdge: (name: string) => void;
}

/** One vrrp_track_process at one moment, for dumps. */
export interface ProcessSnapshot {
  readonly config: TrackProcessConfig;
  readonly state: QuorumState;
}

interface Watched {
  config: TrackProcessConfig;
  state: QuorumState;
  readonly change: Deadline;
}

/** Keeps the quorums of the tracked processes. */
export class ProcessMonitor implements Disposable {
  readonly #deps: ProcessMonitorDeps;
  readonly #watched = new Map<string, Watched>();
  #counting: Disposable | undefined;

  constructor(deps: ProcessMonitorDeps) {
    this.#deps = deps;
  }

  /** One that nobody configured counts as up: the configuration has complained about it. */
  standing(name: string): Standing {
    const state = this.#watched.get(name)?.state;
    if (state === undefined) return "up";
    return state.count === undefined ? "init" : state.up ? "up" : "down";
  }

  snapshot(): readonly ProcessSnapshot[] {
    return [...this.#watched.values()].map(({ config, state }) => ({ config, state }));
  }

  /**
   * Counting begins anew when anything changed. What was known counts until then, also under a changed configuration: a
   * priority must not change for a moment because of a reload.
   */
  update(configs: readonly TrackProcessConfig[]): void {
    const before = [...this.#watched.values()].map(({ config }) => config);
    if (isDeepStrictEqual(before, configs)) return;
    const wanted = new Map(configs.map((config) => [config.name, config]));
    for (const [name, watched] of this.#watched) if (!wanted.has(name)) this.#drop(name, watched);
    for (const config of configs) {
      const known = this.#watched.get(config.name);
      if (known === undefined) this.#add(config);
      else known.config = config;
    }
    this.#counting?.[Symbol.dispose]();
    const handlers: CountHandlers = {
      onCount: (name, count) => this.#onCount(name, count),
      onProblem: (sentence) => this.#deps.log("warning", "vrrp.track-process", sentence, {}),
    };
    this.#counting = configs.length === 0 ? undefined : this.#deps.processes?.count(configs, handlers);
  }

  #add(config: TrackProcessConfig): void {
    const change = new Deadline(this.#deps.clock, () => this.#to(watched, elapsed(watched.config, watched.state)));
    const watched: Watched = { config, state: uncounted, change };
    this.#watched.set(config.name, watched);
  }

  #onCount(name: string, count: number): void {
    const watched = this.#watched.get(name);
    if (watched === undefined) return;
    this.#to(watched, counted(watched.config, watched.state, count, this.#deps.clock.now()));
  }

  #to(watched: Watched, state: QuorumState): void {
    const before = watched.state;
    watched.state = state;
    if (state.changesAt === undefined) watched.change.disarm();
    else watched.change.arm(ms(state.changesAt));
    const first = before.count === undefined;
    if (before.up === state.up && !first) return;
    const { name } = watched.config;
    if (!first) this.#log(name, `Quorum ${state.up ? "gained" : "lost"} for tracked process ${name}`);
    this.#deps.onEdge(name);
  }

  #log(process: string, sentence: string): void {
    this.#deps.log("info", "vrrp.track-process", sentence, { process });
  }

  #drop(name: string, watched: Watched): void {
    watched.change.disarm();
    this.#watched.delete(name);
  }

  [Symbol.dispose](): void {
    this.#counting?.[Symbol.dispose]();
    for (const [name, watched] of this.#watched) this.#drop(name, watched);
  }
}
