import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { causeOf, type Late, LateWatch, lateCauses, lateSentence } from "../../main/observe/lateness.js";
import { Pauses } from "../../main/observe/pauses.js";
import { ms } from "../../main/units.js";
import { reading, readingWords } from "../../native-bindings/scheduling.js";
import { bootTime } from "../../native-bindings/timer.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

const zero = new Float64Array(readingWords);

/** A reading 1 s after `zero`, in which the thread did nothing else than this. */
function after(words: Partial<Record<keyof typeof reading, number>>): Float64Array {
  const out = new Float64Array(readingWords);
  for (const [name, value] of Object.entries({ bootTime: 1000, monotonic: 1000, ...words }))
    out[reading[name as keyof typeof reading]] = value;
  return out;
}

const rows: readonly [
  Late["cause"],
  Partial<Record<keyof typeof reading, number>>,
  garbage?: number,
  cont?: boolean,
][] = [
  ["processor", { waited: 450, worked: 30 }],
  ["processor", { waited: 300, worked: 30 }, 400],
  ["garbage", { worked: 480 }, 450],
  ["garbage", { worked: 20 }, 400], // waiting for helper threads
  ["work", { worked: 480, waited: 10 }, 30],
  ["suspended", { bootTime: 6000, worked: 5 }],
  ["stopped", { worked: 5 }, 0, true],
  ["memory", { worked: 5, majorFaults: 12 }],
  ["blocked", { worked: 5, blocked: 1 }],
  ["blocked", { waited: Number.NaN, worked: 5, blocked: 1 }],
  ["stolen", { worked: 5 }],
];

for (const [cause, words, garbage = 0, continued = false] of rows)
  test(`late by 500 ms, ${JSON.stringify(words)}, garbage ${garbage}: ${cause}`, () => {
    const overdue = ms(cause === "suspended" ? 5500 : 500);
    const found = causeOf({ overdue, before: zero, after: after(words), garbage: ms(garbage), continued });
    assert.equal(found.cause, cause);
    const sentence = lateSentence({ overdue, timers: 3, ...found });
    assert.match(sentence, /^A thread timer expired \d\.500000 seconds ago, and 2 more with it: .{20,}$/);
  });

test("every cause has its own sentence", () => {
  const sentences = lateCauses.map((cause) =>
    lateSentence({ overdue: ms(1), timers: 1, cause, lasted: ms(1), majorFaults: 0 }),
  );
  assert.equal(new Set(sentences).size, lateCauses.length);
});

test("one line for all timers of a stretch; readings are taken now and then only", () => {
  let readings = 0;
  let now = 0;
  const said: Late[] = [];
  const later: (() => void)[] = [];
  const watch = new LateWatch(ms(100), {
    read: (into) => {
      readings += 1;
      into[reading.bootTime] = now;
    },
    garbageSince: () => ms(0),
    continuedSince: () => false,
    later: (fn) => later.push(fn),
    say: (late) => said.push(late),
  });
  for (now = 0; now < 1000; now++) watch.ran(ms(0.1), ms(now));
  assert.ok(readings >= 60 && readings <= 101, `${readings} readings in a second`);
  watch.ran(ms(100), ms(now));
  assert.equal(later.length, 0, "not above the threshold");
  for (const overdue of [150, 400, 200]) watch.ran(ms(overdue), ms(now));
  assert.equal(later.length, 1);
  later[0]?.();
  assert.deepEqual(
    said.map(({ overdue, timers }) => ({ overdue, timers })),
    [{ overdue: 400, timers: 3 }],
  );
  watch.ran(ms(150), ms(now));
  assert.equal(later.length, 2, "the next stretch");
});

const native = { skip: needs("native") };

test("pauses: garbage and SIGCONT are seen with their time", native, async () => {
  using pauses = new Pauses(() => ms(bootTime()));
  const from = ms(bootTime());
  assert.equal(pauses.continuedSince(from), false);
  process.kill(process.pid, "SIGCONT");
  await until("SIGCONT", 5000, () => pauses.continuedSince(from));
  const keep: unknown[] = [];
  await until("a collection", 10_000, () => {
    for (let i = 0; i < 20_000; i++) keep.push({ i });
    if (keep.length > 1e6) keep.length = 0;
    return pauses.garbageSince(from) > 0;
  });
  const seen = pauses.garbageSince(from);
  await sleep(5);
  assert.ok(seen < bootTime() - from, `${seen} ms`);
  assert.equal(pauses.garbageSince(ms(bootTime() + 1)), 0);
});
