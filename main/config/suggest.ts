/** The candidate that `word` was probably meant to be, or undefined when none is near enough. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const steps = suggesting(word, candidates);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** The same, a candidate at a time: for whoever has thousands of them, and little time. */
export function* suggesting(word: string, candidates: Iterable<string>): Generator<void, string | undefined> {
  if (word.length > 40) return undefined;
  // A third of the letters may be wrong: `prioriy` and `virtual_ip_address` are found, `foo` does not become `retry`.
  let best: { name: string; distance: number } | undefined;
  const limit = word.length < 3 ? 0 : Math.floor(word.length / 3);
  for (const name of candidates) {
    yield;
    if (Math.abs(name.length - word.length) > limit) continue; // so many letters at least are too many or missing
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** `did you mean 'X'?`, or undefined. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  return asQuestion(suggest(word, candidates));
}

export const asQuestion = (name: string | undefined): string | undefined =>
  name === undefined ? undefined : `did you mean '${name}'?`;

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforePrevious[j - 2] ?? cost) + 1);
      row.push(cost);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
