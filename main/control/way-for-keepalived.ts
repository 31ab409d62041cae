import { unlink } from "node:fs/promises";
import type { Clock } from "../clock.js";
import type { Config } from "../config/model.js";
import { errnoName } from "../errors.js";
import type { Log } from "../observe/log.js";
import { besideFor, GiveWay, type GiveWayAnswer, PATIENCE } from "./give-way.js";
import { KeepalivedProcesses, type ProcessTable } from "./keepalived-processes.js";
import type { OwnPidFile } from "./options.js";
import type { Supervisor } from "./signals.js";

export interface WayDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly supervisor: Pick<Supervisor, "pidFile">;
  readonly processes: ProcessTable;
  /** Ours: the first is that by which keepalived sees that a daemon runs. */
  readonly pidFiles: readonly [OwnPidFile, ...OwnPidFile[]];
  /** Whether addresses, routes and rules that somebody deletes are put back at once. */
  readonly keep: (keeps: boolean) => void;
}

/**
 * `holdfast give-way`: a keepalived that is started beside this daemon takes all away that it finds, is BACKUP, and becomes MASTER
 * because it does not hear its own host. Until then this daemon stays MASTER and puts everything back.
 */
export class WayForKeepalived {
  readonly #deps: WayDeps;
  #giving: GiveWay | undefined;
  #claims = false;
  readonly #waiting: (() => void)[] = [];
  /** A keepalived serves: this daemon is to end. */
  readonly served: Promise<void>;
  #tellServed: () => void = () => undefined;
  /** Then nothing is to be released, nobody to be told. */
  leavesAll: boolean = false;

  constructor(deps: WayDeps) {
    this.#deps = deps;
    this.served = new Promise((resolve) => {
      this.#tellServed = resolve;
    });
  }

  async give(config: Config): Promise<GiveWayAnswer> {
    const { clock, log, processes, pidFiles, keep } = this.#deps;
    if (this.#giving !== undefined) return { error: "it is giving way already" };
    keep(true);
    const beside = besideFor(config);
    this.#giving = new GiveWay({
      ...{ clock, log, beside },
      keepalived: () => KeepalivedProcesses.find(pidFiles[0].path, processes)?.pid,
      onServes: () => this.#served(),
      onNobody: () => void this.#goOn("No keepalived was started: going on as before"),
    });
    const trouble = await this.#freePidFiles();
    if (trouble !== undefined) {
      await this.#goOn(trouble);
      return { error: trouble };
    }
    log("notice", "give-way.begun", "The pid files are free for keepalived: giving way when it serves", { beside });
    return { giveWay: { pid: process.pid, patienceMs: PATIENCE, besideMs: beside } };
  }

  /** The pid files are free for somebody else, or are being claimed again. */
  get gives(): boolean {
    return this.#giving !== undefined || this.leavesAll || this.#claims;
  }

  /** Resolves when a stop that somebody asks for may begin: while keepalived is starting it has to wait. */
  async mayStop(): Promise<void> {
    if (this.#giving?.stopsLater() === true) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#end();
  }

  #served(): void {
    this.leavesAll = true;
    this.#end();
    this.#tellServed();
  }

  async #goOn(sentence: string): Promise<void> {
    this.#end();
    this.#deps.keep(false);
    this.#deps.log("warning", "give-way.nobody", sentence);
    this.#claims = true;
    for (const { path } of this.#deps.pidFiles) await this.#deps.supervisor.pidFile(path);
    this.#claims = false;
  }

  #end(): void {
    this.#giving?.[Symbol.dispose]();
    this.#giving = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** So that keepalived starts; who claims them next makes files of its own. @returns why it cannot be done */
  async #freePidFiles(): Promise<string | undefined> {
    for (const { path: file } of this.#deps.pidFiles) {
      try {
        await unlink(file);
      } catch (error) {
        const code = errnoName(error);
        if (code === "ENOENT") continue;
        return `Cannot remove the pid file ${file} (${code}), which keeps keepalived from starting; going on as before`;
      }
    }
    return undefined;
  }
}
