import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../clock.js";
import type { VrrpScriptConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { Deadline } from "./deadline.js";
import type { ScriptResult, ScriptRunner } from "./ports.js";
import { initialScriptState, overrunSentence, resultCounter, type ScriptState, scriptStep } from "./script-track.js";
import { nextDeadline } from "./timers.js";
import type { TrackRecall } from "./track-memory.js";

export interface ScriptMonitorDeps {
  readonly clock: Clock;
  readonly scripts: ScriptRunner;
  readonly log: Log;
  readonly recall: TrackRecall;
  /** The named script went up or down. */
  readonly onEdge: (name: string) => void;
}

/** One vrrp_script at one moment, for dumps. */
export interface ScriptSnapshot {
  readonly config: VrrpScriptConfig;
  readonly standing: "init" | "up" | "down";
  readonly running: boolean;
  readonly lastExit: number | undefined;
  /** keepalived's counter: 0..rise+fall-1, up from `rise` on. */
  readonly result: number;
}

interface Watched {
  config: VrrpScriptConfig;
  state: ScriptState;
  running: boolean;
  lastExit: number | undefined;
  readonly next: Deadline;
}

/** Runs the tracked scripts at their intervals and keeps their rise and fall. */
export class ScriptMonitor implements Disposable {
  readonly #deps: ScriptMonitorDeps;
  readonly #watched = new Map<string, Watched>();

  constructor(deps: ScriptMonitorDeps) {
    this.#deps = deps;
  }

  /** A script that nobody configured counts as up: the configuration has complained about it. */
  standing(name: string): "init" | "up" | "down" {
    return this.#watched.get(name)?.state.at ?? "up";
  }

  snapshot(): readonly ScriptSnapshot[] {
    return [...this.#watched.values()].map(({ config, state, running, lastExit }) => ({
      config,
      standing: state.at,
      running,
      lastExit,
      result: resultCounter(config, state),
    }));
  }

  /** Starts new scripts, ends those that are gone, and keeps the result of those with the same command and user. */
  update(configs: readonly VrrpScriptConfig[]): void {
    const wanted = new Map(configs.map((c) => [c.name, c]));
    for (const [name, watched] of this.#watched) if (!wanted.has(name)) this.#drop(name, watched);
    for (const config of configs) this.#adopt(config);
  }

  #adopt(config: VrrpScriptConfig): void {
    const known = this.#watched.get(config.name);
    if (known === undefined) this.#add(config, this.#recalled(config) ?? initialScriptState(config));
    else if (!isDeepStrictEqual(known.config, config)) this.#replace(known, config);
  }

  /** After a crash of the daemon: as it was before. */
  #recalled(config: VrrpScriptConfig): ScriptState | undefined {
    const known = this.#deps.recall.known(memoryKey(config));
    return known === undefined ? undefined : { at: known === UP ? "up" : "down", streak: 0 };
  }

  #replace(known: Watched, config: VrrpScriptConfig): void {
    const kept = isDeepStrictEqual(known.config.command, config.command) && known.state.at !== "init";
    const state = kept ? known.state : initialScriptState(config);
    this.#drop(config.name, known);
    this.#add(config, state);
    if (!kept) return;
    const word = state.at === "up" ? "successful" : "unsuccessful";
    this.#log(config, `VRRP_Script(${config.name}) considered ${word} on reload`);
  }

  #add(config: VrrpScriptConfig, state: ScriptState): void {
    const next = new Deadline(this.#deps.clock, (at) => this.#run(watched, at));
    const watched: Watched = { config, state, running: false, lastExit: undefined, next };
    this.#watched.set(config.name, watched);
    this.#remember(watched);
    next.arm(this.#deps.clock.now());
  }

  #drop(name: string, watched: Watched): void {
    watched.next.disarm();
    this.#watched.delete(name);
    this.#deps.recall.delete(memoryKey(watched.config));
  }

  #run(watched: Watched, at: Milliseconds): void {
    const { config } = watched;
    watched.next.arm(nextDeadline(at, config.interval, this.#deps.clock.now()));
    if (watched.running) {
      this.#log(config, overrunSentence(config.name));
      return;
    }
    watched.running = true;
    this.#deps.scripts.run(config.command, [], ms(config.timeout), (result) => this.#done(watched, result));
  }

  #done(watched: Watched, result: ScriptResult): void {
    watched.running = false;
    const { config } = watched;
    if (this.#watched.get(config.name) !== watched) return; // replaced by a reload
    const step = scriptStep(config, watched.state, result, watched.lastExit);
    watched.state = step.state;
    if (step.edge) this.#remember(watched);
    if (result.kind === "exited") watched.lastExit = result.value;
    for (const sentence of step.sentences) this.#log(config, sentence);
    if (step.edge) this.#deps.onEdge(config.name);
  }

  #remember({ config, state }: Watched): void {
    if (state.at !== "init") this.#deps.recall.set(memoryKey(config), state.at === "up" ? UP : DOWN);
  }

  #log(config: VrrpScriptConfig, sentence: string): void {
    this.#deps.log("info", "vrrp.script", sentence, { script: config.name });
  }

  [Symbol.dispose](): void {
    for (const [name, watched] of this.#watched) this.#drop(name, watched);
  }
}

const UP = 1;
const DOWN = 0;

/** Another command, or another user, is another script: as at a reload. */
const memoryKey = ({ name, command }: VrrpScriptConfig): string => `script ${name} ${JSON.stringify(command)}`;
