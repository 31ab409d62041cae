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
