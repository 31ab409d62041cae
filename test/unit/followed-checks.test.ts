import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerCheckSpec } from "../../main/health/director.js";
import { FollowedChecks } from "../../main/health/followed-checks.js";
import { checkId } from "../../main/units.js";
import { tcpCheck } from "./health-fixtures.js";

const spec = (id: number, check: ServerCheckSpec["check"]): ServerCheckSpec => ({
  id: checkId(id),
  identity: `check ${id}`,
  check,
  known: undefined,
  groups: [],
});
const connects = tcpCheck();
const follows = (name: string): ServerCheckSpec["check"] => ({ type: "BFD_CHECK", timing: connects.timing, name });

test("the pool does not get what only listens, and each listener hears of its session once", () => {
  const followed = new FollowedChecks();
  const specs = [spec(1, connects), spec(2, follows("A")), spec(3, follows("B")), spec(4, follows("A"))];
  assert.deepEqual(
    [...followed.others(specs)].map(({ id }) => id),
    [1],
  );
  const told = (session: string, state: "up" | "down") => followed.edges(session, state).map(({ id, up }) => [id, up]);
  assert.deepEqual(told("A", "up"), [
    [2, true],
    [4, true],
  ]);
  assert.deepEqual(told("A", "up"), []);
  followed.forget([checkId(4)]);
  assert.deepEqual(told("A", "down"), [[2, false]]);
  assert.deepEqual(told("nobody's", "down"), []);
});

test("a check that rested while its session changed hears of it when it is there again", () => {
  const followed = new FollowedChecks();
  const begin = (id: number) => [...followed.others([spec(id, follows("A"))])];
  begin(1);
  followed.edges("A", "up");
  assert.deepEqual(followed.missed(), [], "it knows");
  followed.forget([checkId(1)]);
  assert.deepEqual(followed.edges("A", "down"), []);
  begin(1);
  assert.deepEqual(
    followed.missed().map(({ id, up }) => [id, up]),
    [[1, false]],
  );
  assert.deepEqual(followed.missed(), []);
  assert.deepEqual(followed.edges("A", "down"), []);
});
