import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "hdr-histogram-js";
import { latencyStatus } from "../../main/control/status-view.js";
import { noLatencies } from "../../main/health/latency-report.js";

test("no quantile of a latency lies above its largest value", () => {
  const total = build({ numberOfSignificantValueDigits: 2 });
  for (const microseconds of [1320, 1321, 2624]) total.recordValue(microseconds);
  assert.ok(total.getValueAtPercentile(99) > total.maxValue, "the top of a bucket");
  const status = latencyStatus({ ...noLatencies, kinds: new Map([["TCP_CHECK", new Map([["total", total]])]]) });
  const shown = Object.values(status).map(({ p99, max }) => [p99, max]);
  assert.deepEqual(shown, [[2.624, 2.624]]);
});
