import { Worker } from "node:worker_threads";
import type { Failover } from "./failover-watch.js";
import type { Broken, FromThread, ToThread } from "./many-thread.js";

export interface ManyOptions {
  /** Of the first schedule; the others follow. */
  readonly seed: number;
  readonly schedules: number;
  readonly threads: number;
  /** Begin nothing new after that. */
  readonly limitMs?: number;
  /** By name, to see what is caught. */
  readonly fault?: string | undefined;
  readonly onProgress?: (played: number, broken: readonly Broken[]) => void;
}

export interface ManyOutcome {
  readonly played: number;
  /** How often any process did something. */
  readonly turns: number;
  /** In order of their seeds, the first so many. */
  readonly broken: readonly Broken[];
  readonly brokenCount: number;
  readonly failovers: readonly Failover[];
}

/** A thread takes so many at a time: enough not to wait for the next, few enough to end together with the others. */
const PORTION = 500;
const MOST_KEPT = 100;

/** Plays schedules seed, seed + 1, ... on threads. */
export async function playMany(options: ManyOptions): Promise<ManyOutcome> {
  const { seed, schedules, threads, limitMs = Number.POSITIVE_INFINITY, fault, onProgress } = options;
  const end = performance.now() + limitMs;
  let [next, played, turns, brokenCount] = [0, 0, 0, 0];
  const broken: Broken[] = [];
  const failovers: Failover[] = [];
  const portion = (): ToThread | undefined => {
    if (next >= schedules || performance.now() > end) return undefined;
    const count = Math.min(PORTION, schedules - next);
    const from = seed + next;
    next += count;
    return { from, count };
  };
  const onDone = (done: FromThread): void => {
    played += done.played;
    turns += done.turns;
    brokenCount += done.broken.length;
    if (broken.length < MOST_KEPT) broken.push(...done.broken);
    for (const failover of done.failovers) failovers.push(failover);
    onProgress?.(played, broken);
  };
  await Promise.all(Array.from({ length: threads }, () => work(portion, onDone, fault)));
  broken.sort((a, b) => a.seed - b.seed);
  return { played, turns, broken, brokenCount, failovers };
}

function work(
  portion: () => ToThread | undefined,
  onDone: (done: FromThread) => void,
  fault: string | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL("./many-thread.js", import.meta.url), { workerData: { fault } });
    const more = (): void => thread.postMessage(portion());
    thread.on("message", (done: FromThread) => {
      onDone(done);
      more();
    });
    thread.on("error", reject);
    thread.on("exit", () => resolve());
    more();
  });
}
