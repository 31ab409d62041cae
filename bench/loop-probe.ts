/**
 * Loaded into a daemon under measurement (`NODE_OPTIONS=--import`), beside its own code: says how long its main thread did not
 * come back to its loop, how much of that time it worked, and how long V8 collected garbage. Lines of JSON go to the file that
 * HOLDFAST_LOOP_PROBE names.
 */
import { openSync, writeSync } from "node:fs";
import { type NodeGCPerformanceDetail, PerformanceObserver } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";
import { threadCpuTime } from "../native-bindings/process.js";

export interface LoopBlock {
  readonly kind: "block";
  readonly pid: number;
  /** Milliseconds since the epoch, when it ended. */
  readonly at: number;
  /** Between two runs of a timer of 1 ms. */
  readonly wallMs: number;
  /** The thread's own processor time: without what others did with the processor, and the host of a virtual machine. */
  readonly cpuMs: number;
}

export interface GcPause {
  readonly kind: "gc";
  readonly pid: number;
  /** When it ended. */
  readonly at: number;
  readonly wallMs: number;
  /** perf_hooks.constants.NODE_PERFORMANCE_GC_* */
  readonly gc: number | undefined;
}

/** What is shorter is not worth a line. */
const WORTH_MS = 1.8;
const FLUSH_MS = 200;

function probe(file: string): void {
  const out = openSync(file, "a");
  const { pid } = process; // the spare is loaded with this as well
  const lines: string[] = [];
  const note = (line: LoopBlock | GcPause): void => void lines.push(JSON.stringify(line));
  let [last, lastCpu] = [performance.now(), threadCpuTime()];
  setInterval(() => {
    const [now, cpu] = [performance.now(), threadCpuTime()];
    const [wallMs, cpuMs] = [now - last, cpu - lastCpu];
    if (wallMs > WORTH_MS) note({ kind: "block", pid, at: performance.timeOrigin + now, wallMs, cpuMs });
    [last, lastCpu] = [now, cpu];
  }, 1).unref();
  setInterval(() => {
    if (lines.length > 0) writeSync(out, `${lines.splice(0).join("\n")}\n`);
  }, FLUSH_MS).unref();
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { startTime, duration } = entry;
      const { kind } = (entry as unknown as { readonly detail: NodeGCPerformanceDetail }).detail; // the types know no subclass
      note({ kind: "gc", pid, at: performance.timeOrigin + startTime + duration, wallMs: duration, gc: kind });
    }
  }).observe({ entryTypes: ["gc"] });
}

const file = process.env["HOLDFAST_LOOP_PROBE"];
if (isMainThread && file !== undefined) probe(file);
