import { decodeFromCompressedBase64, type Histogram } from "hdr-histogram-js";
import type { FromWorker } from "../../workers/protocol.js";
import { type CheckId, checkId, type Milliseconds, ms } from "../units.js";

export type LatencyMessage = Extract<FromWorker, { kind: "latency" }>;

export interface LatencyReport {
  /** By check type; values in µs. */
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** Of the last attempt that passed. */
  readonly last: ReadonlyMap<CheckId, Milliseconds>;
}

/** Merges what the shards report, in steps (see slices.ts): a report of 37,000 checks is no work for one turn. */
export function* mergeLatencies(messages: readonly LatencyMessage[]): Generator<void, LatencyReport> {
  const histograms = new Map<string, Histogram>();
  const last = new Map<CheckId, Milliseconds>();
  for (const message of messages) {
    for (const [type, encoded] of Object.entries(message.histograms)) {
      const histogram = decodeFromCompressedBase64(encoded);
      const merged = histograms.get(type);
      if (merged === undefined) histograms.set(type, histogram);
      else merged.add(histogram);
      yield;
    }
    for (let i = 0; i + 1 < message.last.length; i += 2) {
      const [id = 0, us = 0] = message.last.subarray(i, i + 2);
      last.set(checkId(id), ms(us / 1000));
      if (i % 1024 === 0) yield;
    }
  }
  return { histograms, last };
}
