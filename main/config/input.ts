import type { IncludeCheck } from "./include-control.js";
import type { Place } from "./place.js";
import type { Repetition } from "./repetition.js";
import type { SourceFile } from "./source-file.js";

/** What lines come from. A stack of these is what is still to be read. */
export type Input =
  | FileInput
  | IncludesInput
  /** The second and later lines of a definition; `place` is where it was used. */
  | { readonly kind: "definition"; readonly lines: readonly string[]; next: number; readonly place: Place }
  | { readonly kind: "repetition"; readonly repetition: Repetition; readonly place: Place };

export interface FileInput {
  readonly kind: "file";
  readonly file: SourceFile;
  /** Of the next line. */
  offset: number;
  line: number;
  /** What holds again when the file ends. */
  readonly checksBefore: ReadonlySet<IncludeCheck>;
}

/** The files of one include. */
export interface IncludesInput {
  readonly kind: "includes";
  readonly files: readonly string[];
  next: number;
  readonly checks: ReadonlySet<IncludeCheck>;
  readonly place: Place;
}
