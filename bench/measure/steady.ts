import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../test/harness/until.js";
import type { RunningChecker } from "../peers/peer.js";

export interface Cost {
  /** Processor time per completed check, µs: of all its processes, and of the threads that check. */
  readonly whole: number;
  readonly checking: number;
  readonly perSecond: number;
  readonly completed: number;
}

/** What a checker spends on checks that go on as they do. `completed` is asked of the target: what it says nobody can embellish. */
export async function costOf(
  checker: RunningChecker,
  completed: () => Promise<number>,
  seconds: number,
): Promise<Cost> {
  const [countBefore, before, start] = [await completed(), checker.time(), performance.now()];
  await sleep(seconds * 1000);
  const [countAfter, after, end] = [await completed(), checker.time(), performance.now()];
  const count = countAfter - countBefore;
  return {
    whole: (after.whole - before.whole) / count,
    checking: (after.checking - before.checking) / count,
    perSecond: (count / (end - start)) * 1000,
    completed: count,
  };
}

/** Waits as `until` does; what does not come to pass is told with the end of the checker's log. */
export async function untilChecked(
  name: string,
  checker: RunningChecker,
  withinMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  try {
    await until(`${name} checks everything`, withinMs, condition, 100);
  } catch (error) {
    const end = (await checker.log()).trim().split("\n").slice(-4).join("; ");
    throw new Error(`does not check everything within ${withinMs} ms; its log ends: ${end}`, { cause: error });
  }
}

/** Largest value of `sample` while `work` goes on, looked at ten times a second. */
export async function largestWhile(sample: () => number, work: () => Promise<void>): Promise<number> {
  let largest = sample();
  const timer = setInterval(() => {
    largest = Math.max(largest, sample());
  }, 100);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(largest, sample());
}
