import type { Snapshot } from "./snapshot.js";
import type { Step } from "./story.js";

/** A set of machines to play on. Disposing removes every trace. */
export interface Stage extends AsyncDisposable {
  readonly steps: readonly Step[];
  snapshot(): Promise<Snapshot>;
  /** What the daemons said; for the reader of a failure. */
  logs(): Promise<string>;
  /** Before a viewer is left alone with it: everything runs again. */
  restore(): Promise<void>;
}

export const took = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
