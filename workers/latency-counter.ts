import type { Milliseconds } from "../main/units.js";
import { groupOwner } from "./latency-words.js";
import { type AskedGroup, type LatencyPhase, latencyPhases } from "./protocol.js";

type Buckets = Map<number, number>;

const LONGEST_US = 600_000_000;
/** Buckets per doubling, as an exponent of two. */
const HALF_BITS = 7;

/** The bucket of HdrHistogram (two digits, from 1 µs) that a value falls into. */
export function bucketOf(us: number): number {
  const value = Math.min(Math.round(us), LONGEST_US);
  const shift = Math.max(0, 31 - Math.clz32(value) - HALF_BITS);
  return (shift << HALF_BITS) + (value >> shift);
}

/** Groups without a check whose counts are kept all the same: a reload takes the checks of one away, and then gives it others. */
const MOST_UNUSED = 64;

/** Latencies of what the probe engine does not do, counted as it counts. `kind`: index into `latencyKinds`. */
export class LatencyCounter {
  readonly #kind: number;
  readonly #byOwner = new Map<number, Map<number, Buckets>>();

  /** How many checks each group has. */
  readonly #users = new Map<number, number>();

  constructor(kind: number) {
    this.#kind = kind;
  }

  count(groups: readonly number[], phase: LatencyPhase, time: Milliseconds): void {
    const bucket = bucketOf(Math.max(0, time * 1000));
    const number = latencyPhases.indexOf(phase);
    this.#add(this.#kind, number, bucket);
    for (const group of groups) this.#add(groupOwner(group), number, bucket);
  }

  /** A check has other groups than before; empty: it has come, or goes. What was counted for groups without a check is dropped in time. */
  regroup(before: readonly number[], after: readonly number[]): void {
    for (const group of after) this.#users.set(group, (this.#users.get(group) ?? 0) + 1);
    for (const group of before) {
      const users = (this.#users.get(group) ?? 1) - 1;
      if (users > 0) this.#users.set(group, users);
      else this.#users.delete(group);
    }
    if (this.#byOwner.size > 2 * this.#users.size + MOST_UNUSED) this.#sweep();
  }

  #sweep(): void {
    const used = new Set([this.#kind, ...Array.from(this.#users.keys(), groupOwner)]);
    for (const owner of this.#byOwner.keys()) if (!used.has(owner)) this.#byOwner.delete(owner);
  }

  /** See latency-words.ts. */
  words(group: AskedGroup): number[] {
    const out: number[] = [];
    for (const [owner, phases] of this.#byOwner) {
      const isAsked = group === "all" || (group !== undefined && owner === groupOwner(group));
      if (owner !== this.#kind && !isAsked) continue;
      for (const [phase, buckets] of phases) out.push(owner, phase, buckets.size, ...[...buckets].flat());
    }
    return out;
  }

  #add(owner: number, phase: number, bucket: number): void {
    let phases = this.#byOwner.get(owner);
    if (phases === undefined) this.#byOwner.set(owner, (phases = new Map()));
    let buckets = phases.get(phase);
    if (buckets === undefined) phases.set(phase, (buckets = new Map()));
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
  }
}
