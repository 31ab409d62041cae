import { DaemonError } from "../errors.js";

/** Resolves with `work`, or as soon as `signal` says that nobody waits for it any more. */
export function unlessAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  return Promise.race([work, aborted]);
}

/**
 * Carries out the parts in their order, each whatever became of those before it. @returns why some were refused
 * @throws anything that is no DaemonError: a bug
 */
export async function refusalsOf(parts: readonly (() => Promise<void>)[]): Promise<readonly DaemonError[]> {
  const refusals: DaemonError[] = [];
  for (const part of parts) {
    try {
      await part();
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      refusals.push(error);
    }
  }
  return refusals;
}
