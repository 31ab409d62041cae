import { setImmediate } from "node:timers/promises";

/**
 * Longer work than this waits for the next loop turn, adverts first. Several may be at it in one turn (health, the pool of checks,
 * the table), and together with a collection of garbage they are to stay below 5 ms.
 */
const budgetMs = 0.4;
/** What is short is done at once. */
const firstMs = 1;

/**
 * Runs `steps` to the end, as much per loop turn as fits into 0.4 ms, 1 ms in the first. One step must be short; between two of
 * them anything may
 * happen to the process, so a step leaves its data consistent. What fits is done before the first await.
 */
export async function inSlices(steps: Iterator<void>): Promise<void> {
  for (let budget = firstMs; ; budget = budgetMs) {
    const until = performance.now() + budget;
    do {
      if (steps.next().done === true) return;
    } while (performance.now() < until);
    await setImmediate();
  }
}
