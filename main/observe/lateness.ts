import { reading, readingWords } from "../../native-bindings/scheduling.js";
import { type Milliseconds, ms } from "../units.js";

/** What kept the main thread from a timer, as far as it can see. */
export const lateCauses = [
  "processor",
  "garbage",
  "work",
  "suspended",
  "stopped",
  "memory",
  "stolen",
  "blocked",
] as const;
export type LateCause = (typeof lateCauses)[number];

/** One stretch in which timers were late. */
export interface Late {
  /** The worst of them. */
  readonly overdue: Milliseconds;
  readonly timers: number;
  readonly cause: LateCause;
  /** How long the cause lasted. */
  readonly lasted: Milliseconds;
  /** Pages that were read from disk meanwhile. */
  readonly majorFaults: number;
}

/** Readings around a late timer (native-bindings/scheduling.ts), and what was seen between them. */
export interface Evidence {
  readonly overdue: Milliseconds;
  readonly before: Float64Array;
  readonly after: Float64Array;
  /** Collections of garbage took this long. */
  readonly garbage: Milliseconds;
  /** SIGCONT came. */
  readonly continued: boolean;
}

/** Pure. What lasted at least half of the lateness counts, else what lasted longest. */
export function causeOf(evidence: Evidence): Pick<Late, "cause" | "lasted" | "majorFaults"> {
  const { overdue, garbage, continued } = evidence;
  const grown = (word: number): number => (evidence.after[word] ?? 0) - (evidence.before[word] ?? 0);
  const suspended = grown(reading.bootTime) - grown(reading.monotonic);
  const waited = grown(reading.waited) || 0; // NaN: the kernel does not count it
  const worked = grown(reading.worked);
  const majorFaults = grown(reading.majorFaults);
  const rest = Math.max(0, overdue - suspended - waited - worked);
  const found = (cause: LateCause, lasted: number): Pick<Late, "cause" | "lasted" | "majorFaults"> => ({
    cause,
    lasted: ms(lasted),
    majorFaults,
  });
  if (waited >= overdue / 2) return found("processor", waited);
  if (garbage >= overdue / 2) return found("garbage", garbage); // also where it waits for helper threads
  // It never let go of its processor, and did not work either: a virtual machine.
  const away = grown(reading.blocked) === 0 ? "stolen" : "blocked";
  const asleep = continued ? "stopped" : majorFaults > 0 ? "memory" : away;
  const [longest] = [found("suspended", suspended), found("work", worked), found(asleep, rest)].sort(
    (a, b) => b.lasted - a.lasted,
  );
  return longest ?? found("blocked", rest);
}

/** The head is what keepalived logs for such a timer. */
export function lateSentence({ overdue, timers, cause, lasted, majorFaults }: Late): string {
  const head = `A thread timer expired ${(overdue / 1000).toFixed(6)} seconds ago`;
  const others = timers > 1 ? `, and ${timers - 1} more with it` : "";
  return `${head}${others}: ${reasons[cause]((lasted / 1000).toFixed(3), majorFaults)}`;
}

const reasons: Readonly<Record<LateCause, (seconds: string, majorFaults: number) => string>> = {
  processor: (s) => `the main thread waited ${s} s for a processor - see vrrp_rt_priority, or take load off this host`,
  garbage: (s) => `garbage was collected for ${s} s - is the processor busy, or memory short?`,
  work: (s) => `the main thread worked ${s} s at a stretch - report this line with the configuration's size`,
  suspended: (s) => `the machine was suspended for ${s} s`,
  stopped: (s) => `the process was stopped for ${s} s (SIGSTOP, a debugger, a frozen cgroup) and goes on`,
  memory: (s, faults) => `${faults} pages had to be read from disk (${s} s) - see vrrp_no_swap and MemorySwapMax=0`,
  stolen: (s) => `the hypervisor gave the processor to others for ${s} s - see steal time in top`,
  blocked: (s) => `the main thread waited ${s} s for the kernel or another thread, not for a processor`,
};

/** What the watch asks of its surroundings. */
export interface LateWatchDeps {
  /** See `readThread`. */
  readonly read: (into: Float64Array) => void;
  /** How long garbage was collected since then (CLOCK_BOOTTIME, ms), at most `overdue`. */
  readonly garbageSince: (bootTime: Milliseconds) => Milliseconds;
  /** Whether SIGCONT came since then. */
  readonly continuedSince: (bootTime: Milliseconds) => boolean;
  /** Later, when collections and signals that belong to it have been heard of. */
  readonly later: (fn: () => void) => void;
  readonly say: (late: Late) => void;
}

/** A reading costs some 2 µs. What was worked before the timer was due must not look like the cause. */
const READ_EVERY_MS = 10;

/** Tells why timers were late. While none is it takes a reading now and then, and allocates nothing. */
export class LateWatch {
  readonly #deps: LateWatchDeps;
  #before = new Float64Array(readingWords);
  #pending:
    | { overdue: Milliseconds; timers: number; readonly before: Float64Array; readonly after: Float64Array }
    | undefined;
  threshold: Milliseconds;

  constructor(threshold: Milliseconds, deps: LateWatchDeps) {
    this.threshold = threshold;
    this.#deps = deps;
    deps.read(this.#before);
  }

  /** A timer runs, this long after its time. */
  ran(overdue: Milliseconds, now: Milliseconds): void {
    if (overdue > this.threshold) this.#late(overdue);
    else if (now - (this.#before[reading.bootTime] ?? 0) >= READ_EVERY_MS) this.#deps.read(this.#before);
  }

  #late(overdue: Milliseconds): void {
    const pending = this.#pending;
    if (pending !== undefined) {
      pending.overdue = ms(Math.max(pending.overdue, overdue));
      pending.timers += 1;
      return;
    }
    const before = this.#before;
    const after = new Float64Array(readingWords);
    this.#deps.read(after);
    this.#before = after.slice();
    this.#pending = { overdue, timers: 1, before, after };
    this.#deps.later(() => this.#tell());
  }

  #tell(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) return;
    const { overdue, timers, before, after } = pending;
    const from = ms((after[reading.bootTime] ?? 0) - overdue);
    const garbage = this.#deps.garbageSince(from);
    const continued = this.#deps.continuedSince(from);
    this.#deps.say({ overdue, timers, ...causeOf({ overdue, before, after, garbage, continued }) });
  }
}
