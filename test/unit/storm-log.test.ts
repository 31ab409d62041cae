import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { stormLog } from "../../main/observe/storm-log.js";
import { ManualClock, recordingLog } from "./notify-support.js";

function setUp(detail = false) {
  const clock = new ManualClock();
  const { log, lines } = recordingLog(detail);
  return { clock, lines, log: stormLog(log, clock) };
}

test("lines pass as they are, with their fields", () => {
  const { log, lines } = setUp(true);
  log("warning", "health.real-server-down", "Removing service A from VS B", { realServer: "A" });
  assert.deepEqual(lines, [
    {
      level: "warning",
      event: "health.real-server-down",
      sentence: "Removing service A from VS B",
      fields: { realServer: "A" },
    },
  ]);
  assert.equal(log.detail, true);
});

test("10,000 at once: the first thousand, then how many more, and the last of them", () => {
  const { log, lines, clock } = setUp();
  for (let i = 0; i < 10_000; i += 1) log("warning", "health.real-server-down", `Removing service ${i} from VS B`);
  assert.equal(lines.length, 1000);
  clock.advance(2000);
  assert.deepEqual(lines.slice(1000), [
    {
      level: "warning",
      event: "log.held",
      sentence: "9000 more lines of this kind were held back, the last one: Removing service 9999 from VS B",
      fields: { held: 9000, of: "health.real-server-down" },
    },
  ]);
  clock.advance(60_000);
  assert.equal(lines.length, 1001);
  assert.equal(clock.armed, 0);
});

test("one kind does not use up another's", () => {
  const { log, lines } = setUp();
  for (let i = 0; i < 5000; i += 1) log("warning", "check.down", "x");
  log("warning", "health.quorum-down", "Lost quorum 1-0=1 > 0 for VS B");
  assert.equal(lines.at(-1)?.sentence, "Lost quorum 1-0=1 > 0 for VS B");
});

test("a storm that goes on: 50 lines a second, and a count every two", () => {
  const { log, lines, clock } = setUp();
  for (let now = 0; now < 100_000; now += 10) {
    for (let i = 0; i < 10; i += 1) log("warning", "check.down", "x");
    clock.advance(10);
  }
  const counts = lines.filter(({ event }) => event === "log.held");
  assert.ok(lines.length - counts.length <= 1000 + 50 * 100 + 50, `${lines.length - counts.length} lines`);
  assert.ok(counts.length <= 50, `${counts.length} counts`);
});

test("nothing is lost in silence: lines and counts together are all, whatever comes when", () => {
  const step = fc.record({ kind: fc.integer({ min: 0, max: 2 }), count: fc.nat(1500), pause: fc.nat(3000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const { log, lines, clock } = setUp();
      const said = [0, 0, 0];
      for (const { kind, count, pause } of steps) {
        for (let i = 0; i < count; i += 1) log("info", `kind.${kind}`, "x");
        said[kind] = (said[kind] ?? 0) + count;
        clock.advance(pause);
      }
      log.flush();
      assert.equal(clock.armed, 0);
      for (const [kind, all] of said.entries()) {
        const shown = lines.filter(({ event }) => event === `kind.${kind}`).length;
        const held = lines
          .filter(({ fields }) => fields?.["of"] === `kind.${kind}`)
          .reduce((sum, { fields }) => sum + Number(fields?.["held"]), 0);
        assert.equal(shown + held, all);
      }
    }),
    { numRuns: 50 },
  );
});
