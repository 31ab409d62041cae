import assert from "node:assert/strict";
import { test } from "node:test";
import { reloadTimeOf, reloadTimeText } from "../../main/control/reload-time.js";
import { ScheduledReload } from "../../main/control/scheduled-reload.js";
import type { Log } from "../../main/observe/log.js";
import { ms } from "../../main/units.js";
import { ManualClock } from "./notify-support.js";

/** 2026-03-04 12:00:00 UTC. */
const noon = Date.UTC(2026, 2, 4, 12);
const HOUR = 3_600_000;

const rows: readonly (readonly [text: string, want: ReturnType<typeof reloadTimeOf>])[] = [
  ["12:00:01Z", { kind: "at", time: noon + 1000, daily: true }],
  ["12:00:00Z\nmore", { kind: "at", time: noon + 24 * HOUR, daily: true }],
  ["11:00:00Z\n", { kind: "at", time: noon + 23 * HOUR, daily: true }],
  ["26-03-05 12:00:00Z", { kind: "at", time: noon + 24 * HOUR, daily: false }],
  ["2026-03-05 12:00:00Z", { kind: "at", time: noon + 24 * HOUR, daily: false }],
  ["2026-03-04 12:00:00Z", { kind: "past", time: noon }],
  ["", { kind: "none" }],
  ["\n12:00:01Z", { kind: "none" }],
  ["2026-02-29 12:00:00Z", { kind: "invalid" }],
  ["2026-13-01 12:00:00Z", { kind: "invalid" }],
  ["24:00:00", { kind: "invalid" }],
  ["12:60:00", { kind: "invalid" }],
  ["12:00", { kind: "invalid" }],
  ["tomorrow", { kind: "invalid" }],
  ["12:00:00 UTC", { kind: "invalid" }],
];

test("what the file may say", () => {
  for (const [text, want] of rows) assert.deepEqual(reloadTimeOf(text, noon), want, text);
});

test("without Z it is local time, and what is logged can be written into the file", () => {
  const inAnHour = reloadTimeText(noon + HOUR);
  assert.deepEqual(reloadTimeOf(inAnHour, noon), { kind: "at", time: noon + HOUR, daily: false });
  assert.deepEqual(reloadTimeOf(inAnHour.split(" ")[1] ?? "", noon), { kind: "at", time: noon + HOUR, daily: true });
});

function setUp(repeat: boolean) {
  const said: string[] = [];
  const log: Log = Object.assign((_level: string, _event: string, sentence: string) => void said.push(sentence), {
    detail: false,
  });
  const clock = new ManualClock();
  const begin = clock.now();
  let step = 0;
  const removed: string[] = [];
  let reloads = 0;
  let write: (text: string | undefined) => void = () => undefined;
  const files = {
    watch: (_path: string, _init: unknown, onText: (text: string | undefined) => void): Disposable => {
      write = onText;
      return { [Symbol.dispose]: () => undefined };
    },
  };
  const scheduled = new ScheduledReload({
    clock,
    files,
    today: () => noon + (clock.now() - begin) + step,
    remove: (path) => void removed.push(path),
    reload: () => void (reloads += 1),
    log,
  });
  scheduled.configure({ timeFile: "/t", repeat });
  const pass = (time: number): void => clock.advance(ms(time));
  return {
    said,
    removed,
    pass,
    scheduled,
    write: (text: string | undefined) => write(text),
    stepClock: (by: number) => void (step += by),
    reloads: () => reloads,
  };
}

test("it fires once, at its time, and the file goes", () => {
  const { said, removed, pass, write, reloads } = setUp(false);
  write("13:00:00Z");
  write("13:00:00Z"); // looked at again
  assert.equal(said.length, 1);
  assert.match(said[0] ?? "", /^Scheduling reload for 2026-03-0\d /);
  pass(HOUR - 1);
  assert.equal(reloads(), 0);
  pass(1);
  assert.deepEqual([reloads(), removed], [1, ["/t"]]);
  pass(48 * HOUR);
  assert.equal(reloads(), 1);
});

test("with reload_repeat a time without a date is for every day, one with a date is not", () => {
  const daily = setUp(true);
  daily.write("13:00:00Z");
  daily.pass(50 * HOUR);
  assert.deepEqual([daily.reloads(), daily.removed], [3, []]);
  const once = setUp(true);
  once.write("2026-03-04 13:00:00Z");
  once.pass(50 * HOUR);
  assert.deepEqual([once.reloads(), once.removed], [1, ["/t"]]);
});

test("written again it is another time, emptied or removed there is none, and nonsense is said once", () => {
  const { said, pass, write, reloads, scheduled } = setUp(false);
  write("13:00:00Z");
  write("14:00:00Z");
  assert.match(said.at(-1) ?? "", /^Reload time updated from .* to /);
  write(undefined);
  assert.match(said.at(-1) ?? "", /^Cancelling reload scheduled for /);
  write("soon");
  write("soon");
  assert.match(said.at(-1) ?? "", /no time in its first line/);
  write("2026-03-04 11:00:00Z");
  assert.match(said.at(-1) ?? "", /is in the past - ignoring$/);
  write("13:00:00Z");
  scheduled.configure({ timeFile: undefined, repeat: false });
  assert.match(said.at(-1) ?? "", /^Cancelling reload/);
  pass(48 * HOUR);
  assert.deepEqual([reloads(), said.length], [0, 7]);
});

test("a clock that is set is noticed within a minute", () => {
  const { pass, write, stepClock, reloads } = setUp(false);
  write("2026-03-06 12:00:00Z");
  stepClock(48 * HOUR);
  pass(60_000);
  assert.equal(reloads(), 1);
});
