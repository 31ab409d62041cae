import { readdirSync, readFileSync } from "node:fs";

/** Processor time of one thread so far, in microseconds, and the nice value that tells our checker threads. */
interface ThreadTime {
  readonly us: number;
  readonly nice: number;
}

/** Processor time of processes so far, in microseconds. */
export interface ProcessorTime {
  readonly whole: number;
  /** Of the threads that run checks; where a program has none of their own, all of it. */
  readonly checking: number;
}

/** Checker threads lower their priority by this much (`shardDefaults` of main/health/pool.ts); nothing else does. */
const CHECKER_NICE = 5;

/**
 * Of all living threads of the processes, by the scheduler's own clock (nanoseconds). A thread that ends between two
 * calls takes its time with it: do not measure across a start or a reload.
 */
export function processorTime(pids: readonly number[]): ProcessorTime {
  const threads = pids.flatMap(threadsOf);
  const sum = (some: readonly ThreadTime[]): number => some.reduce((total, { us }) => total + us, 0);
  const checkers = threads.filter(({ nice }) => nice === CHECKER_NICE);
  return { whole: sum(threads), checking: sum(checkers.length > 0 ? checkers : threads) };
}

/** Checker threads of a holdfast daemon; 0 for others. */
export const checkerThreads = (pid: number): number =>
  threadsOf(pid).filter(({ nice }) => nice === CHECKER_NICE).length;

function threadsOf(pid: number): ThreadTime[] {
  return list(`/proc/${pid}/task`).flatMap((tid) => {
    const folder = `/proc/${pid}/task/${tid}`;
    const [time, stat] = [read(`${folder}/schedstat`), read(`${folder}/stat`)];
    if (time === undefined || stat === undefined) return []; // ended meanwhile
    return [{ us: Number(time.split(" ")[0]) / 1000, nice: niceOf(stat) }];
  });
}

/** proc(5): the name may hold anything, so the last `)` ends it; nice is field 19. */
export const niceOf = (stat: string): number => Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);

/** Resident memory, MiB; 0 for a process that is gone. */
export function residentMiB(pid: number): number {
  const status = read(`/proc/${pid}/status`) ?? "";
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
