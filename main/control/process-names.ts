import { readFileSync, writeFileSync } from "node:fs";
import type { ProcessesConfig } from "../config/model-global.js";

/** Names in ps(1), top(1) and pgrep(1); undefined: as it was started. */
export interface ProcessNames {
  readonly launcher: string | undefined;
  readonly main: string | undefined;
  readonly checker: string | undefined;
}

/**
 * keepalived names processes, and ours are other ones: its parent is the launcher, VRRP is the main thread, whose name is the
 * daemon's, and checks are threads of the daemon. Where there is no VRRP the daemon is what keepalived's checker process is.
 */
export function processNames({ name, vrrp, checker }: ProcessesConfig, runsVrrp: boolean): ProcessNames {
  return { launcher: name, main: runsVrrp ? vrrp.name : checker.name, checker: checker.name };
}

/** What sets names: the threads of this process, and the launcher. */
export interface NamingHost {
  /** Of a thread of this process, by its number; undefined when it is gone. */
  readonly nameOf: (thread: number) => string | undefined;
  readonly setName: (thread: number, name: string) => void;
  readonly nameLauncher: (name: string | undefined) => void;
}

/** Keeps the threads and the launcher named as configured; a keyword that is gone gives back the name from before. */
export class ThreadNames {
  readonly #host: NamingHost;
  readonly #main: number;
  /** By thread, before anything was changed. */
  readonly #before = new Map<number, string>();
  /** By index of the shard. */
  readonly #checkers = new Map<number, number>();
  #wanted: ProcessNames = { launcher: undefined, main: undefined, checker: undefined };

  constructor(host: NamingHost, main: number = process.pid) {
    this.#host = host;
    this.#main = main;
  }

  configure(names: ProcessNames): void {
    if (names.launcher !== this.#wanted.launcher) this.#host.nameLauncher(names.launcher);
    this.#wanted = names;
    this.#name(this.#main, names.main);
    for (const thread of this.#checkers.values()) this.#name(thread, names.checker);
  }

  /** A new thread of checks, perhaps in the place of one that has ended. */
  checkerStarted(shard: number, thread: number): void {
    this.#before.delete(this.#checkers.get(shard) ?? 0);
    this.#checkers.set(shard, thread);
    this.#name(thread, this.#wanted.checker);
  }

  #name(thread: number, wanted: string | undefined): void {
    const before = this.#before.get(thread) ?? this.#host.nameOf(thread);
    if (before === undefined) return;
    if (wanted === undefined && !this.#before.has(thread)) return;
    this.#before.set(thread, before);
    this.#host.setName(thread, wanted ?? before);
  }
}

const commOf = (thread: number): string => `/proc/self/task/${thread}/comm`;

/** By /proc, which is memory: nothing waits. Without it, or when the thread ends at this moment, names stay as they are. */
export const namesInProc: Omit<NamingHost, "nameLauncher"> = {
  nameOf: (thread) => {
    try {
      return readFileSync(commOf(thread), "utf8").trimEnd();
    } catch {
      return undefined;
    }
  },
  setName: (thread, name) => {
    try {
      writeFileSync(commOf(thread), name);
    } catch {
      // a name is no reason to fail
    }
  },
};
