import { setTimeout as sleep } from "node:timers/promises";
import { type Milliseconds, ms } from "../../main/units.js";

/**
 * Polls `condition` every `every` ms (default 5) until it holds. @returns the time it took
 * @throws Error naming `what` after `within` ms
 */
export async function until(
  what: string,
  within: number,
  condition: () => boolean | Promise<boolean>,
  every = 5,
): Promise<Milliseconds> {
  const start = performance.now();
  for (;;) {
    if (await condition()) return ms(performance.now() - start);
    if (performance.now() - start > within) throw new Error(`${what}: not within ${within} ms`);
    await sleep(every);
  }
}

/**
 * Polls `condition` for `period` ms. @throws Error naming `what` as soon as it does not hold. What a look finds that took until the
 * period was over says nothing of the period.
 */
export async function stays(
  what: string,
  period: number,
  condition: () => boolean | Promise<boolean>,
  every = 20,
): Promise<void> {
  const start = performance.now();
  while (performance.now() - start < period) {
    const holds = await condition();
    const passed = performance.now() - start;
    if (!holds && passed < period) throw new Error(`${what}: no longer so after ${passed.toFixed(0)} ms`);
    await sleep(every);
  }
}
