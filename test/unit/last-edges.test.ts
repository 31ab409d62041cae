import assert from "node:assert/strict";
import { test } from "node:test";
import { LastEdges } from "../../main/health/last-edges.js";
import { checkId, ms } from "../../main/units.js";
import type { CheckEdge } from "../../workers/protocol.js";

const edge = (id: number, up: boolean, status = 0): CheckEdge => ({
  id: checkId(id),
  up,
  outcome: up ? "up" : "bad-status",
  retries: up ? 0 : 3,
  latency: ms(id + 0.125),
  status,
});

test("each check has the last edge that was set, and none once it is forgotten", () => {
  const edges = new LastEdges();
  const ids = [1, 2, 63, 64, 65, 70_000];
  for (const id of ids) edges.set(edge(id, false, 503), ms(id));
  for (const id of ids) edges.set(edge(id, true), ms(id + 0.5));
  edges.set(edge(64, false, 404), ms(7));
  assert.deepEqual(edges.get(checkId(64)), edge(64, false, 404));
  assert.deepEqual(edges.get(checkId(63)), edge(63, true));
  assert.deepEqual([edges.at(checkId(64)), edges.at(checkId(63)), edges.at(checkId(62))], [7, 63.5, undefined]);
  edges.delete(checkId(63));
  edges.delete(checkId(62));
  assert.deepEqual(
    [62, 63, 66, 5000].map((id) => edges.get(checkId(id))),
    [undefined, undefined, undefined, undefined],
  );
  for (const id of [1, 2, 64, 65, 70_000]) assert.equal(edges.get(checkId(id))?.id, id);
});
