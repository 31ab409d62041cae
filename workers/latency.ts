import { build, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";
import type { CheckConfig } from "../main/config/model.js";
import type { CheckId, Milliseconds } from "../main/units.js";

/** Two digits: 1 % from 1 µs to 10 min in a few kilobytes, cheap to send and to merge. */
const shape = {
  lowestDiscernibleValue: 1,
  highestTrackableValue: 600_000_000,
  numberOfSignificantValueDigits: 2,
  autoResize: false,
} as const;

/** Latency of the attempts that passed: a time-out measures the configuration, not the server. */
export class LatencyRecorder {
  readonly #histograms = new Map<CheckConfig["type"], Histogram>();
  readonly #last = new Map<CheckId, number>();

  record(type: CheckConfig["type"], id: CheckId, latency: Milliseconds): void {
    const us = Math.min(Math.max(1, Math.round(latency * 1000)), shape.highestTrackableValue);
    let histogram = this.#histograms.get(type);
    if (histogram === undefined) this.#histograms.set(type, (histogram = build(shape)));
    histogram.recordValue(us);
    this.#last.set(id, us);
  }

  forget(id: CheckId): void {
    this.#last.delete(id);
  }

  /** See the `latency` message in protocol.ts. Counts are those since the shard started. */
  report(): { readonly histograms: Readonly<Record<string, string>>; readonly last: Uint32Array<ArrayBuffer> } {
    const histograms: Record<string, string> = {};
    for (const [type, histogram] of this.#histograms) histograms[type] = encodeIntoCompressedBase64(histogram);
    const last = new Uint32Array(this.#last.size * 2);
    let at = 0;
    for (const [id, us] of this.#last) {
      last.set([id, us], at);
      at += 2;
    }
    return { histograms, last };
  }
}
