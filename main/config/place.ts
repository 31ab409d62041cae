import type { ExpandedFrom, SourcePosition } from "./model.js";
import type { SourceFile } from "./source-file.js";

/** Where a line of text stands, or, when definitions and repetitions made it, where those were used. */
export interface Place {
  readonly file: SourceFile;
  readonly line: number;
  /** In the file's text: where the line begins, without blanks and condition. */
  readonly offset: number;
  /** Outermost first; empty for a line that stands in the file as it is. */
  readonly from: readonly ExpandedFrom[];
}

export function useOf({ file, line, offset, from }: Place): SourcePosition {
  const at = file.positionOf(line, offset);
  return from.length === 0 ? at : { file: at.file, line: at.line, column: at.column, from };
}

export const directoryOf = ({ file }: Place): string => file.directory;
