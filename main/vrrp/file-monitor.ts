import type { Clock } from "../clock.js";
import type { TrackFileConfig } from "../config/model-vrrp.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { Deadline } from "./deadline.js";
import { trackNumber } from "./track-file.js";

/** Follows files on disk. main/vrrp/track-file-host.ts implements it; tests fake it. */
export interface TrackFileHost {
  /**
   * Tells of the file's text soon, and again when it may have changed; undefined: no such file. Never within the call.
   * @param init is written first, unless the file is there and is not to be overwritten
   */
  watch(path: string, init: FileInit | undefined, onText: (text: string | undefined) => void): Disposable;
}

export interface FileInit {
  readonly text: string;
  readonly overwrite: boolean;
}

export interface FileMonitorDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined: there is no disk, as in a rehearsal. */
  readonly files: TrackFileHost | undefined;
  /** The named file has another number. */
  readonly onEdge: (name: string) => void;
}

interface Watched {
  config: TrackFileConfig;
  value: number | undefined;
  readonly overdue: Deadline;
  watch: Disposable | undefined;
}

/** Instances wait this long for a file to be read. A disk that hangs longer must not keep them from running. */
const PATIENCE: Milliseconds = ms(1000);

/** Keeps the numbers of the tracked files. */
export class FileMonitor implements Disposable {
  readonly #deps: FileMonitorDeps;
  readonly #watched = new Map<string, Watched>();

  constructor(deps: FileMonitorDeps) {
    this.#deps = deps;
  }

  /** Undefined: not read yet. A file that nobody configured counts as 0: the configuration has complained about it. */
  value(name: string): number | undefined {
    const watched = this.#watched.get(name);
    return watched === undefined ? 0 : watched.value;
  }

  values(): readonly { readonly config: TrackFileConfig; readonly value: number | undefined }[] {
    return [...this.#watched.values()].map(({ config, value }) => ({ config, value }));
  }

  /** @param atStart files are initialised at a start, never at a reload */
  update(configs: readonly TrackFileConfig[], atStart: boolean): void {
    const wanted = new Map(configs.map((config) => [config.name, config]));
    for (const [name, watched] of this.#watched) if (!wanted.has(name)) this.#drop(name, watched);
    for (const config of configs) {
      const known = this.#watched.get(config.name);
      if (known?.config.path === config.path) known.config = config;
      else {
        if (known !== undefined) this.#drop(config.name, known);
        this.#add(config, atStart, known?.value);
      }
    }
  }

  /** @param value of the file that it replaces: it counts until this one is read, lest the priority change for a moment */
  #add(config: TrackFileConfig, atStart: boolean, value: number | undefined): void {
    const { name, path, init } = config;
    const overdue = new Deadline(this.#deps.clock, () => this.#onOverdue(config));
    const watched: Watched = { config, value, overdue, watch: undefined };
    this.#watched.set(name, watched);
    overdue.arm(ms(this.#deps.clock.now() + PATIENCE));
    const first = init !== undefined && atStart ? { text: `${init.value}\n`, overwrite: init.overwrite } : undefined;
    watched.watch = this.#deps.files?.watch(path, first, (text) => {
      overdue.disarm();
      this.#set(watched, trackNumber(text));
    });
  }

  #onOverdue(config: TrackFileConfig): void {
    const watched = this.#watched.get(config.name);
    if (watched === undefined) return;
    const sentence = `Track file ${config.name}: ${config.path} has not been read within ${PATIENCE / 1000} s - counting as 0 until it is`;
    this.#deps.log("warning", "vrrp.track-file", sentence, { file: config.path });
    this.#set(watched, 0);
  }

  #set(watched: Watched, value: number): void {
    if (watched.value === value) return;
    const { name } = watched.config;
    if (watched.value !== undefined || value !== 0) {
      this.#deps.log("info", "vrrp.track-file", `Track file ${name} now ${value}`, {
        file: watched.config.path,
        value,
      });
    }
    watched.value = value;
    this.#deps.onEdge(name);
  }

  #drop(name: string, watched: Watched): void {
    watched.overdue.disarm();
    watched.watch?.[Symbol.dispose]();
    this.#watched.delete(name);
  }

  [Symbol.dispose](): void {
    for (const [name, watched] of this.#watched) this.#drop(name, watched);
  }
}
