import type { MarkedProcess } from "./process-family.js";

export interface HuntHost {
  /** A process per step. */
  readonly markedProcesses: () => Iterable<MarkedProcess | undefined>;
  readonly nextTurn: (fn: () => void) => void;
}

/** A look at a process is two or three small files of /proc. */
const PROCESSES_PER_TURN = 16;
/** What is found may have started more meanwhile, and what hangs in the kernel is found again and again. */
const MOST_ROUNDS = 3;

interface Quarry {
  readonly onFound: (process: MarkedProcess) => void;
  rounds: number;
}

/**
 * Finds what a program has started and left behind: in a session of its own, with parents that have ended, so that nothing else leads
 * from one to the other. One search of all processes is for all runs that ask for one; a part of it per turn of the loop.
 */
export class StrayHunt implements Disposable {
  readonly #host: HuntHost;
  #wanted = new Map<string, Quarry>();
  #phase: "idle" | "hunting" | "ended" = "idle";

  constructor(host: HuntHost) {
    this.#host = host;
  }

  /** From a later turn of the loop on; of two calls for one mark, before that, the second counts. */
  want(mark: string, onFound: (process: MarkedProcess) => void): void {
    this.#wanted.set(mark, { onFound, rounds: 0 });
    this.#begin();
  }

  [Symbol.dispose](): void {
    this.#phase = "ended";
  }

  #begin(): void {
    if (this.#phase !== "idle" || this.#wanted.size === 0) return;
    this.#phase = "hunting";
    this.#host.nextTurn(() => {
      const quarries = this.#wanted;
      this.#wanted = new Map();
      this.#search(this.#host.markedProcesses()[Symbol.iterator](), quarries, new Set());
    });
  }

  #search(
    processes: Iterator<MarkedProcess | undefined>,
    quarries: ReadonlyMap<string, Quarry>,
    met: Set<string>,
  ): void {
    for (let looked = 0; looked < PROCESSES_PER_TURN; looked++) {
      if (this.#phase === "ended") return;
      const { value, done } = processes.next();
      if (done === true) {
        this.#end(quarries, met);
        return;
      }
      const quarry = value && quarries.get(value.mark);
      if (value === undefined || quarry === undefined) continue;
      met.add(value.mark);
      quarry.onFound(value);
    }
    this.#host.nextTurn(() => this.#search(processes, quarries, met));
  }

  #end(quarries: ReadonlyMap<string, Quarry>, met: ReadonlySet<string>): void {
    for (const mark of met) {
      const quarry = quarries.get(mark);
      if (quarry === undefined || this.#wanted.has(mark) || ++quarry.rounds === MOST_ROUNDS) continue;
      this.#wanted.set(mark, quarry);
    }
    this.#phase = "idle";
    this.#begin();
  }
}
