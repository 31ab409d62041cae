import type { PeerName } from "../peers/peer.js";

/** What every scenario is given. */
export interface RunOptions {
  /** A form of at most 30 s, to see that everything works: its numbers are not to be quoted. */
  readonly quick: boolean;
  readonly peers: ReadonlySet<PeerName>;
  /** One line of progress. */
  readonly say: (line: string) => void;
}

/** A quantity of one subject in one case, once per round. */
export interface Figure {
  readonly case: string;
  readonly subject: string;
  readonly quantity: string;
  readonly unit: string;
  readonly rounds: readonly number[];
}

/** A number of the issue: what is to be reached. Exactly one of `most` and `least` is there. */
export interface Bound {
  readonly what: string;
  readonly unit: string;
  /** Undefined: could not be measured; `missing` says why. */
  readonly value: number | undefined;
  readonly missing?: string;
  readonly most?: number;
  readonly least?: number;
}

/** Quantiles (0 to 1), ascending. */
export interface Distribution {
  readonly case: string;
  readonly subject: string;
  readonly quantity: string;
  readonly unit: string;
  readonly quantiles: readonly (readonly [quantile: number, value: number])[];
}

export interface Outcome {
  /** What it ran with: numbers of servers, open files, threads ... */
  readonly conditions: Readonly<Record<string, string | number>>;
  readonly figures: readonly Figure[];
  readonly bounds: readonly Bound[];
  readonly distributions: readonly Distribution[];
  /** Work that was lost or done wrong. Any of these makes the figures worthless. */
  readonly faults: readonly string[];
}

export interface Scenario {
  readonly name: string;
  /** Answered by the figures. */
  readonly question: string;
  /** Peers that take part when none are chosen. */
  readonly peers: readonly PeerName[];
  /** @throws Error when something that it cannot do without is missing */
  readonly run: (options: RunOptions) => Promise<Outcome>;
}
