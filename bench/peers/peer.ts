import type { Daemon } from "../../test/harness/daemon.js";
import type { Host } from "../../test/harness/host.js";
import type { Farm } from "../measure/farm.js";
import type { ProcessorTime } from "../measure/processor-time.js";
import type { TableCounts } from "../measure/table-counts.js";

export const peerNames = ["keepalived", "haproxy"] as const;
export type PeerName = (typeof peerNames)[number];

/** A program that checks a farm, ours or a peer, as long as it runs. */
export interface RunningChecker extends AsyncDisposable {
  /** When its process was started, ns of CLOCK_MONOTONIC. */
  readonly startedNs: number;
  /** Of everything that works for it: processes of supervisors and spares as well. */
  readonly time: () => ProcessorTime;
  /** Resolves when nothing that its start has set off goes on any more. */
  readonly settled: () => Promise<void>;
  /** Resident memory, MiB: of the process that checks, and of all together. */
  readonly memory: () => { readonly main: number; readonly all: number };
  /** Commands to its IPVS table so far; undefined for a program without one. */
  readonly table: () => TableCounts | undefined;
  /** The last lines of its log, for a sentence about what went wrong. */
  readonly log: () => Promise<string>;
}

/** One that is told by signals, and has a configuration to read again. */
export interface RunningDaemon extends RunningChecker {
  readonly daemon: Daemon;
}

export interface StartOptions {
  readonly host: Host;
  /** For files; removed with the stand. */
  readonly dir: string;
  readonly farms: readonly Farm[];
  /** Checker threads; only ours has a choice. */
  readonly threads?: number;
  /** More configuration, in front of the farm's. */
  readonly head?: string;
  /** Default: health checks only. */
  readonly vrrp?: boolean;
  /** Default `memory`: the machine's kernel need not have any. */
  readonly ipvs?: "memory" | "kernel";
  /** File for what bench/loop-probe.ts sees; only ours has such a loop. */
  readonly loopProbe?: string;
}

export interface Checker {
  readonly name: string;
  readonly start: (options: StartOptions) => Promise<RunningChecker>;
}
