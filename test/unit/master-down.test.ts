import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ms } from "../../main/units.js";
import { MasterDownTimer } from "../../main/vrrp/master-down.js";
import { ManualClock } from "./notify-support.js";

/** What happened, and when. */
function stand(prepares: boolean) {
  const clock = new ManualClock();
  const seen: [what: string, at: number][] = [];
  const timer = new MasterDownTimer(
    clock,
    (at) => seen.push([`down ${at}`, clock.now()]),
    prepares ? () => seen.push(["ready", clock.now()]) : undefined,
  );
  return { clock, seen, timer };
}

test("it ends at its time, once", () => {
  const { clock, seen, timer } = stand(false);
  timer.arm(ms(100));
  assert.equal(timer.at, 100);
  clock.advance(99);
  assert.deepEqual(seen, []);
  clock.advance(1);
  clock.advance(500);
  assert.deepEqual(seen, [["down 100", 100]]);
  assert.equal(timer.at, undefined);
});

test("put off by each advert it does not end; brought forward by a farewell it ends sooner", () => {
  const { clock, seen, timer } = stand(false);
  timer.arm(ms(100));
  for (let at = 10; at <= 200; at += 10) {
    clock.advance(10);
    timer.arm(ms(at + 100));
  }
  assert.deepEqual(seen, []);
  timer.arm(ms(205));
  clock.advance(10);
  assert.deepEqual(seen, [["down 205", 205]]);
});

test("whoever takes over is told some milliseconds before, and not when nothing is lost", () => {
  const { clock, seen, timer } = stand(true);
  timer.arm(ms(100));
  clock.advance(50);
  timer.arm(ms(150));
  clock.advance(90);
  assert.deepEqual(seen, [], "an advert came: the first end has passed without a word");
  clock.advance(10);
  assert.deepEqual(seen, [
    ["ready", 144],
    ["down 150", 150],
  ]);
  timer.arm(ms(152));
  clock.advance(10);
  assert.deepEqual(seen.slice(2), [["down 152", 152]], "too near: it would only be delayed");
});

test("disarmed it says nothing more", () => {
  const { clock, seen, timer } = stand(true);
  timer.arm(ms(100));
  clock.advance(96);
  timer.disarm();
  clock.advance(100);
  assert.deepEqual(seen, [["ready", 94]]);
});

test("whatever is armed when: the last end that nobody put off in time counts, exactly", () => {
  const armings = fc.array(
    fc.tuple(fc.double({ min: 0.01, max: 40, noNaN: true }), fc.double({ min: 0, max: 60, noNaN: true })),
  );
  fc.assert(
    fc.property(armings, fc.boolean(), (steps, prepares) => {
      const { clock, seen, timer } = stand(prepares);
      const expected: string[] = [];
      let due: number | undefined;
      for (const [pause, after] of steps) {
        if (due !== undefined && due <= clock.now() + pause) {
          expected.push(`down ${due}`);
          due = undefined;
        }
        clock.advance(pause);
        due = clock.now() + after;
        timer.arm(ms(due));
      }
      if (due !== undefined) expected.push(`down ${due}`);
      clock.advance(1000);
      const downs = seen.filter(([what]) => what !== "ready");
      assert.deepEqual(
        downs.map(([what]) => what),
        expected,
      );
      for (const [what, at] of downs) assert.ok(Math.abs(Number(what.slice(5)) - at) <= 0.002, `${what} at ${at}`);
    }),
  );
});
