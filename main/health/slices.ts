import { nextTurn, pieceOfTurn } from "../turn.js";

/**
 * Runs `steps` to the end, as much per loop turn as its piece of it allows (turn.ts; `firstMs`: at least that in the first). One step must be short; between two of them anything may
 * happen to the process, so a step leaves its data consistent. What fits is done before the first await.
 */
export async function inSlices(steps: Iterator<unknown>, firstMs = 0): Promise<void> {
  for (let least = firstMs; ; least = 0) {
    const { ms, stepsPerLook } = pieceOfTurn();
    const until = performance.now() + Math.max(ms, least);
    do {
      for (let step = 0; step < stepsPerLook; step++) if (steps.next().done === true) return;
    } while (performance.now() < until);
    await nextTurn();
  }
}
