import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { GlobalConfig } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";

/** How many checks may be under way. */
export interface CheckLimits {
  readonly threads: number;
  /** In each thread. */
  readonly maxInFlight: number;
  /** In each thread to one address; 0: no limit. */
  readonly maxInFlightPerHost: number;
}

/** Descriptors for all else: adverts, netlink, scripts, log, clients of the control socket, the configuration. */
const reserve = 512;
/** More at once cost memory of the kernel and shorten no queue. */
const enough = 32_768;
const mostThreads = 8;

/**
 * What the configuration says, within what the limit of open files leaves: all threads together stay below it, so that a storm of
 * checks takes no descriptor from adverts. What is left of a core belongs to them too.
 */
export function checkLimits(
  global: Pick<GlobalConfig, "checkerThreads" | "checkerMaxInFlight" | "checkerMaxInFlightPerHost">,
  openFiles: number,
): CheckLimits {
  const threads = global.checkerThreads ?? Math.max(1, Math.min(mostThreads, availableParallelism() - 1));
  const left = Math.max(threads, openFiles - Math.min(reserve, Math.ceil(openFiles / 2)));
  const most = Math.floor(left / threads);
  const usual = Math.min(most, Math.floor(enough / threads));
  return {
    threads,
    maxInFlight: Math.min(most, global.checkerMaxInFlight ?? usual),
    maxInFlightPerHost: global.checkerMaxInFlightPerHost ?? 0,
  };
}

/** Checks under way at once when no target answers, in the mean. In steps of one check. */
export function* worstInFlight(checks: Iterable<{ readonly check: ServerCheckConfig }>): Generator<void, number> {
  let sum = 0;
  for (const { check } of checks) {
    if (!("target" in check)) continue; // no connection
    const { connectTimeout, delayLoop } = check.timing;
    sum += connectTimeout / Math.max(1, connectTimeout + delayLoop);
    yield;
  }
  return Math.ceil(sum);
}

/** Said when checks will wait for each other, should their targets fall silent. */
export function waitingSentence(limits: CheckLimits, openFiles: number, worst: number): string | undefined {
  const total = limits.threads * limits.maxInFlight;
  if (worst <= total) return undefined;
  const why = `limit of open files ${openFiles}, ${limits.threads} checker threads`;
  return `If no target answers ${worst} checks are under way at once, and ${total} are allowed (${why}): the rest waits in order - raise LimitNOFILE, or delay_loop`;
}

/** RLIMIT_NOFILE of this process (proc_pid_limits(5)); Node has raised it to the hard limit. Infinite where nobody knows. */
export function openFileLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY; // no /proc: the kernel's own limit holds all the same
  }
}
