import assert from "node:assert/strict";
import { test } from "node:test";
import { play } from "./cluster/cluster.js";
import { faults } from "./cluster/faults.js";
import { generate } from "./cluster/generate.js";
import type { Schedule } from "./cluster/schedule.js";
import { shrink } from "./cluster/shrink.js";
import { story } from "./cluster/story.js";

const faultOf = (name: string) => faults.find((f) => f.name === name) ?? assert.fail(name);

test("a seed is the same story every time, in every detail", () => {
  for (let seed = 1; seed <= 60; seed++) {
    assert.deepEqual(generate(seed), generate(seed));
    assert.deepEqual(play(generate(seed), { record: true }), play(generate(seed), { record: true }));
  }
});

test("a schedule is data: written down and read again it is the same story", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const written = JSON.parse(JSON.stringify(generate(seed))) as Schedule;
    assert.deepEqual(play(written, { record: true }), play(generate(seed), { record: true }));
  }
});

test("what breaks a rule is made small, and still breaks it", () => {
  const fault = faultOf("never recovers");
  const breaks = (s: Schedule) => play(s, { fault }).violation?.rule === "wrong role";
  const seeds = Array.from({ length: 400 }, (_, i) => i + 1).filter((seed) => breaks(generate(seed)));
  assert.ok(seeds.length > 5);
  for (const seed of seeds.slice(0, 5)) {
    const small = shrink(generate(seed), breaks);
    assert.ok(breaks(small));
    assert.equal(small.routers.length, 1, "one router is enough for a fault that does not end");
    assert.ok(small.incidents.length <= 1);
  }
});

test("a failure reads as a timeline: seed, who was what when, the rule, and the schedule to play again", () => {
  const text = story(1, "skew left out");
  assert.match(text, /^seed 1: r0: took over too early: \d+\.\d{3} ms early$/m);
  assert.match(text, /^ +ms {2}r0 +$/m);
  assert.match(text, /^ +\d+\.\d{3} {2}B {3}r0: INIT -> BACKUP \(startup\)$/m);
  assert.match(text, /^ +\d+\.\d{3} {2}M {3}r0: BACKUP -> MASTER \(no advert within Master_Down_Interval\)$/m);
  assert.match(text, /r0: BROKEN: took over too early/);
  assert.match(text, /^shrunk from \d+ routers, \d+ incidents to 1 routers, 0 incidents$/m);
  assert.match(text, /^schedule: \{"seed":1,/m);
  assert.doesNotMatch(story(1), /BROKEN/);
});
