import { native } from "./load.js";

interface Native {
  readonly threadId: () => number;
  readonly setThreadClass: (threadId: number, realTimePriority: number) => number;
  readonly setNiceOfThread: (threadId: number, nice: number) => number;
  readonly beginCeiling: () => number;
  readonly endSoon: () => void;
  readonly endCeiling: (before: number) => void;
  readonly setThreadCpus: (threadId: number, cpus: readonly number[]) => number;
  readonly threadCpus: () => number[];
  readonly setRealTimeLimit: (softUs: number, hardUs: number) => number;
  readonly nap: () => void;
  readonly takeBreaks: (when: boolean) => void;
  readonly lockMemory: (bytes: Uint8Array) => number;
  readonly readThread: (into: Float64Array) => void;
}

/** gettid(2) of the calling thread. */
export const threadId = (): number => (native as Native).threadId();

/**
 * Like `chrt --reset-on-fork --rr -p PRIORITY TID`; 0: SCHED_OTHER. What the thread starts from now on, threads and processes, begins
 * with the usual class. @returns 0 or a positive errno
 */
export const setThreadClass = (thread: number, realTimePriority: number): number =>
  (native as Native).setThreadClass(thread, realTimePriority);

/** Like `renice -n NICE -p TID`. @returns 0 or a positive errno */
export const setNiceOfThread = (thread: number, nice: number): number =>
  (native as Native).setNiceOfThread(thread, nice);

/**
 * Runs `act` in the main thread's class, if that is a real-time class. For what wakes the main thread while it holds a lock that this
 * one takes next: on a busy processor the waker would be put aside, with the lock, for as long as others have work (100 ms and more).
 */
export function withCeiling(act: () => void): void {
  const before = (native as Native).beginCeiling();
  try {
    act();
  } finally {
    (native as Native).endCeiling(before);
  }
}

/**
 * For a thread whose end the main thread waits for (Node joins it): while the main thread is in a real-time class it goes ahead of all
 * that are not. On busy processors the main thread waited for 390 ms.
 */
export const endSoon = (): void => (native as Native).endSoon();

/** Like `taskset -cp CPUS TID`. What the thread starts later inherits it. @returns 0 or a positive errno */
export const setThreadCpus = (thread: number, cpus: readonly number[]): number =>
  (native as Native).setThreadCpus(thread, cpus);

/** The processors that the calling thread may run on, in order. */
export const threadCpus = (): number[] => (native as Native).threadCpus();

/** Sets RLIMIT_RTTIME of the process, in microseconds; 0: none. @returns 0 or a positive errno */
export const setRealTimeLimit = (softUs: number, hardUs: number): number =>
  (native as Native).setRealTimeLimit(softUs, hardUs);

/** Blocks the thread as shortly as it can (some 50 µs): RLIMIT_RTTIME counts from then on anew. */
export const nap = (): void => (native as Native).nap();

/**
 * Whether the calling thread's loop takes breaks: 200 µs after each 5 ms in which it has not slept. Otherwise a real-time thread that
 * asks one below it again and again whether it is done leaves that one no processor to get done on.
 */
export const takeBreaks = (when: boolean): void => (native as Native).takeBreaks(when);

/** Keeps the pages of `bytes` in memory (mlock(2)). @returns 0 or a positive errno */
export const lockMemory = (bytes: Uint8Array): number => (native as Native).lockMemory(bytes);

/** Words of a reading of the calling thread; times in milliseconds. */
export const reading = {
  /** CLOCK_BOOTTIME: goes on while the machine sleeps. */
  bootTime: 0,
  /** CLOCK_MONOTONIC: does not. */
  monotonic: 1,
  /** What the thread has worked. */
  worked: 2,
  /** What it waited for a processor while it could have worked; NaN where the kernel does not count it. */
  waited: 3,
  majorFaults: 4,
  /** How often it gave the processor away: to wait for something. */
  blocked: 5,
} as const;
export const readingWords = 6;

/** Fills `into` (of `readingWords`) with a reading of the calling thread. Three system calls, no garbage. */
export const readThread = (into: Float64Array): void => (native as Native).readThread(into);
