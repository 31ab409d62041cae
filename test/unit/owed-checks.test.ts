import assert from "node:assert/strict";
import { test } from "node:test";
import { OwedChecks } from "../../main/control/owed-checks.js";
import { type CheckId, checkId } from "../../main/units.js";
import { tcpCheck } from "./health-fixtures.js";

const id = (n: number): CheckId => checkId(n);
const spec = (n: number) => ({ id: id(n), identity: `check ${n}`, check: tcpCheck(), known: undefined, groups: [n] });

test("what several reloads owe is told at once: the last word about each check", () => {
  const owed = new OwedChecks();
  assert.equal(owed.isOwing, false);
  owed.owe({ added: [spec(1), spec(2)], removed: [id(9)], regrouped: [{ id: id(3), groups: [1] }] });
  owed.owe({ added: [spec(4)], removed: [id(1)], regrouped: [{ id: id(3), groups: [2] }] });
  assert.equal(owed.isOwing, true);
  const { added, removed, regrouped } = owed.all();
  assert.deepEqual(
    [...added].map((one) => one.id),
    [2, 4],
  );
  assert.deepEqual(removed, [9, 1, 2, 4]);
  assert.deepEqual(regrouped, [{ id: 3, groups: [2] }]);
  owed.paid();
  assert.equal(owed.isOwing, false);
  assert.deepEqual(owed.all(), { added: [], removed: [], regrouped: [] });
});

test("a check that rested meanwhile and woke again is taken away and handed out again", () => {
  const owed = new OwedChecks();
  owed.owe({ added: [], removed: [id(5)] });
  owed.owe({ added: [spec(5)], removed: [] });
  const { added, removed } = owed.all();
  assert.equal([...added].length, 1);
  assert.ok(removed.includes(id(5)));
});
