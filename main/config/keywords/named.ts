import type { SourcePosition } from "../model.js";

/** A name or number of iproute2, looked up when all files are read. */
export interface Named {
  readonly text: string;
  readonly at: SourcePosition;
}

export const named = (text: string, at: SourcePosition): Named => ({ text, at });
