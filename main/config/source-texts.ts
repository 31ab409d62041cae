import type { SourcePosition } from "./model.js";

/** The files that were read, to quote their lines and to say who included them. Nothing is split before somebody asks. */
export class SourceTexts {
  readonly #sources = new Map<string, Source>();

  /** In the order of reading; a file that is included again is added again. */
  add(file: string, text: string, includedFrom: SourcePosition | undefined): void {
    const known = this.#sources.get(file);
    if (known === undefined) {
      const rank = this.#sources.size;
      this.#sources.set(file, { text, includedFrom, others: 0, rank, cursor: { line: 1, offset: 0 } });
    } else if (includedFrom !== undefined) known.others++;
  }

  /** Place in the order of reading; files that were never added come last. */
  rank(file: string): number {
    return this.#sources.get(file)?.rank ?? this.#sources.size;
  }

  /** Where the file was first included, and in how many more places. */
  includer(file: string): { readonly at: SourcePosition; readonly others: number } | undefined {
    const { includedFrom, others } = this.#sources.get(file) ?? { includedFrom: undefined, others: 0 };
    return includedFrom === undefined ? undefined : { at: includedFrom, others };
  }

  /** `number` counts from 1. Going through a file from above to below costs its length once. */
  line(file: string, number: number): string | undefined {
    const source = this.#sources.get(file);
    if (source === undefined) return undefined;
    let { line, offset } = number < source.cursor.line ? { line: 1, offset: 0 } : source.cursor;
    while (line < number) {
      const end = source.text.indexOf("\n", offset);
      if (end === -1) return undefined;
      offset = end + 1;
      line++;
    }
    source.cursor = { line, offset };
    const end = source.text.indexOf("\n", offset);
    return source.text.slice(offset, end === -1 ? undefined : end).trimEnd();
  }

  *texts(): Generator<string> {
    for (const { text } of this.#sources.values()) yield text;
  }
}

interface Source {
  readonly text: string;
  readonly includedFrom: SourcePosition | undefined;
  /** How often it was included besides. */
  others: number;
  readonly rank: number;
  /** The line that was asked for last, and where it begins. */
  cursor: { readonly line: number; readonly offset: number };
}
