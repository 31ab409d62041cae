import { nextTurn } from "../turn.js";

/**
 * Longer work than this waits for a turn of the loop of its own (turn.ts), adverts first: with what else is in a turn, and a
 * collection of garbage, it is to stay below 5 ms.
 */
const budgetMs = 0.4;

/**
 * Runs `steps` to the end, as much per loop turn as fits into 0.4 ms (`firstMs`: in the first). One step must be short; between two of them anything may
 * happen to the process, so a step leaves its data consistent. What fits is done before the first await.
 */
export async function inSlices(steps: Iterator<void>, firstMs = budgetMs): Promise<void> {
  for (let budget = firstMs; ; budget = budgetMs) {
    const until = performance.now() + budget;
    do {
      if (steps.next().done === true) return;
    } while (performance.now() < until);
    await nextTurn();
  }
}
