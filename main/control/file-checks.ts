import type { CheckEdge, CheckSpec } from "../../workers/protocol.js";
import type { Clock } from "../clock.js";
import type { Config } from "../config/model.js";
import type { FileCheckConfig } from "../config/model-checks.js";
import type { TrackFileConfig } from "../config/model-vrrp.js";
import type { ServerCheckSpec } from "../health/director.js";
import { isPooled } from "../health/pooled.js";
import type { Log } from "../observe/log.js";
import { type CheckId, ms } from "../units.js";
import { FileMonitor, type TrackFileHost } from "../vrrp/file-monitor.js";
import { fileHealth } from "./file-health.js";

export interface FileChecksDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly files: TrackFileHost;
  /** Lasting name of what a check checks (main/config/identity.ts). */
  readonly identityOf: (check: FileCheckConfig) => string;
  /** init_file is ours to obey: VRRP, which does it otherwise, does not run. */
  readonly initialises: boolean;
  readonly onEdges: (edges: readonly CheckEdge[]) => void;
  /** What a file says of a check that nobody has heard of yet. */
  readonly onKnown: (identity: string, up: boolean, value: number) => void;
}

/** A little longer than the monitor waits for a file before it counts as 0. */
const READ_WITHIN = ms(1200);
const LOOK_EVERY = ms(5);

/** FILE_CHECK: real servers that follow track files. The files are those of VRRP, the arithmetic is not. */
export class FileChecks implements Disposable {
  readonly #deps: FileChecksDeps;
  readonly #monitor: FileMonitor;
  readonly #checks = new Map<CheckId, FileCheckConfig>();
  #files: ReadonlyMap<string, TrackFileConfig> = new Map();
  #at: "start" | "reload" = "start";

  constructor(deps: FileChecksDeps) {
    this.#deps = deps;
    this.#monitor = new FileMonitor({
      clock: deps.clock,
      log: deps.log,
      files: deps.files,
      onEdge: (name) => this.#tell([...this.#checks].filter(([, { trackFile }]) => trackFile === name)),
    });
  }

  /**
   * Before the servers of `config` are looked at: follows the files that its checks name, and says what is in them. Resolves when all
   * have been read, or a second later.
   */
  async follow(config: Config): Promise<void> {
    const checks = [...fileChecksOf(config)];
    const named = new Set(checks.map(({ trackFile }) => trackFile));
    const files = config.trackers.files.filter(({ name }) => named.has(name));
    this.#files = new Map(files.map((file) => [file.name, file]));
    this.#monitor.update(files, this.#at === "start" && this.#deps.initialises);
    this.#at = "reload";
    await this.#read(files);
    for (const check of checks) {
      const { up, delta } = this.#healthOf(check);
      this.#deps.onKnown(this.#deps.identityOf(check), up, delta);
    }
    // With another weight the same number means something else. Those whose file is followed no more are about to go as they are.
    this.#tell([...this.#checks].filter(([, { trackFile }]) => this.#files.has(trackFile)));
  }

  /** Takes its own of what is wanted; the rest is the pool's. */
  *divert(specs: Iterable<ServerCheckSpec>): Generator<CheckSpec> {
    for (const spec of specs) {
      const { check } = spec;
      // The same object: the registry changes it, and the pool reads it later.
      if (isPooled(check)) yield spec as CheckSpec;
      else if (check.type === "FILE_CHECK") {
        this.#checks.set(spec.id, check);
        this.#tell([[spec.id, check]]);
      }
    }
  }

  /** Those that are followed, each with the number in it; 0 where there is none. */
  *followed(): Generator<{ readonly config: TrackFileConfig; readonly status: number }> {
    for (const [name, config] of this.#files) yield { config, status: this.#monitor.value(name) ?? 0 };
  }

  remove(ids: readonly CheckId[]): void {
    if (this.#checks.size > 0) for (const id of ids) this.#checks.delete(id);
  }

  async #read(files: readonly TrackFileConfig[]): Promise<void> {
    const { clock } = this.#deps;
    const until = clock.now() + READ_WITHIN;
    while (files.some(({ name }) => this.#monitor.value(name) === undefined) && clock.now() < until)
      await new Promise<void>((resolve) => clock.after(LOOK_EVERY, resolve));
  }

  #healthOf(check: FileCheckConfig): ReturnType<typeof fileHealth> {
    const file = this.#files.get(check.trackFile);
    const weight = check.weight ?? file?.weight ?? 1;
    const reverse = check.reverse ?? file?.reverse ?? false;
    return fileHealth(this.#monitor.value(check.trackFile) ?? 0, weight, reverse);
  }

  #tell(checks: Iterable<readonly [CheckId, FileCheckConfig]>): void {
    const edges: CheckEdge[] = [];
    for (const [id, check] of checks) {
      const { up, delta } = this.#healthOf(check);
      const outcome = up ? "up" : "bad-response";
      edges.push({ id, up, outcome, retries: 0, latency: ms(0), status: 0, value: delta });
    }
    if (edges.length > 0) this.#deps.onEdges(edges);
  }

  [Symbol.dispose](): void {
    this.#monitor[Symbol.dispose]();
  }
}

function* fileChecksOf({ trackers, virtualServers }: Config): Generator<FileCheckConfig> {
  if (trackers.files.length === 0) return; // most have none, and farms are large
  for (const { realServers } of virtualServers)
    for (const { checks } of realServers) for (const check of checks) if (check.type === "FILE_CHECK") yield check;
}
