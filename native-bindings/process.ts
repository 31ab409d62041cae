import { native } from "./load.js";

/** A child of `spawnScript`, watched through its pidfd. */
export interface ScriptProcess extends Disposable {
  /** Undefined until there is a process. */
  readonly pid: number | undefined;
  /** Sends `signal` to the child's whole process group, also before there is one. @returns 0 or a positive errno (ESRCH when it is gone) */
  killGroup(signal: number): number;
  /** Stops watching; the child is still reaped by whoever collects it next. */
  close(): void;
}

export interface ScriptOptions {
  readonly argv: readonly [string, ...string[]];
  readonly env: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups; normally empty. */
  readonly groups: readonly number[];
}

/** Either `status` (exit code) or `signal` (number) is >= 0; the other is -1. */
export type OnExit = (status: number, signal: number) => void;

/** Instead of OnExit: a positive errno and the system call that failed. */
export type OnNotStarted = (errno: number, syscall: string) => void;

interface Native {
  readonly ScriptProcess: new (
    argv: readonly string[],
    env: readonly string[],
    uid: number,
    gid: number,
    groups: readonly number[],
    onExit: OnExit,
    onNotStarted: OnNotStarted,
  ) => ScriptProcess;
  readonly closeOnExecFrom: (firstFd: number) => void;
  readonly mapShared: (fd: number, bytes: number, from: number) => Buffer;
  readonly setThreadNice: (nice: number) => number;
  readonly threadCpuTime: () => number;
  readonly trimHeap: () => boolean;
  readonly exitWithin: (milliseconds: number, code: number) => number;
}

/**
 * Starts a program without copying this process's page tables: own process group, stdio on /dev/null, default signals, normal
 * scheduling, credentials as given, killed with SIGTERM when the daemon dies. One that names no interpreter is run by the shell.
 * Threads of their own wait for execve: this one goes on, and of what came of it the callbacks tell in a later turn.
 * @throws system error when no descriptor is left
 */
export function spawnScript(options: ScriptOptions, onExit: OnExit, onNotStarted: OnNotStarted): ScriptProcess {
  const { ScriptProcess } = native as Native;
  const { argv, env, uid, gid, groups } = options;
  return new ScriptProcess(argv, env, uid, gid, groups, onExit, onNotStarted);
}

/** Marks every descriptor >= firstFd close-on-exec (close_range(2)): add-ons that do not do it themselves leak to scripts. */
export const closeOnExecFrom = (firstFd: number): void => (native as Native).closeOnExecFrom(firstFd);

/** Maps `bytes` of `fd` shared and writable (the launcher's state memfd). @throws system error */
export const mapShared = (fd: number, bytes: number, from = 0): Buffer => (native as Native).mapShared(fd, bytes, from);

/** Sets the nice value of the calling thread only (setpriority(2) with its tid). @returns 0 or a positive errno */
export const setThreadNice = (nice: number): number => (native as Native).setThreadNice(nice);

/** Milliseconds that the calling thread has worked (CLOCK_THREAD_CPUTIME_ID): what others do with its processor does not count. */
export const threadCpuTime = (): number => (native as Native).threadCpuTime();

/**
 * Gives what the C library has been given back, and keeps for later, to the system (malloc_trim(3)). The locks of its heaps are held
 * meanwhile. @returns whether there was any
 */
export const trimHeap = (): boolean => (native as Native).trimHeap();

/**
 * _exit(2) with `code` (0 to 255) when so much time has passed, whatever other threads do or wait for. It cannot be taken back.
 * @returns 0 or a positive errno
 */
export const exitWithin = (milliseconds: number, code: number): number =>
  (native as Native).exitWithin(milliseconds, code);
