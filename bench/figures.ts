import { cpus, release } from "node:os";

/** The middle one; the mean of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
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

/** Those that a distribution is drawn from. */
export const usualQuantiles = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1] as const;

/** Of values in any order: the smallest that is not below a share of `q` of them. Empty for nothing. */
export function quantilesOf(values: readonly number[]): (readonly [quantile: number, value: number])[] {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 0) return [];
  return usualQuantiles.map((q) => [q, sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0]);
}

/** Value of one quantile of a list as `quantilesOf` makes it. */
export const quantile = (
  quantiles: readonly (readonly [quantile: number, value: number])[],
  q: number,
): number | undefined => quantiles.find(([at]) => at === q)?.[1];

/** As many digits as a reader can use: 0.123, 1.23, 12.3, 1,234. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}
