import { getSystemErrorName } from "node:util";
import * as kernel from "../../native-bindings/scheduling.js";
import type { ChildConfig, ProcessesConfig } from "../config/model-global.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { runtimeThreads } from "./runtime-threads.js";
import { type SwapUse, swapOfThisProcess } from "./swap.js";

/** What one thread is to run as. */
export interface ThreadScheduling {
  /** Of SCHED_RR; 0: the usual class. */
  readonly realTimePriority: number;
  readonly nice: number;
  /** Empty: as the daemon was started. */
  readonly cpus: readonly number[];
}

/** What is asked of the host: each answers 0 or an errno. */
export type SchedulingHost = Pick<
  typeof kernel,
  | "threadId"
  | "setThreadClass"
  | "setNiceOfThread"
  | "setThreadCpus"
  | "threadCpus"
  | "setRealTimeLimit"
  | "nap"
  | "takeBreaks"
>;

/** Below it V8 is killed while it starts or collects garbage (10 ms, keepalived's own, ends Node at once). */
export const leastRealTimeLimit = ms(200);
/** Checks must not take the processor from adverts. */
export const usualCheckerNice = 5;
/** One line about the limit in this time. */
const TELL_LIMIT_EVERY = ms(10_000);

/** Of V8's helper threads, while the main thread is in a real-time class: ahead of everything that is not. */
const HELPER_PRIORITY = 1;

const usual: ThreadScheduling = { realTimePriority: 0, nice: 0, cpus: [] };

/** As keepalived has it: a real-time class leaves the nice value alone. */
export const mainScheduling = ({ vrrp }: Pick<ProcessesConfig, "vrrp">): ThreadScheduling => of(vrrp, 0);
export const checkerScheduling = ({ checker }: Pick<ProcessesConfig, "checker">): ThreadScheduling =>
  of(checker, usualCheckerNice);

const of = ({ priority, realTimePriority, cpus }: ChildConfig, nice: number): ThreadScheduling => ({
  realTimePriority,
  nice: priority ?? nice,
  cpus,
});

/** One limit for the process, so the larger of both; undefined: none. It counts in the real-time class only. */
export function realTimeLimit({ vrrp, checker }: Pick<ProcessesConfig, "vrrp" | "checker">): Milliseconds | undefined {
  const limits = [vrrp, checker].map(({ realTimeLimit: limit }) => limit).filter((limit) => limit !== undefined);
  return limits.length === 0 ? undefined : ms(Math.max(leastRealTimeLimit, ...limits));
}

/**
 * Class, nice value and processors of the main thread and of the checker threads. Threads that they start (log, mail, configuration)
 * and scripts are usual: SCHED_RESET_ON_FORK. Threads of Node itself follow the main thread into the lowest real-time priority: V8's
 * helpers hold locks that the main thread takes, and on busy processors a usual one kept it waiting for 20 to 140 ms
 * (docs/decisions/0010-real-time.md). What the kernel refuses is said once, and nothing fails for it.
 */
export class Scheduling {
  readonly #log: Log;
  readonly #host: SchedulingHost;
  readonly #main: number;
  readonly #helpers: readonly number[];
  #helperPriority = 0;
  /** Before anything was changed. */
  readonly #cpus: readonly number[];
  readonly #inForce = new Map<number, ThreadScheduling>();
  /** By index of the shard. */
  readonly #checkers = new Map<number, number>();
  #checker: ThreadScheduling = { ...usual, nice: usualCheckerNice };
  #limit: Milliseconds | undefined;
  #limitTold = Number.NEGATIVE_INFINITY;
  #auto: { readonly most: number; readonly delay: Milliseconds } = { most: 0, delay: ms(1000) };
  readonly #told = new Set<string>();

  constructor(log: Log, host: SchedulingHost = kernel, helpers: readonly number[] = runtimeThreads) {
    this.#log = log;
    this.#host = host;
    this.#main = host.threadId();
    this.#helpers = helpers;
    this.#cpus = host.threadCpus();
    this.#inForce.set(this.#main, usual);
  }

