import assert from "node:assert/strict";
import { test } from "node:test";
import { ms } from "../../main/units.js";
import { LatencyCounter } from "../../workers/latency-counter.js";
import { groupOwner } from "../../workers/latency-words.js";

const KIND = 7;

/** Owners that are told of when everybody is asked for: the kind, and groups. */
function owners(counter: LatencyCounter): readonly number[] {
  const words = counter.words("all");
  const found: number[] = [];
  for (let at = 0; at < words.length; at += 3 + 2 * (words[at + 2] ?? 0)) found.push(words[at] ?? 0);
  return found;
}

test("10,000 virtual servers that came and went leave no counts, and no number of them", () => {
  const counter = new LatencyCounter(KIND);
  counter.regroup([], [1]);
  counter.count([1], "total", ms(1));
  for (let group = 2; group < 10_002; group++) {
    counter.regroup([], [group]);
    counter.count([group], "total", ms(1));
    counter.regroup([group], []);
  }
  const left = owners(counter);
  assert.ok(left.length < 100, `${left.length} owners`);
  assert.ok(left.includes(KIND) && left.includes(groupOwner(1)), "who has checks is counted on");
});

test("a virtual server that loses its checks and gets others goes on with its counts", () => {
  const counter = new LatencyCounter(KIND);
  counter.regroup([], [5]);
  counter.count([5], "total", ms(1));
  counter.regroup([5], []);
  counter.regroup([], [5]);
  counter.count([5], "total", ms(1));
  counter.regroup([5], [6]);
  assert.deepEqual(counter.words(5).slice(-2), [counter.words(5).at(-2), 2], "both are in one bucket");
});

test("two checks of one group: it has one until both are gone", () => {
  const counter = new LatencyCounter(KIND);
  for (let i = 0; i < 2; i++) counter.regroup([], [5]);
  counter.count([5], "total", ms(1));
  counter.regroup([5], []);
  for (let group = 10; group < 400; group++) {
    counter.count([group], "total", ms(1)); // of a check that is gone already
    counter.regroup([group], []);
  }
  assert.ok(owners(counter).includes(groupOwner(5)));
});
