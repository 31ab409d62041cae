import { explain } from "../config/explain/explain.js";
import type { Scope } from "../config/keyword.js";
import { kindInStatement, type NamedPlace } from "./names.js";
import { type Outline, walkOutline } from "./outline.js";
import { scopeOf } from "./place.js";

/** The word under the cursor with the statement around it. */
export interface Found {
  readonly text: string;
  readonly index: number;
  readonly words: readonly string[];
  readonly path: readonly string[];
  readonly line: number;
  readonly column: number;
}

/** `line` and `column` count from 1. */
export function wordAt(outline: Outline, line: number, column: number): Found | undefined {
  for (const { node, path } of walkOutline(outline.nodes)) {
    if (node.line !== line) continue;
    const words = node.words.map(({ text }) => text);
    for (const [index, { text, at }] of node.words.entries()) {
      if (column < at.column || column > at.column + text.length) continue;
      return { text, index, words, path, line, column: at.column };
    }
  }
  return undefined;
}

/** `$NAME` or `${NAME}` around the cursor in the text of its line. */
export function definitionUsedAt(lineText: string, column: number): string | undefined {
  for (const match of lineText.matchAll(/\$(?:\{([A-Za-z_]\w*)[^{}]*\}|([A-Za-z_]\w*))/g)) {
    const start = match.index + 1;
    if (column >= start && column <= start + match[0].length) return match[1] ?? match[2];
  }
  return undefined;
}

/** What a hover shows for the word: the keyword of this very place, or what the name stands for. */
export function hoverText(root: Scope<never>, found: Found, known: readonly NamedPlace[]): string | undefined {
  const declared = declarationOf(found, known);
  if (declared !== undefined) return `${declared.kind} ${declared.name}, ${declared.file} line ${declared.line}`;
  const scope = scopeOf(root, found.path);
  if (found.index === 0 && scope !== undefined && Object.hasOwn(scope.keywords, found.text)) {
    const keyword = scope.keywords[found.text];
    // Only this place: a keyword of the same name elsewhere would be beside the point.
    return keyword && explain({ name: scope.name, keywords: { [found.text]: keyword } }, found.text, found.path);
  }
  const first = found.words[0];
  if (scope === undefined || first === undefined || !Object.hasOwn(scope.keywords, first)) return undefined;
  const keyword = scope.keywords[first];
  return keyword && explain({ name: "", keywords: { [first]: keyword } }, found.text, found.path);
}

/** Where the thing that the word names is declared. */
export function declarationOf(found: Found, known: readonly NamedPlace[]): NamedPlace | undefined {
  const kind = kindInStatement(found.path, found.words, found.index);
  return kind === undefined ? undefined : known.find((one) => one.kind === kind && one.name === found.text);
}
