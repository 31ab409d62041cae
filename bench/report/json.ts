import type { Machine } from "../measure/machine.js";
import type { Outcome } from "../scenarios/scenario.js";

/** One scenario of one run, as it is kept: docs/bench.md describes it for other programs. `version` grows when a member changes its meaning. */
export interface Report extends Outcome {
  readonly format: "holdfast-bench";
  readonly version: 1;
  /** Reports of one run belong into one document. */
  readonly run: string;
  readonly scenario: string;
  readonly question: string;
  readonly quick: boolean;
  /** ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  readonly machine: Machine;
}

export const reportText = (report: Report): string => `${JSON.stringify(report, undefined, 2)}\n`;

/** @throws Error naming `file` when it is none of ours */
export function parseReport(text: string, file: string): Report {
  const value: unknown = JSON.parse(text);
  if (!isReport(value)) throw new Error(`${file}: no report of this bench, or of another version`);
  return value;
}

function isReport(value: unknown): value is Report {
  if (typeof value !== "object" || value === null) return false;
  const { format, version, run, scenario, figures, bounds, faults, machine } = value as Partial<
    Record<string, unknown>
  >;
  const lists = [figures, bounds, faults].every(Array.isArray);
  const named = typeof run === "string" && typeof scenario === "string";
  return format === "holdfast-bench" && version === 1 && named && lists && typeof machine === "object";
}
