import type { Bound, Outcome } from "../scenarios/scenario.js";

export type Verdict = "reached" | "not reached" | "not measured";

export function verdictOf({ value, most, least }: Bound): Verdict {
  if (value === undefined || Number.isNaN(value)) return "not measured";
  if (most !== undefined && value > most) return "not reached";
  return least !== undefined && value < least ? "not reached" : "reached";
}

/** `<= 1.15`. */
export const limitText = ({ most, least }: Bound): string => (most !== undefined ? `<= ${most}` : `>= ${least ?? "?"}`);

/** What makes a run fail, in sentences; empty: nothing. A number that could not be measured is no failure of what was. */
export function complaints(outcome: Outcome): {
  readonly faults: readonly string[];
  readonly missed: readonly string[];
} {
  const missed = outcome.bounds
    .filter((bound) => verdictOf(bound) === "not reached")
    .map((bound) => `${bound.what}: ${bound.value?.toPrecision(3)} ${bound.unit}, to be ${limitText(bound)}`);
  return { faults: outcome.faults, missed };
}

/** Undefined unless both were measured. */
export function ratio(value: number | undefined, reference: number | undefined): number | undefined {
  return value === undefined || reference === undefined || reference === 0 ? undefined : value / reference;
}
