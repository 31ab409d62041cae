import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { build } from "hdr-histogram-js";
import { mergeLatencies, valueOfBucket } from "../../main/health/latency-report.js";
import { groupOwner } from "../../workers/latency-words.js";
import { latencyKinds, latencyPhases } from "../../workers/protocol.js";

const shape = {
  lowestDiscernibleValue: 1,
  highestTrackableValue: 600_000_000,
  numberOfSignificantValueDigits: 2,
  autoResize: false,
} as const;
/** All buckets of such a histogram; what native-bindings/probe/latency_counts.h calls kBuckets. */
const buckets = 3072;

/** As native-bindings/probe/latency_counts.cc computes it. */
function bucketOf(us: number): number {
  const width = Math.max(0, 32 - Math.clz32(us) - 8);
  return width * 128 + Math.floor(us / 2 ** width);
}

test("latency: every bucket's value is counted in that bucket by HdrHistogram, and every value in the bucket of ours", () => {
  const reference = build(shape) as unknown as { countsArrayIndex(value: number): number };
  for (let bucket = 0; bucket < buckets; bucket++) {
    assert.equal(reference.countsArrayIndex(valueOfBucket(bucket)), bucket);
  }
  const value = fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 600_000_000 }));
  fc.assert(
    fc.property(value, (us) => reference.countsArrayIndex(us) === bucketOf(us)),
    { numRuns: 2000 },
  );
});

const sample = fc.record({
  shard: fc.nat({ max: 2 }),
  /** The last one: a virtual server. */
  owner: fc.nat({ max: latencyKinds.length }),
  phase: fc.nat({ max: latencyPhases.length - 1 }),
  us: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 600_000_000 })),
});
type Sample = typeof sample extends fc.Arbitrary<infer T> ? T : never;

const group = 7;
const ownerWord = (owner: number): number => (owner < latencyKinds.length ? owner : groupOwner(group));

/** What the engine of one shard would report. */
function countsOf(samples: readonly Sample[]): Uint32Array<ArrayBuffer> {
  const sections = new Map<string, Map<number, number>>();
  for (const { owner, phase, us } of samples) {
    const key = `${ownerWord(owner)} ${phase}`;
    const counts = sections.get(key) ?? new Map<number, number>();
    counts.set(bucketOf(us), (counts.get(bucketOf(us)) ?? 0) + 1);
    sections.set(key, counts);
  }
  const words = [...sections].flatMap(([key, counts]) => [
    ...key.split(" ").map(Number),
    counts.size,
    ...[...counts].flat(),
  ]);
  return new Uint32Array(words);
}

test("latency: shards merged by bucket are as one histogram that heard every value", () => {
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 200 }), (samples) => {
      const last = new Uint32Array(0);
      const messages = [0, 1, 2].map((shard) => {
        const counts = countsOf(samples.filter((one) => one.shard === shard));
        return { kind: "latency", counts, last } as const;
      });
      const steps = mergeLatencies(build, messages, group);
      let step = steps.next();
      while (step.done !== true) step = steps.next();
      const { kinds, virtualServer } = step.value;
      for (const [phase, name] of latencyPhases.entries()) {
        for (let owner = 0; owner <= latencyKinds.length; owner++) {
          const kind = latencyKinds[owner];
          const merged = (kind === undefined ? virtualServer : kinds.get(kind))?.get(name);
          const direct = build(shape);
          for (const one of samples) if (one.owner === owner && one.phase === phase) direct.recordValue(one.us);
          assert.equal(merged?.totalCount ?? 0, direct.totalCount);
          for (const q of [1, 50, 90, 99, 100])
            assert.equal(merged?.getValueAtPercentile(q) ?? 0, direct.getValueAtPercentile(q));
        }
      }
    }),
    { numRuns: 100 },
  );
});

test("latency: counts of months fit", () => {
  const counts = new Uint32Array([0, 4, 1, bucketOf(300), 0xffff_ffff]);
  const message = { kind: "latency", counts, last: new Uint32Array(0) } as const;
  const steps = mergeLatencies(build, [message, message, message], undefined);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  const total = step.value.kinds.get("TCP_CHECK")?.get("total");
  assert.equal(total?.totalCount, 3 * 0xffff_ffff);
  assert.ok(Math.abs((total?.getValueAtPercentile(50) ?? 0) - 300) <= 1);
});
