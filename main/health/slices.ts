import { setImmediate } from "node:timers/promises";

/** The main thread's rule: longer work than this waits for the next loop turn, adverts first. */
const budgetMs = 2;

/**
 * Runs `steps` to the end, as much per loop turn as fits into 2 ms. One step must be short; between two of them anything may
 * happen to the process, so a step leaves its data consistent. What fits is done before the first await.
 */
export async function inSlices(steps: Iterator<void>): Promise<void> {
  for (;;) {
    const until = performance.now() + budgetMs;
    do {
      if (steps.next().done === true) return;
    } while (performance.now() < until);
    await setImmediate();
  }
}
