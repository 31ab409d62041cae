import assert from "node:assert/strict";
import { test } from "node:test";
import { Repairs } from "../../main/vrrp/repairs.js";
import { SimClock } from "../simulation/sim-clock.js";
import { recordingLog } from "./notify-support.js";

test("three times a minute, then it rests, and says so once", () => {
  const clock = new SimClock();
  const { log, lines } = recordingLog();
  const repairs = new Repairs(clock, log);
  const tries = Array.from({ length: 6 }, () => {
    clock.advance(1000);
    return repairs.allow("route 198.51.100.0/24");
  });
  assert.deepEqual(tries, [true, true, true, false, false, false]);
  assert.equal(repairs.allow("another"), true);
  assert.equal(lines.filter((line) => /somebody else manages it too/.test(JSON.stringify(line))).length, 1);
  clock.advance(60_000);
  assert.equal(repairs.allow("route 198.51.100.0/24"), true);
});

test("who looks again and again at what is gone may put it back after the minute, and is told once", () => {
  const clock = new SimClock();
  const { log, lines } = recordingLog();
  const repairs = new Repairs(clock, log);
  const allowed: number[] = [];
  for (let seconds = 0; seconds < 200; seconds += 0.25) {
    // Somebody deletes it as soon as it is there, for three seconds; then nobody does.
    const isGone = seconds < 3 || !allowed.some((at) => at >= 3);
    if (isGone && repairs.allow("table t")) allowed.push(seconds);
    clock.advance(250);
  }
  assert.deepEqual(allowed, [0, 0.25, 0.5, 60.75]);
  assert.equal(lines.filter((line) => /somebody else manages it too/.test(JSON.stringify(line))).length, 1);
});

test("who does not look again is called once, a minute after it was found contested", () => {
  const clock = new SimClock();
  const repairs = new Repairs(clock, recordingLog().log);
  const called: number[] = [];
  const begun = clock.now();
  for (let i = 0; i < 6; i++) repairs.allow("route", () => called.push(clock.now() - begun));
  for (let seconds = 0; seconds < 300; seconds++) clock.advance(1000);
  assert.deepEqual(called, [60_000]);
});