  /** At the start and at each reload; a keyword that is gone gives back what it had changed. */
  configure(processes: ProcessesConfig): void {
    this.#told.clear();
    this.#auto = { most: processes.maxAutoPriority, delay: processes.minAutoPriorityDelay };
    this.#setLimit(processes);
    this.#apply("vrrp", this.#main, mainScheduling(processes));
    this.#checker = checkerScheduling(processes);
    for (const thread of this.#checkers.values()) this.#apply("checker", thread, this.#checker);
  }

  /** A checker thread is there; it has the usual nice value of checker threads already. */
  checkerStarted(shard: number, thread: number): void {
    if (this.#checkers.get(shard) === thread) return;
    this.#inForce.delete(this.#checkers.get(shard) ?? 0);
    this.#checkers.set(shard, thread);
    // It inherited the main thread's processors.
    const { cpus } = this.#inForce.get(this.#main) ?? usual;
    this.#inForce.set(thread, { realTimePriority: 0, nice: usualCheckerNice, cpus });
    this.#apply("checker", thread, this.#checker);
  }

  /** max_auto_priority: a timer of the main thread ran this late. */
  wasLate(overdue: Milliseconds): void {
    if (this.#auto.most <= 0 || overdue <= this.#auto.delay) return;
    const now = this.#inForce.get(this.#main) ?? usual;
    const next = Math.min(now.realTimePriority + 1, this.#auto.most);
    if (next <= now.realTimePriority) return;
    if (this.#apply("vrrp", this.#main, { ...now, realTimePriority: next }))
      this.#log("info", "scheduling.raised", `Set realtime priority ${next}`, { overdue });
  }

  /** SIGXCPU: half of the limit is used. The thread blocks for a moment, so that only a turn that never ends is killed. */
  onLimit(now: Milliseconds): void {
    this.#host.nap();
    if (this.#limit === undefined) return;
    this.#host.setRealTimeLimit(...microseconds(this.#limit)); // the kernel has raised the soft one by a second
    if (now - this.#limitTold < TELL_LIMIT_EVERY) return;
    this.#limitTold = now;
    const sentence = "vrrp process has used too much CPU time, vrrp_rlimit_rttime may need to be increased";
    this.#log("info", "scheduling.limit", sentence, { limit: this.#limit });
  }

  /** Runs `start`, which starts a thread, on the processors the daemon was started with. */
  unpinned<T>(start: () => T): T {
    const pinned = this.#inForce.get(this.#main)?.cpus ?? [];
    if (pinned.length === 0) return start();
    this.#host.setThreadCpus(this.#main, this.#cpus);
    try {
      return start();
    } finally {
      this.#host.setThreadCpus(this.#main, pinned);
    }
  }

  /** *_no_swap: never mlockall(2), which V8 does not survive. `own`: what the daemon needs to go on after a crash. */
  keepInMemory(
    { vrrp, checker }: ProcessesConfig,
    own: readonly Uint8Array[],
    lock: (bytes: Uint8Array) => number,
    swap: SwapUse = swapOfThisProcess(),
  ): void {
    const keyword = vrrp.noSwap ? "vrrp_no_swap" : checker.noSwap ? "checker_no_swap" : undefined;
    if (keyword === undefined) return;
    for (const bytes of own) {
      const err = lock(bytes);
      const remedy = `${keyword}: grant CAP_IPC_LOCK, or LimitMEMLOCK= of the unit`;
      if (err !== 0) this.#refused("Unable to lock memory", err, remedy);
    }
    if (swap === "possible")
      this.#log(
        "notice",
        "scheduling.swap",
        `${keyword} keeps our own state in memory; for the rest set MemorySwapMax=0 of the unit, or swapoff -a`,
      );
  }

  #setLimit(processes: ProcessesConfig): void {
    const limit = realTimeLimit(processes);
    for (const child of ["vrrp", "checker"] as const) {
      const given = processes[child].realTimeLimit;
      if (given === undefined || given >= leastRealTimeLimit) continue;
      const why = "less would end Node while it collects garbage";
      const sentence = `${child}_rlimit_rttime ${Math.round(given * 1000)} is raised to ${leastRealTimeLimit * 1000}: ${why}`;
      this.#log("notice", "scheduling.limit-raised", sentence);
    }
    if (limit === this.#limit) return;
    this.#limit = limit;
    const err = this.#host.setRealTimeLimit(...microseconds(limit));
    if (err !== 0)
      this.#refused(
        "child process cannot set realtime rlimit",
        err,
        "a limit that was in force is raised by a restart, or with CAP_SYS_RESOURCE",
      );
  }

  /** @returns whether the class is what was wanted */
  #apply(child: "vrrp" | "checker", thread: number, wanted: ThreadScheduling): boolean {
    const before = this.#inForce.get(thread) ?? usual;
    this.#inForce.set(thread, wanted);
    const { realTimePriority, nice, cpus } = wanted;
    const who = child === "vrrp" ? "main thread" : "checker threads";
    if (cpus.join() !== before.cpus.join()) {
      const err = this.#host.setThreadCpus(thread, cpus.length > 0 ? cpus : this.#cpus);
      const remedy = `${child}_cpu_affinity: see Cpus_allowed_list in /proc/self/status and AllowedCPUs= of the unit`;
      if (err !== 0) this.#refused(`unable to set cpu affinity to ${child} process`, err, remedy);
    }
    let inClass = true;
    if (realTimePriority !== before.realTimePriority || (nice < 0 && before.nice >= 0)) {
      const err = this.#host.setThreadClass(thread, realTimePriority);
      inClass = err === 0;
      if (inClass && thread === this.#main) this.#raiseHelpers(this.#helpersBeside(realTimePriority));
      const remedy = `grant CAP_SYS_NICE, or LimitRTPRIO=${realTimePriority} of the unit; the ${who} stay${child === "vrrp" ? "s" : ""} usual`;
      if (!inClass && realTimePriority > 0) this.#refused("child process: cannot raise priority", err, remedy);
      if (!inClass) this.#inForce.set(thread, { ...wanted, realTimePriority: before.realTimePriority });
    }
    if (realTimePriority === 0 && nice !== before.nice) {
      const err = this.#host.setNiceOfThread(thread, nice);
      const remedy = `${child}_priority: grant CAP_SYS_NICE, or LimitNICE=${nice} of the unit`;
      if (err !== 0) this.#refused(`Unable to set process priority to ${nice}`, err, remedy);
    }
    return inClass;
  }

  /**
   * On a single processor they share the main thread's priority, and take turns with it: either side asks the other again and again
   * whether it is done (V8's sweeper, libuv's closing of handles), and one that is below would never be.
   */
  #helpersBeside(realTimePriority: number): number {
    return this.#cpus.length === 1 ? realTimePriority : Math.min(realTimePriority, HELPER_PRIORITY);
  }

  /** One that has ended meanwhile needs nothing. */
  #raiseHelpers(priority: number): void {
    if (priority === this.#helperPriority) return;
    this.#helperPriority = priority;
    for (const thread of this.#helpers) this.#host.setThreadClass(thread, priority);
    this.#host.takeBreaks(priority > 0); // where other real-time threads have the other processors, this one's breaks are all they get
  }

  /** Once per configuration, not once per thread. */
  #refused(what: string, errno: number, remedy: string): void {
    const sentence = `${what} (${getSystemErrorName(-errno)}) - ${remedy}`;
    if (this.#told.has(sentence)) return;
    this.#told.add(sentence);
    this.#log("warning", "scheduling.refused", sentence, { errno });
  }
}

/** SIGXCPU at half of it, as keepalived does; then SIGKILL. */
function microseconds(limit: Milliseconds | undefined): [soft: number, hard: number] {
  const hard = Math.min(Math.round((limit ?? 0) * 1000), 0xffff_ffff);
  return [Math.ceil(hard / 2), hard];
}
