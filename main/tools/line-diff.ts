/** Lines of context around a change, as in `diff -u`. */
const CONTEXT = 3;
/**
 * Most edits looked for in one go (Myers, "An O(ND) Difference Algorithm", 1986). After that many the best path so far
 * is taken and the search begins anew at its end: time grows with lines x bound, and the result stays a correct diff.
 */
const MOST_EDITS = 200;

/** Like `diff -u`; empty when the texts are equal. */
export function unifiedDiff(before: string, after: string, nameBefore: string, nameAfter: string): string {
  if (before === after) return "";
  const a = linesOf(before);
  const b = linesOf(after);
  const hunks = group(changesOf(a, b)).map((changes) => hunk(changes, a, b));
  return `--- ${nameBefore}\n+++ ${nameAfter}\n${hunks.join("")}`;
}

/** Each line with its LF; a last line without one is told from one that has it. */
const linesOf = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** Lines `fromA`..`toA` of the first text became lines `fromB`..`toB` of the second; from 0, the ends not included. */
interface Change {
  readonly fromA: number;
  readonly toA: number;
  readonly fromB: number;
  readonly toB: number;
}

function changesOf(a: readonly string[], b: readonly string[]): readonly Change[] {
  const { keptA, keptB } = keptLines(a, b);
  const changes: Change[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; i++, j++) {
    const fromA = i;
    const fromB = j;
    while (i < a.length && keptA[i] === 0) i++;
    while (j < b.length && keptB[j] === 0) j++;
    if (i > fromA || j > fromB) changes.push({ fromA, toA: i, fromB, toB: j });
  }
  return changes;
}

/** 1 for each line that stands in both texts; there are equally many in both, in the same order. */
function keptLines(a: readonly string[], b: readonly string[]): { keptA: Uint8Array; keptB: Uint8Array } {
  const keptA = new Uint8Array(a.length);
  const keptB = new Uint8Array(b.length);
  for (let x = 0, y = 0; x < a.length || y < b.length; ) {
    const path = search(a, b, x, y);
    for (const [keptX, keptY] of path.kept) {
      keptA[keptX] = 1;
      keptB[keptY] = 1;
    }
    ({ x, y } = path);
  }
  return { keptA, keptB };
}

interface Path {
  /** Where it ends. */
  readonly x: number;
  readonly y: number;
  /** The pairs of equal lines on it. */
  readonly kept: readonly (readonly [number, number])[];
}

/** A shortest path from (x0, y0) to the end of both, or to the furthest point that MOST_EDITS edits reach. */
function search(a: readonly string[], b: readonly string[], x0: number, y0: number): Path {
  const offset = MOST_EDITS + 1;
  // By diagonal (x - y, relative to the beginning): the furthest x. One copy per number of edits, for the way back.
  const furthest = new Int32Array(2 * offset + 1).fill(-1);
  furthest[offset + 1] = x0;
  const history: Int32Array[] = [];
  let best = { x: x0, y: y0, k: 0 };
  for (let d = 0; d <= MOST_EDITS; d++) {
    history.push(furthest.slice());
    best = { x: -1, y: -1, k: 0 };
    for (let k = -d; k <= d; k += 2) {
      let x = stepTo(furthest, offset, d, k);
      let y = x - x0 - k + y0;
      if (x > a.length || y > b.length) {
        furthest[offset + k] = -1;
        continue;
      }
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++;
        y++;
      }
      furthest[offset + k] = x;
      if (x + y > best.x + best.y || (x + y === best.x + best.y && Math.abs(k) < Math.abs(best.k))) best = { x, y, k };
      if (x === a.length && y === b.length) return wayBack({ x, y, k }, history, x0, y0);
    }
  }
  return wayBack(best, history, x0, y0);
}

/** The x on diagonal `k` after one more edit: a line of `b` inserted (from k + 1) or one of `a` deleted (from k - 1). */
function stepTo(furthest: Int32Array, offset: number, d: number, k: number): number {
  const deleted = furthest[offset + k - 1] ?? -1;
  const inserted = furthest[offset + k + 1] ?? -1;
  if (k === -d || (k !== d && deleted < inserted)) return inserted < 0 ? Number.MAX_SAFE_INTEGER : inserted;
  return deleted < 0 ? Number.MAX_SAFE_INTEGER : deleted + 1;
}

function wayBack(end: { x: number; y: number; k: number }, history: Int32Array[], x0: number, y0: number): Path {
  const offset = MOST_EDITS + 1;
  const kept: [number, number][] = [];
  let { x, k } = end;
  for (let d = history.length - 1; d >= 0; d--) {
    const furthest = history[d] ?? new Int32Array();
    const start = stepTo(furthest, offset, d, k);
    while (x > start) {
      x--;
      kept.push([x, x - x0 - k + y0]);
    }
    if (d === 0) break;
    const deleted = furthest[offset + k - 1] ?? -1;
    const inserted = furthest[offset + k + 1] ?? -1;
    k = k === -d || (k !== d && deleted < inserted) ? k + 1 : k - 1;
    x = furthest[offset + k] ?? x0;
  }
  return { x: end.x, y: end.y, kept };
}

/** Changes whose context touches or overlaps are shown together. */
function group(changes: readonly Change[]): readonly (readonly [Change, ...Change[]])[] {
  const groups: [Change, ...Change[]][] = [];
  for (const change of changes) {
    const current = groups.at(-1);
    const last = current?.at(-1);
    if (current !== undefined && last !== undefined && change.fromA - last.toA <= 2 * CONTEXT) current.push(change);
    else groups.push([change]);
  }
  return groups;
}

function hunk(changes: readonly [Change, ...Change[]], a: readonly string[], b: readonly string[]): string {
  const [first] = changes;
  const last = changes.at(-1) ?? first;
  const before = Math.min(CONTEXT, first.fromA);
  const after = Math.min(CONTEXT, a.length - last.toA);
  const out = [
    header("-", first.fromA - before, last.toA + after),
    header("+", first.fromB - before, last.toB + after),
  ];
  const lines: string[] = [`@@ ${out.join(" ")} @@\n`];
  const show = (sign: string, text: string): number =>
    lines.push(sign + text + (text.endsWith("\n") ? "" : "\n\\ No newline at end of file\n"));
  let at = first.fromA - before;
  for (const { fromA, toA, fromB, toB } of changes) {
    for (const line of a.slice(at, fromA)) show(" ", line);
    for (const line of a.slice(fromA, toA)) show("-", line);
    for (const line of b.slice(fromB, toB)) show("+", line);
    at = toA;
  }
  for (const line of a.slice(at, at + after)) show(" ", line);
  return lines.join("");
}

/** As diff(1) counts: from 1, the count left out when it is 1, and the line before an empty range. */
function header(sign: string, from: number, to: number): string {
  const count = to - from;
  const start = count === 0 ? from : from + 1;
  return count === 1 ? `${sign}${start}` : `${sign}${start},${count}`;
}
