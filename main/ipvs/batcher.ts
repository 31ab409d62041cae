import type { Clock } from "../clock.js";
import { nextTurn, pieceOfTurn } from "../turn.js";
import type { IpvsBackend } from "./backend.js";
import type { Operation, OperationVerdict, Outcome } from "./operation.js";
import type { Slot } from "./slot.js";
import type { ServiceEntry } from "./table.js";

/** What one request to the kernel should take, ms: the call returns when the kernel has done all of it. */
const REQUEST_MS = 0.5;
/** Also where a request is slow, as in a virtual machine: there a turn of the loop is slow, too. */
const SMALLEST_CHUNK = 128;
const LARGEST_CHUNK = 256;
/** Per operation, before the first measurement. */
const ASSUMED_MS = 0.008;
/** Weight of the newest measurement: a clock that moves in steps of 10 ms must not make the portions jump. */
const NEWEST = 0.1;
/** Entries after which the clock is worth a look: in a virtual machine that may be a system call. */
export const ENTRIES_PER_LOOK = 256;

/** Keeps long work from holding the loop. */
export class TurnBudget {
  readonly #clock: Clock;
  #since: number;
  #entries = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Gives the loop a turn when this one has lasted long enough. */
  async breathe(): Promise<void> {
    this.#entries = 0;
    if (this.#clock.now() - this.#since >= pieceOfTurn().ms) await this.pause();
  }

  /** Gives it one in any case. */
  async pause(): Promise<void> {
    await nextTurn();
    this.#since = this.#clock.now();
  }

  /** Counts small work. @returns true when it is time to `breathe` */
  worked(entries: number): boolean {
    this.#entries += entries;
    return this.#entries >= ENTRIES_PER_LOOK;
  }

  /** The loop has had a turn, as something was waited for; this one began at `since`. */
  renew(since: number): void {
    this.#since = since;
    this.#entries = 0;
  }
}

/** Operations on one slot, in order. */
export interface Run {
  readonly slot: Slot;
  readonly operations: readonly Operation[];
  /** What the operations make from nothing, if that is what they do. */
  readonly creates?: ServiceEntry | undefined;
}

export interface Settled {
  readonly slot: Slot;
  readonly operation: Operation;
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
  async apply(runs: readonly Run[], budget: TurnBudget): Promise<Settled[]> {
    const noteworthy: Settled[] = [];
    const queue = new RunQueue(runs);
    for (let pieces = queue.take(this.#portion()); pieces.length > 0; pieces = queue.take(this.#portion())) {
      this.#stamp += 1;
      for (const { progress } of pieces) progress.run.slot.touched = Number.POSITIVE_INFINITY;
      const verdicts = await this.#send(operationsOf(pieces), budget);
      await budget.pause(); // others may be at work in the turn in which the answer came
      this.#stamp += 1;
      settle(pieces, verdicts, noteworthy);
      for (const { progress, to } of pieces)
        if (to === progress.run.operations.length) progress.run.slot.touched = this.#stamp;
      await budget.breathe();
    }
    return noteworthy;
  }

  #portion(): number {
    const fitting = Math.floor(REQUEST_MS / Math.max(this.#cost, REQUEST_MS / LARGEST_CHUNK));
    return Math.max(SMALLEST_CHUNK, fitting);
  }

  /** The answer comes in a later turn of the loop. */
  #send(operations: readonly Operation[], budget: TurnBudget): Promise<readonly OperationVerdict[]> {
    const before = this.#clock.now();
    budget.renew(before);
    const verdicts = this.#backend.apply(operations);
    const cost = (this.#clock.now() - before) / operations.length;
    this.#cost += (cost - this.#cost) * NEWEST * Math.min(1, operations.length / SMALLEST_CHUNK);
    return verdicts;
  }
}

interface Progress {
  readonly run: Run;
  /** Operations whose verdicts the slot has taken over one by one. */
  settled: number;
}

/** The operations of a run that go into one portion. */
interface Piece {
  readonly progress: Progress;
  readonly from: number;
  readonly to: number;
}

class RunQueue {
  readonly #waiting: Progress[];
  #next = 0;
  #sentOfNext = 0;

  constructor(runs: readonly Run[]) {
    this.#waiting = runs.map((run) => ({ run, settled: 0 }));
  }

  /** The next operations, `count` of them while there are so many. */
  take(count: number): Piece[] {
    const pieces: Piece[] = [];
    for (let left = count; left > 0; ) {
      const progress = this.#waiting[this.#next];
      if (progress === undefined) break;
      const from = this.#sentOfNext;
      const to = Math.min(from + left, progress.run.operations.length);
      pieces.push({ progress, from, to });
      left -= to - from;
      const isWhole = to === progress.run.operations.length;
      this.#sentOfNext = isWhole ? 0 : to;
      if (isWhole) this.#next += 1;
    }
    return pieces;
  }
}

const operationsOf = (pieces: readonly Piece[]): readonly Operation[] =>
  pieces.flatMap(({ progress, from, to }) => progress.run.operations.slice(from, to));

function settle(pieces: readonly Piece[], verdicts: readonly OperationVerdict[], noteworthy: Settled[]): void {
  let at = 0;
  for (const piece of pieces) {
    const count = piece.to - piece.from;
    settlePiece(piece, verdicts.slice(at, at + count), noteworthy);
    at += count;
  }
}

const DONE: OperationVerdict = { errno: 0, reason: "" };
const isDone = ({ errno }: OperationVerdict): boolean => errno === 0;

/** A service that is made from nothing is settled at the end and as a whole; one by one from the first refusal on. */
function settlePiece(
  { progress, from, to }: Piece,
  verdicts: readonly OperationVerdict[],
  noteworthy: Settled[],
): void {
  const { slot, operations, creates } = progress.run;
  if (creates !== undefined && progress.settled === 0 && slot.failing.size === 0 && verdicts.every(isDone)) {
    if (to === operations.length) slot.created(creates);
    return;
  }
  for (; progress.settled < to; progress.settled++) {
    const operation = operations[progress.settled];
    const verdict = progress.settled < from ? DONE : verdicts[progress.settled - from];
    if (operation === undefined || verdict === undefined) continue;
    const outcome = slot.settle(operation, verdict.errno);
    if (verdict.errno !== 0 || slot.failing.size > 0) noteworthy.push({ slot, operation, verdict, outcome });
  }
}
