import type { Clock } from "../clock.js";
import type { IpvsBackend } from "./backend.js";
import type { Operation, OperationVerdict, Outcome } from "./operation.js";
import type { Slot } from "./slot.js";

/** How long one turn of the main thread's loop may be spent here, ms (design.md section 1). */
const TURN_MS = 2;
/** What one request to the kernel should take, ms: the call returns when the kernel has done all of it. */
const REQUEST_MS = 1;
const SMALLEST_CHUNK = 16;
const LARGEST_CHUNK = 256;

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
  #chunk = SMALLEST_CHUNK * 4;
  /** Grows with each portion that is sent or answered: orders readings of the kernel and operations. */
  #stamp = 0;

  constructor(backend: IpvsBackend, clock: Clock) {
    this.#backend = backend;
    this.#clock = clock;
  }

  get stamp(): number {
    return this.#stamp;
  }

  async apply(steps: readonly Step[], budget: TurnBudget): Promise<Settled[]> {
    const settled: Settled[] = [];
    for (let at = 0; at < steps.length; ) {
      const chunk = steps.slice(at, at + this.#chunk);
      at += chunk.length;
      this.#touch(chunk);
      const verdicts = await this.#send(chunk);
      this.#touch(chunk);
      for (let i = 0; i < chunk.length; i++) settle(chunk[i], verdicts[i], settled);
      await budget.breathe();
    }
    return settled;
  }

  #send(chunk: readonly Step[]): Promise<readonly OperationVerdict[]> {
    const before = this.#clock.now();
    const verdicts = this.#backend.apply(chunk.map((step) => step.operation));
    const fitting = Math.round((chunk.length * REQUEST_MS) / Math.max(this.#clock.now() - before, REQUEST_MS / 4));
    // A short chunk tells little: it only ever makes the next one smaller.
    if (chunk.length >= this.#chunk || fitting < this.#chunk)
      this.#chunk = Math.min(LARGEST_CHUNK, Math.max(SMALLEST_CHUNK, fitting));
    return verdicts;
  }

  #touch(chunk: readonly Step[]): void {
    this.#stamp += 1;
    for (const { slot } of chunk) slot.touched = this.#stamp;
  }
}

function settle(step: Step | undefined, verdict: OperationVerdict | undefined, settled: Settled[]): void {
  if (step === undefined || verdict === undefined) return;
  const { slot, operation } = step;
  settled.push({ slot, operation, verdict, outcome: slot.settle(operation, verdict.errno) });
}
