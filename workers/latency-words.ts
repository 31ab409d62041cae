/**
 * Counts of latencies as they cross the threads: section by section `owner, phase, n` and n pairs (bucket, count). The owner is a
 * kind of check (`latencyKinds`), or with the highest bit set a virtual server's group. Buckets are HdrHistogram's for 1 µs to
 * 600 s with two digits.
 */
const GROUP = 0x8000_0000;

export interface LatencySection {
  /** Index into `latencyKinds`, or `groupOwner(group)`. */
  readonly owner: number;
  /** Index into `latencyPhases`. */
  readonly phase: number;
  /** A view. */
  readonly pairs: Uint32Array<ArrayBuffer>;
  /** The whole section as words, a view. */
  readonly words: Uint32Array<ArrayBuffer>;
}

export const groupOwner = (group: number): number => (GROUP | group) >>> 0;

/** Undefined: the owner is a kind of check. */
export const groupOfOwner = (owner: number): number | undefined => (owner < GROUP ? undefined : owner - GROUP);

/** @throws RangeError on a torn section: the two sides disagree */
export function* latencySections(words: Uint32Array<ArrayBuffer>): Generator<LatencySection> {
  for (let at = 0; at < words.length; ) {
    const [owner = 0, phase = 0, n = 0] = words.subarray(at, at + 3);
    const end = at + 3 + 2 * n;
    if (end > words.length) throw new RangeError(`torn latencies: section of ${n} pairs at word ${at}`);
    yield { owner, phase, pairs: words.subarray(at + 3, end), words: words.subarray(at, end) };
    at = end;
  }
}

/** Only what is asked for: all kinds, and of the groups this one. */
export function selectLatencies(words: Uint32Array<ArrayBuffer>, group: number): Uint32Array<ArrayBuffer> {
  const wanted = [...latencySections(words)].filter(({ owner }) => owner < GROUP || owner === groupOwner(group));
  const selected = new Uint32Array(wanted.reduce((sum, section) => sum + section.words.length, 0));
  let at = 0;
  for (const section of wanted) {
    selected.set(section.words, at);
    at += section.words.length;
  }
  return selected;
}
