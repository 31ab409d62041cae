import assert from "node:assert/strict";
import test from "node:test";
import { WaitingScripts } from "../../main/control/waiting-scripts.js";
import { ms } from "../../main/units.js";
import { ManualClock, recordingLog } from "./notify-support.js";

function setUp() {
  const clock = new ManualClock();
  const { log, lines } = recordingLog();
  const waiting = new WaitingScripts(log, clock, 256);
  const hear = (shard: number, checks: number, longest: number): void =>
    waiting.onWaiting(shard, { checks, longest: ms(longest) });
  return { clock, lines, hear };
}

test("a queue that moves on is no news", () => {
  const { lines, hear } = setUp();
  hear(0, 500, 999);
  hear(0, 0, 0);
  assert.deepEqual(lines, []);
});

test("checks that start late are said with what to do, once a minute, and when it is over", () => {
  const { lines, hear, clock } = setUp();
  hear(0, 20, 200);
  hear(1, 100, 2345);
  assert.deepEqual(
    lines.map(({ level, sentence }) => [level, sentence]),
    [
      [
        "warning",
        "120 MISC_CHECKs wait for others to end, the first for 2.3 s: 256 programs run at once - raise checker_max_processes or delay_loop, or make the programs faster",
      ],
    ],
  );
  for (let i = 0; i < 149; i += 1) {
    clock.advance(400);
    hear(1, 100, 3000);
    hear(0, i % 2, 0); // now and then
  }
  assert.equal(lines.length, 1);
  clock.advance(400);
  hear(1, 100, 3000);
  assert.equal(lines.length, 2);

  hear(0, 0, 0);
  hear(1, 0, 0);
  clock.advance(9999);
  hear(1, 0, 0);
  assert.equal(lines.length, 2);
  clock.advance(1);
  hear(1, 0, 0);
  assert.equal(lines[2]?.sentence, "MISC_CHECKs start on time again");
  hear(1, 0, 0);
  assert.equal(lines.length, 3);
});
