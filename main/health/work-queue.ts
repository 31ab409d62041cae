import { inSlices } from "./slices.js";

type Work = () => Iterator<void>;

/** A few edges are handled at once. */
const FIRST_MS = 1;

/** Work of the main thread, strictly in order, never longer than a slice per loop turn. */
export class WorkQueue {
  #waiting: Work[] = [];
  #runner: "idle" | "running" = "idle";

  /** Begins at once when nothing else is under way. */
  add(work: Work): void {
    this.#waiting.push(work);
    if (this.#runner === "idle") void inSlices(this.#drain(), FIRST_MS); // a rejection is a bug and stops the process as one
  }

  /** The same; resolves when `work` is done. */
  run(work: Work): Promise<void> {
    return new Promise((resolve) => {
      this.add(function* () {
        yield* all(work());
        resolve();
      });
    });
  }

  *#drain(): Generator<void> {
    this.#runner = "running";
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (const work of batch) yield* all(work());
    }
    this.#runner = "idle";
  }
}

function* all(steps: Iterator<void>): Generator<void> {
  while (steps.next().done !== true) yield;
}
