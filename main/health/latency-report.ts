import type { build, Histogram } from "hdr-histogram-js";
import { groupOfOwner, groupOwner, latencySections } from "../../workers/latency-words.js";
import {
  type AskedGroup,
  type FromWorker,
  type LatencyPhase,
  latencyKinds,
  latencyPhases,
} from "../../workers/protocol.js";
import type { CheckConfig } from "../config/model.js";
import { type CheckId, checkId, type Milliseconds, ms } from "../units.js";
import { GroupLatencies } from "./group-latencies.js";

export type LatencyMessage = Extract<FromWorker, { kind: "latency" }>;

/** Values in µs. `lateness` counts all attempts, the others those that passed. */
export type PhaseHistograms = ReadonlyMap<LatencyPhase, Histogram>;

export interface LatencyReport {
  /** By check type. */
  readonly kinds: ReadonlyMap<CheckConfig["type"], PhaseHistograms>;
  /** Of the virtual server that was asked for; empty without one. */
  readonly virtualServer: PhaseHistograms;
  /** Of all, when all were asked for. */
  readonly groups: GroupLatencies;
  /** Of the last attempt that passed. */
  readonly last: ReadonlyMap<CheckId, Milliseconds>;
}

/** What native-bindings/probe/latency_counts.h counts by; counts of months fit. */
const shape = {
  lowestDiscernibleValue: 1,
  highestTrackableValue: 600_000_000,
  numberOfSignificantValueDigits: 2,
  autoResize: false,
  bitBucketSize: 64,
} as const;
/** Buckets per doubling of the value, from the second one on. */
const halfRange = 128;

/** The lowest value that is counted in a bucket. */
export function valueOfBucket(bucket: number): number {
  if (bucket < 2 * halfRange) return bucket;
  return (halfRange + (bucket % halfRange)) * 2 ** (Math.floor(bucket / halfRange) - 1);
}

export const noLatencies: LatencyReport = {
  kinds: new Map(),
  virtualServer: new Map(),
  groups: new GroupLatencies(valueOfBucket),
  last: new Map(),
};

/**
 * Merges what the shards report, in steps (see slices.ts): a report of 37,000 checks is no work for one turn.
 * @param make of hdr-histogram-js, which takes a tenth of a start to load, and no start needs
 */
export function* mergeLatencies(
  make: typeof build,
  messages: readonly LatencyMessage[],
  group: AskedGroup,
): Generator<void, LatencyReport> {
  const kinds = new Map<CheckConfig["type"], Map<LatencyPhase, Histogram>>();
  const virtualServer = new Map<LatencyPhase, Histogram>();
  const groups = new GroupLatencies(valueOfBucket);
  const last = new Map<CheckId, Milliseconds>();
  for (const message of messages) {
    for (const { owner, phase, pairs } of latencySections(message.counts)) {
      const kind = latencyKinds[owner];
      const name = latencyPhases[phase];
      const isGroup = typeof group === "number" && owner === groupOwner(group);
      const asked = group === "all" ? groupOfOwner(owner) : undefined;
      if (name !== undefined && asked !== undefined) groups.add(asked, name, pairs);
      if (name === undefined || pairs.length === 0 || (kind === undefined && !isGroup)) continue;
      addCounts(histogramOf(make, kind === undefined ? virtualServer : ofKind(kinds, kind), name), pairs);
      yield;
    }
    for (let i = 0; i + 1 < message.last.length; i += 2) {
      const [id = 0, us = 0] = message.last.subarray(i, i + 2);
      last.set(checkId(id), ms(us / 1000));
      if (i % 1024 === 0) yield;
    }
  }
  return { kinds, virtualServer, groups, last };
}

function ofKind<K, V>(all: Map<K, Map<LatencyPhase, V>>, kind: K): Map<LatencyPhase, V> {
  const known = all.get(kind);
  if (known !== undefined) return known;
  const fresh = new Map<LatencyPhase, V>();
  all.set(kind, fresh);
  return fresh;
}

function histogramOf(make: typeof build, all: Map<LatencyPhase, Histogram>, phase: LatencyPhase): Histogram {
  let histogram = all.get(phase);
  if (histogram === undefined) all.set(phase, (histogram = make(shape)));
  return histogram;
}

/** Bucket by bucket: each value of a bucket is counted in that same bucket again. */
function addCounts(histogram: Histogram, pairs: Uint32Array<ArrayBuffer>): void {
  for (let i = 0; i + 1 < pairs.length; i += 2)
    histogram.recordValueWithCount(valueOfBucket(pairs[i] ?? 0), pairs[i + 1] ?? 0);
}
