import type { LatencyPhase } from "../../workers/protocol.js";

/** In microseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

type Pairs = Uint32Array<ArrayBuffer>;

/**
 * Latencies of many virtual servers as the threads sent them: pairs of bucket and count. Nothing is made of them before it is asked
 * for: thousands of histograms of 25 KB each are more than a report is worth.
 */
export class GroupLatencies {
  readonly #byGroup = new Map<number, Map<LatencyPhase, readonly Pairs[]>>();
  readonly #bucketValue: (bucket: number) => number;

  /** @param bucketValue lowest value of a bucket */
  constructor(bucketValue: (bucket: number) => number) {
    this.#bucketValue = bucketValue;
  }

  add(group: number, phase: LatencyPhase, pairs: Pairs): void {
    const phases = this.#byGroup.get(group) ?? new Map<LatencyPhase, readonly Pairs[]>();
    this.#byGroup.set(group, phases);
    phases.set(phase, [...(phases.get(phase) ?? []), pairs]);
  }

  /** By phase; empty where nothing was counted. */
  of(group: number): ReadonlyMap<LatencyPhase, Quantiles> {
    const quantiles = new Map<LatencyPhase, Quantiles>();
    for (const [phase, lists] of this.#byGroup.get(group) ?? []) quantiles.set(phase, this.#quantiles(lists));
    return quantiles;
  }

  #quantiles(lists: readonly Pairs[]): Quantiles {
    const counts = new Map<number, number>();
    for (const pairs of lists)
      for (let i = 0; i + 1 < pairs.length; i += 2) {
        const [bucket = 0, n = 0] = pairs.subarray(i, i + 2);
        counts.set(bucket, (counts.get(bucket) ?? 0) + n);
      }
    const buckets = [...counts].sort(([a], [b]) => a - b);
    const count = buckets.reduce((sum, [, n]) => sum + n, 0);
    const max = this.#bucketValue(buckets.at(-1)?.[0] ?? 0);
    const at = (share: number): number => {
      let left = Math.ceil(share * count);
      const found = buckets.find(([, n]) => {
        left -= n;
        return left <= 0;
      });
      return Math.min(max, this.#bucketValue((found?.[0] ?? 0) + 1) - 1); // the top of the bucket, as HdrHistogram answers
    };
    return { p50: at(0.5), p99: at(0.99), max, count };
  }
}
