import { native } from "./load.js";

/** A child started by `spawnScript`, watched through its pidfd. */
export interface ScriptProcess extends Disposable {
  readonly pid: number;
  /** Sends `signal` to the child's whole process group. @returns 0 or a positive errno (ESRCH when it is gone) */
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

interface Native {
  readonly ScriptProcess: new (
    argv: readonly string[],
    env: readonly string[],
    uid: number,
    gid: number,
    groups: readonly number[],
    onExit: OnExit,
  ) => ScriptProcess;
  readonly closeOnExecFrom: (firstFd: number) => void;
  readonly mapShared: (fd: number, bytes: number) => Buffer;
  readonly setThreadNice: (nice: number) => number;
  readonly threadCpuTime: () => number;
}

/**
 * Starts a program without copying this process's page tables (vfork semantics): own process group, stdio on /dev/null,
 * default signals, normal scheduling, credentials as given, killed with SIGTERM when the daemon dies.
 * @throws system error of the failing step (`syscall` execve, setuid, ...)
 */
export function spawnScript(options: ScriptOptions, onExit: OnExit): ScriptProcess {
  const { ScriptProcess } = native as Native;
  return new ScriptProcess(options.argv, options.env, options.uid, options.gid, options.groups, onExit);
}

/** Marks every descriptor >= firstFd close-on-exec (close_range(2)): add-ons that do not do it themselves leak to scripts. */
export const closeOnExecFrom = (firstFd: number): void => (native as Native).closeOnExecFrom(firstFd);

/** Maps `bytes` of `fd` shared and writable (the launcher's state memfd). @throws system error */
export const mapShared = (fd: number, bytes: number): Buffer => (native as Native).mapShared(fd, bytes);

/** Sets the nice value of the calling thread only (setpriority(2) with its tid). @returns 0 or a positive errno */
export const setThreadNice = (nice: number): number => (native as Native).setThreadNice(nice);

/** Milliseconds that the calling thread has worked (CLOCK_THREAD_CPUTIME_ID): what others do with its processor does not count. */
export const threadCpuTime = (): number => (native as Native).threadCpuTime();
