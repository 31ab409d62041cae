import type { MoreTrackers, TrackersConfig } from "../config/model-vrrp.js";
import { FileMonitor, type FileMonitorDeps } from "./file-monitor.js";
import type { TrackerView } from "./more-tracking.js";
import { ProcessMonitor, type ProcessMonitorDeps, type ProcessSnapshot } from "./process-monitor.js";
import type { Standing } from "./tracking.js";

type Deps = Omit<FileMonitorDeps & ProcessMonitorDeps, "onEdge"> & {
  /** The named thing changed: whoever tracks it looks again. */
  readonly onEdge: (kind: keyof MoreTrackers, name: string) => void;
};

/** Everything that is tracked beside interfaces and scripts. */
export class Trackers implements TrackerView, Disposable {
  readonly #files: FileMonitor;
  readonly #processes: ProcessMonitor;
  #bfds: Map<string, "up" | "down"> | undefined;
  /** Virtual servers without quorum. */
  readonly #lost = new Set<string>();
  readonly #deps: Deps;
  #started = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#files = new FileMonitor({ ...deps, onEdge: (name) => deps.onEdge("files", name) });
    this.#processes = new ProcessMonitor({ ...deps, onEdge: (name) => deps.onEdge("processes", name) });
  }

  update({ files, processes }: TrackersConfig): void {
    this.#files.update(files, !this.#started);
    this.#processes.update(processes);
    this.#started = true;
  }

  file(name: string): number | undefined {
    return this.#files.value(name);
  }

  process(name: string): Standing {
    return this.#processes.standing(name);
  }

  bfd(name: string): Standing | undefined {
    return this.#bfds?.get(name) ?? (this.#bfds === undefined ? undefined : "down");
  }

  /** Somebody runs BFD sessions from here on. They are down until he says otherwise, as in keepalived. */
  expectBfd(): void {
    this.#bfds ??= new Map();
  }

  setBfd(name: string, state: "up" | "down"): void {
    this.expectBfd();
    if (this.bfd(name) === state) return;
    this.#bfds?.set(name, state);
    this.#deps.onEdge("bfds", name);
  }

  /**
   * Up at first: the checks begin after us, and servers count as up until they are checked. An instance that goes on as master after a
   * crash has no time to ask.
   */
  quorum(name: string): "up" | "down" {
    return this.#lost.has(name) ? "down" : "up";
  }

  setQuorum(name: string, state: "up" | "down"): void {
    if (this.quorum(name) === state) return;
    if (state === "down") this.#lost.add(name);
    else this.#lost.delete(name);
    this.#deps.onEdge("quorums", name);
  }

  files(): ReturnType<FileMonitor["values"]> {
    return this.#files.values();
  }

  processes(): readonly ProcessSnapshot[] {
    return this.#processes.snapshot();
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
    this.#processes[Symbol.dispose]();
  }
}
