import { cpus, release } from "node:os";

/** The middle one; the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? 0) + (sorted[Math.floor(half)] ?? 0)) / 2;
}

/** `least..greatest`. */
export const spread = (values: readonly number[], decimals: number): string =>
  `${Math.min(...values).toFixed(decimals)}..${Math.max(...values).toFixed(decimals)}`;

/** What the figures were measured on. */
export const environment = (): string =>
  `${cpus()[0]?.model.trim()} x ${cpus().length}, Linux ${release()}, Node ${process.version}`;
