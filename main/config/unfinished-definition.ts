import type { ExpandedFrom } from "./model.js";

/** After an optional condition. */
export const beginsDefinition = (text: string): boolean => /^(?:@\S*\s+)?\$[A-Za-z_][A-Za-z0-9_]*=/.test(text);

/** A definition of several lines that is being read. */
export class UnfinishedDefinition {
  readonly name: string;
  readonly lines: string[] = [];
  readonly from: ExpandedFrom;
  /** Inputs that are open: it ends with the file (or the definition) that it began in. */
  readonly depth: number;

  constructor(name: string, from: ExpandedFrom, depth: number) {
    this.name = name;
    this.from = from;
    this.depth = depth;
  }

  /**
   * Takes the next line, without comment and outer blanks. keepalived.conf(5): an empty line ends the definition; one of
   * blanks or a comment is passed over. @returns whether it was the last one
   */
  endsWith(text: string, isEmpty: boolean): boolean {
    const more = text.endsWith("\\");
    const line = more ? text.slice(0, -1).trimEnd() : text;
    if (line !== "") this.lines.push(line);
    return isEmpty || (text !== "" && !more);
  }
}
