import type { Milliseconds } from "../units.js";

/** Node's timers hold 31 bits of milliseconds. */
const LONGEST_MS = 0x7fff_ffff;

/** @returns false when `work` goes on after `limit`; without a limit it is waited for. What it throws is thrown. */
export async function endsWithin(work: Promise<void>, limit: Milliseconds | undefined): Promise<boolean> {
  if (limit === undefined) return work.then(() => true);
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(limit, LONGEST_MS));
  });
  try {
    return await Promise.race([work.then(() => true as const), over]);
  } finally {
    clearTimeout(timer);
  }
}
