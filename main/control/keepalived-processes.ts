import { setTimeout as sleep } from "node:timers/promises";

/** Other processes of this host; `proc-processes.ts` is the real thing. */
export interface ProcessTable {
  /** The number in a pid file; undefined: there is no such file, or no number in it. */
  pidIn(file: string): number | undefined;
  /** Base name of its executable; undefined: gone, or not ours to look at. */
  program(pid: number): string | undefined;
  /** proc(5): R, S, T, Z ...; undefined: gone. */
  state(pid: number): string | undefined;
  childrenOf(pid: number): readonly number[];
  /** False: it is gone. @throws a system error without the permission */
  signal(pid: number, name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): boolean;
}

const KEEPALIVED = "keepalived";
const LOOK_EVERY_MS = 1;
/** The kernel carries out either signal within microseconds, unless a process sits in a system call that hangs. */
const STOPS_WITHIN_MS = 200;
const ENDS_WITHIN_MS = 2000;

/** A keepalived that runs on this host: a parent, and the processes that it would start again. */
export class KeepalivedProcesses {
  readonly pid: number;
  readonly #table: ProcessTable;

  private constructor(pid: number, table: ProcessTable) {
    this.pid = pid;
    this.#table = table;
  }

  /** The one that has written this pid file. Undefined: none runs; a file that was left behind, or one of our own, names no keepalived. */
  static find(pidFile: string, table: ProcessTable): KeepalivedProcesses | undefined {
    const pid = table.pidIn(pidFile);
    if (pid === undefined || !isAlive(table.state(pid)) || table.program(pid) !== KEEPALIVED) return undefined;
    return new KeepalivedProcesses(pid, table);
  }

  /**
   * Ends all of it without a word: no farewell, addresses and IPVS entries stay. Like `kill -9`, in the one order that does this:
   * a parent that ends first has its processes leave in good order (PR_SET_PDEATHSIG), and one that lives starts them again.
   * Resolves when they hold neither sockets nor locks. @returns false when one of them is still there
   */
  async end(): Promise<boolean> {
    const table = this.#table;
    table.signal(this.pid, "SIGSTOP");
    await until(STOPS_WITHIN_MS, () => !runs(table.state(this.pid)));
    const all = [...table.childrenOf(this.pid).filter((pid) => table.program(pid) === KEEPALIVED), this.pid];
    for (const pid of all) table.signal(pid, "SIGKILL");
    return until(ENDS_WITHIN_MS, () => all.every((pid) => !isAlive(table.state(pid))));
  }
}

/** A zombie has given back all that it had. */
const isAlive = (state: string | undefined): boolean => state !== undefined && state !== "Z" && state !== "X";

const runs = (state: string | undefined): boolean => isAlive(state) && state !== "T" && state !== "t";

async function until(withinMs: number, holds: () => boolean): Promise<boolean> {
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(LOOK_EVERY_MS))
    if (holds()) return true;
  return holds();
}
