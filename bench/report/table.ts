import { median, readable } from "../figures.js";
import type { Bound, Distribution, Figure, Outcome } from "../scenarios/scenario.js";
import { limitText, verdictOf } from "./verdict.js";

/** Columns as wide as their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const numeric = head.map((_, i) => rows.length > 0 && rows.every((row) => /^[-\d.,% ]*$/.test(row[i] ?? "")));
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, i) => (numeric[i] === true ? (cells[i] ?? "").padStart(width) : (cells[i] ?? "").padEnd(width)))
      .join("  ")
      .trimEnd();
  return [head, ...rows].map(line).join("\n");
}

export const figureHead = ["case", "subject", "quantity", "median", "least", "most", "unit"] as const;

export function figureRow({ case: of, subject, quantity, unit, rounds }: Figure): string[] {
  const values = [median(rounds), Math.min(...rounds), Math.max(...rounds)];
  return [of, subject, quantity, ...values.map(readable), unit];
}

export const boundHead = ["to reach", "measured", "limit", "unit", ""] as const;

export function boundRow(bound: Bound): string[] {
  const { what, value, unit, missing } = bound;
  const measured = value === undefined ? "-" : readable(value);
  const verdict = verdictOf(bound) + (missing === undefined ? "" : ` (${missing})`);
  return [what, measured, limitText(bound), unit, verdict];
}

const BAR = 40;

/** Quantiles as bars on a logarithmic scale that all subjects of a quantity share. */
export function drawing(distributions: readonly Distribution[]): string {
  const values = distributions.flatMap(({ quantiles }) => quantiles.map(([, value]) => value)).filter((v) => v > 0);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const length = (value: number): number =>
    value <= 0 || most <= least ? 0 : Math.round((BAR * Math.log(value / least)) / Math.log(most / least));
  return distributions
    .map(({ case: of, subject, quantity, unit, quantiles }) => {
      const lines = quantiles.map(
        ([q, value]) => `  ${quantileName(q).padStart(7)} ${readable(value).padStart(9)} ${"#".repeat(length(value))}`,
      );
      return [`${of}, ${subject}: ${quantity}, ${unit}`, ...lines].join("\n");
    })
    .join("\n\n");
}

export const quantileName = (q: number): string =>
  q === 0 ? "min" : q === 1 ? "max" : `p${Number((q * 100).toFixed(4))}`;

/** Everything that a run prints, except its drawings. */
export function outcomeText(outcome: Outcome): string {
  const conditions = Object.entries(outcome.conditions).map(([name, value]) => `${name}: ${value}`);
  return [
    conditions.join("\n"),
    table(figureHead, outcome.figures.map(figureRow)),
    ...(outcome.bounds.length === 0 ? [] : [table(boundHead, outcome.bounds.map(boundRow))]),
  ].join("\n\n");
}

/** Distributions that belong on one scale, in their order. */
export function byQuantity(distributions: readonly Distribution[]): (readonly [title: string, Distribution[]])[] {
  const groups = new Map<string, Distribution[]>();
  for (const distribution of distributions) {
    const title = `${distribution.case}: ${distribution.quantity}`;
    const group = groups.get(title);
    if (group === undefined) groups.set(title, [distribution]);
    else group.push(distribution);
  }
  return [...groups];
}
