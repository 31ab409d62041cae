import type { Clock } from "../clock.js";
import type { IpvsBackend } from "./backend.js";
import type { Operation, OperationVerdict, Outcome } from "./operation.js";
import type { Slot } from "./slot.js";

/** How long one turn of the main thread's loop may be spent here, ms (design.md section 1). */
const TURN_MS = 2;
/** What one request to the kernel should take, ms: the call returns when the kernel has done all of it. */
const REQUEST_MS = 1;
const SMALLEST_CHUNK = 32;
const LARGEST_CHUNK = 256;
/** Per operation, before the first measurement. */
const ASSUMED_MS = 0.008;
/** Weight of the newest measurement: a clock that moves in steps of 10 ms must not make the portions jump. */
const NEWEST = 0.1;

/** Keeps long work from holding the loop. */
export class TurnBudget {
  readonly #clock: Clock;
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Gives the loop a turn when this one has lasted long enough. */
  async breathe(): Promise<void> {
    if (this.#clock.now() - this.#since < TURN_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = this.#clock.now();
  }
}

export interface Step {
  readonly slot: Slot;
  readonly operation: Operation;
}

export interface Settled extends Step {
  readonly verdict: OperationVerdict;
  readonly outcome: Outcome;
}

/** Sends operations in portions that fit a turn of the loop, one portion at a time, and settles each with its slot. */
export class Batcher {
  readonly #backend: IpvsBackend;
  readonly #clock: Clock;
  /** Time in the kernel per operation, ms, smoothed. */
  #cost = ASSUMED_MS;
  /** Grows with each portion that is sent or answered: orders readings of the kernel and operations. */
  #stamp = 0;

  constructor(backend: IpvsBackend, clock: Clock) {
    this.#backend = backend;
    this.#clock = clock;
  }

  get stamp(): number {
    return this.#stamp;
  }

  /**
   * @returns what is worth a second look: operations that the kernel did not simply carry out, and those of slots where
   * something had been refused before
   */
  async apply(steps: readonly Step[], budget: TurnBudget): Promise<Settled[]> {
    const noteworthy: Settled[] = [];
    for (let from = 0; from < steps.length; ) {
      const to = Math.min(from + this.#portion(), steps.length);
      this.#touch(steps, from, to);
      const verdicts = await this.#send(steps, from, to);
      this.#touch(steps, from, to);
      for (let i = from; i < to; i++) settle(steps[i], verdicts[i - from], noteworthy);
      from = to;
      await budget.breathe();
    }
    return noteworthy;
  }

  #portion(): number {
    const fitting = Math.floor(REQUEST_MS / Math.max(this.#cost, REQUEST_MS / LARGEST_CHUNK));
    return Math.max(SMALLEST_CHUNK, fitting);
  }

  #send(steps: readonly Step[], from: number, to: number): Promise<readonly OperationVerdict[]> {
    const operations: Operation[] = [];
    for (let i = from; i < to; i++) {
      const step = steps[i];
      if (step !== undefined) operations.push(step.operation);
    }
    const before = this.#clock.now();
    const verdicts = this.#backend.apply(operations);
    const cost = (this.#clock.now() - before) / operations.length;
    this.#cost += (cost - this.#cost) * NEWEST * Math.min(1, operations.length / SMALLEST_CHUNK);
    return verdicts;
  }

  #touch(steps: readonly Step[], from: number, to: number): void {
    this.#stamp += 1;
    for (let i = from; i < to; i++) {
      const slot = steps[i]?.slot;
      if (slot !== undefined) slot.touched = this.#stamp;
    }
  }
}

function settle(step: Step | undefined, verdict: OperationVerdict | undefined, noteworthy: Settled[]): void {
  if (step === undefined || verdict === undefined) return;
  const { slot, operation } = step;
  const outcome = slot.settle(operation, verdict.errno);
  if (verdict.errno !== 0 || slot.failing.size > 0) noteworthy.push({ slot, operation, verdict, outcome });
}
