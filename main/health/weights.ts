import type { ServerCheckConfig } from "../config/model-checks.js";

/** What IPVS takes. */
const HEAVIEST = 0x7fff_ffff;

/** By checker, what each adds to the weight that is configured; absent where none adds anything. */
export type WeightDeltas = readonly number[];

/** Configured and what the checkers add, from sums that are made anew each time: nothing drifts. */
export function effectiveWeight(configured: number, deltas: WeightDeltas | undefined): number {
  if (deltas === undefined) return configured;
  const sum = deltas.reduce((total, delta) => total + delta, configured);
  return Math.min(HEAVIEST, Math.max(0, sum));
}

/** Only these have something to say about weights. */
export const setsWeight = (check: ServerCheckConfig): boolean =>
  check.type === "FILE_CHECK" || (check.type === "MISC_CHECK" && check.dynamic);

/**
 * What a check adds to the weight of its server (keepalived.conf(5), misc_dynamic, FILE_CHECK).
 * @param value what it said last: the exit status of a program; the number of a file, times its weight
 */
export function weightDelta(check: ServerCheckConfig, value: number | undefined, configured: number): number {
  if (value === undefined || !setsWeight(check)) return 0;
  if (check.type === "FILE_CHECK") return value;
  return value < 2 ? 0 : value - 2 - configured;
}

/** @returns absent when all are 0: nearly all servers are so, and share their states */
export function withDelta(
  deltas: WeightDeltas | undefined,
  checkers: number,
  checker: number,
  delta: number,
): WeightDeltas | undefined {
  if ((deltas?.[checker] ?? 0) === delta) return deltas;
  return someDeltas((deltas ?? new Array<number>(checkers).fill(0)).with(checker, delta));
}

export const someDeltas = (deltas: WeightDeltas): WeightDeltas | undefined =>
  deltas.some((delta) => delta !== 0) ? deltas : undefined;
