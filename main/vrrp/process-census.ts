import { matches, type ProcessFacts, type ProcessPattern } from "./process-match.js";

/** Which processes match which patterns, and how many. Pure but for `facts`, which reads /proc; tests fake it. */
export class ProcessCensus {
  readonly #patterns: readonly ProcessPattern[];
  readonly #facts: (pid: number) => ProcessFacts | undefined;
  /** Indices of the patterns that a process matches; processes that match none are left out. */
  readonly #matching = new Map<number, readonly number[]>();
  readonly #counts: number[];

  constructor(patterns: readonly ProcessPattern[], facts: (pid: number) => ProcessFacts | undefined) {
    this.#patterns = patterns;
    this.#facts = facts;
    this.#counts = patterns.map(() => 0);
  }

  /** By pattern. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  /** Matches a pattern, as far as is known. */
  has(pid: number): boolean {
    return this.#matching.has(pid);
  }

  /** Looks at all processes. */
  take(pids: Iterable<number>): void {
    const alive = new Set(pids);
    for (const pid of this.#matching.keys()) if (!alive.has(pid)) this.gone(pid);
    for (const pid of alive) this.changed(pid);
  }

  /** A child is what its parent is, until it runs something else. */
  forked(parent: number, pid: number): void {
    this.#set(pid, this.#matching.get(parent) ?? []);
  }

  changed(pid: number): void {
    const facts = this.#facts(pid);
    const which = this.#patterns.flatMap((pattern, i) => (facts !== undefined && matches(pattern, facts) ? [i] : []));
    this.#set(pid, which);
  }

  gone(pid: number): void {
    this.#set(pid, []);
  }

  #set(pid: number, which: readonly number[]): void {
    for (const i of this.#matching.get(pid) ?? []) this.#counts[i] = (this.#counts[i] ?? 0) - 1;
    for (const i of which) this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    if (which.length === 0) this.#matching.delete(pid);
    else this.#matching.set(pid, which);
  }
}
