/**
 * How many checks a second does the pool do, how long do they take, and how late is the main thread meanwhile?
 * 5,000 TCP checks over loopback, each once a second, for 10 s after a warm-up. `node dist/bench/checks.js [checks] [seconds]`.
 */
import { availableParallelism, cpus } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { loopClock } from "../workers/loop-clock.js";
import { type CheckLoad, startCheckLoad } from "./check-load.js";

interface Options {
  readonly checks: number;
  readonly seconds: number;
  readonly threads: number;
}

interface Quantiles {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export interface ChecksReport extends Options {
  readonly checksPerSecond: number;
  /** From SYN to verdict, since the start of the load; ms. */
  readonly latency: Quantiles;
  /** How late the main thread's loop was; ms. */
  readonly loopDelay: Quantiles;
  readonly failed: number;
  readonly faults: number;
  readonly cpu: string;
  readonly node: string;
}

const delayLoopMs = 1000;
const tcp = "TCP_CHECK";

export async function benchChecks(options: Options): Promise<ChecksReport> {
  const load = await startCheckLoad({ ...options, clock: loopClock, delayLoopMs });
  try {
    await sleep(1000 + 2 * delayLoopMs); // every check has run at least once
    return await measure(load, options);
  } finally {
    await load.stop();
  }
}

async function measure(load: CheckLoad, options: Options): Promise<ChecksReport> {
  const before = (await load.latency()).histograms.get(tcp)?.totalCount ?? 0;
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const started = performance.now();
  await sleep(options.seconds * 1000);
  const elapsed = performance.now() - started;
  loop.disable();
  const histogram = (await load.latency()).histograms.get(tcp);
  const quantile = (q: number): number => (histogram?.getValueAtPercentile(q) ?? 0) / 1000;
  // The monitor records whole periods of its timer: a period of 1 ms is no delay.
  const delay = (ns: number): number => Math.max(0, ns / 1e6 - 1);
  return {
    ...options,
    checksPerSecond: (((histogram?.totalCount ?? 0) - before) / elapsed) * 1000,
    latency: { median: quantile(50), p99: quantile(99), max: quantile(100) },
    loopDelay: { median: delay(loop.percentile(50)), p99: delay(loop.percentile(99)), max: delay(loop.max) },
    failed: load.edgesDown(),
    faults: load.faults(),
    cpu: cpus()[0]?.model ?? "unknown",
    node: process.version,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [checks = 5000, seconds = 10] = process.argv.slice(2).map(Number);
  const threads = Math.max(1, availableParallelism() - 1);
  const report = await benchChecks({ checks, seconds, threads });
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
}
