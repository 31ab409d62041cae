import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";

/** How often it looks; what is late by less than that is not seen. */
const EVERY_MS = 10;

/** A thread that does nothing but wait: what the process itself works does not make it late. */
const PROGRAM = `
const { end, worst } = require("node:worker_threads").workerData;
for (let last = performance.now(); Atomics.wait(end, 0, 0, ${EVERY_MS}) === "timed-out"; ) {
  const now = performance.now();
  worst[0] = Math.max(worst[0], now - last - ${EVERY_MS});
  last = now;
}`;

/**
 * How late a thread of the usual class was at worst: what a machine with other work adds to whatever runs on it. A test whose bound is
 * the protocol's own may be played again when this alone was more than the bound leaves; never because of the failure alone.
 */
export class Metronome implements Disposable {
  readonly #end = new Int32Array(new SharedArrayBuffer(4));
  readonly #worst = new Float64Array(new SharedArrayBuffer(8));

  constructor() {
    new Worker(PROGRAM, { eval: true, workerData: { end: this.#end, worst: this.#worst } }).unref();
  }

  /** In ms. */
  get worst(): number {
    return this.#worst[0] ?? 0;
  }

  [Symbol.dispose](): void {
    Atomics.store(this.#end, 0, 1);
    Atomics.notify(this.#end, 0);
  }
}

/** Processor time that the hypervisor gave to others so far, ms (proc(5), `steal` of /proc/stat). Real time is no help against it. */
export function stolenMs(): number {
  return 10 * Number(/^cpu +(?:\d+ ){7}(\d+)/.exec(readFileSync("/proc/stat", "latin1"))?.[1] ?? 0);
}
