import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import { ms, priority } from "../../main/units.js";
import { step } from "../../main/vrrp/machine.js";
import type { AdvertEvent, BackupState } from "../../main/vrrp/machine-types.js";
import { isRepetition, putOff, waitAfter } from "../../main/vrrp/repetition.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, foreignAdvert, instanceConfig, SimRouter } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** Adverts that say nothing new take a way of their own: nobody may notice. */

const config = fc
  .record({
    version: fc.constantFrom(2 as const, 3 as const),
    preempt: fc.boolean(),
    preemptDelay: fc.constantFrom(0, 2500).map(ms),
    downTimerAdverts: fc.constantFrom(2, 3),
  })
  .map(instanceConfig);
const priorities = fc.constantFrom(0, 99, 100, 101, 255);
const interval = fc.constantFrom(500, 1000).map(ms);
const source = fc.constantFrom("192.0.2.8", "192.0.2.9");

const advert: fc.Arbitrary<AdvertEvent> = fc.record({
  on: fc.constant("advert" as const),
  priority: priorities,
  interval,
  source,
  order: fc.constant(1 as const),
});

const backup: fc.Arbitrary<BackupState> = fc.record({
  at: fc.constant("backup" as const),
  masterInterval: interval,
  downAt: fc.nat(9000).map(ms),
  preemptAt: fc.constantFrom(undefined, undefined, ms(4000)),
  master: fc.option(fc.record({ address: source, priority: priorities, heardAt: fc.nat(5000).map(ms) }), {
    nil: undefined,
  }),
  wantsMaster: fc.constantFrom(false, false, true),
  yielded: fc.constantFrom(false, false, true),
});

test("what counts as a repetition the reducer answers with later times and a timer, and nothing else", () => {
  let repetitions = 0;
  const effective = fc.constantFrom(100, 254).map(priority);
  const now = fc.double({ min: 5000, max: 6000, noNaN: true }).map(ms);
  fc.assert(
    fc.property(config, effective, backup, advert, now, (c, at, state, event, heardAt) => {
      if (!isRepetition(c, at, state, event)) return;
      repetitions += 1;
      const tracking = { effective: at, faults: [], waiting: [], contributions: [] };
      const downAt = ms(heardAt + waitAfter(c, at, state));
      assert.deepEqual(step({ config: c, tracking, now: heardAt }, state, event), {
        state: putOff(state, heardAt, downAt),
        effects: [{ do: "arm", timer: "masterDown", at: downAt }],
      });
    }),
    { numRuns: 20_000 },
  );
  assert.ok(repetitions > 50, `only ${repetitions} of them were repetitions`);
});

type Happening =
  | { readonly is: "advert"; readonly priority: number; readonly interval: number; readonly source: string }
  | { readonly is: "reload"; readonly priority: number }
  | { readonly is: "link"; readonly up: boolean };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ is: fc.constant("advert" as const), priority: priorities, interval, source }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("reload" as const), priority: fc.constantFrom(100, 110) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("link" as const), up: fc.boolean() }) },
);

/** A router to which all of it happens, each several times in a row; what it did and knew. */
function life(c: VrrpInstanceConfig, asks: boolean, all: readonly (readonly [Happening, number, number, boolean])[]) {
  const clock = new SimClock();
  const segment = new SimSegment(clock);
  segment.delay = 0;
  const sim = new SimRouter("us", "192.0.2.1", clock, segment, { detail: true, ...(asks ? { reducer: step } : {}) });
  sim.router.start(daemonConfig([c]));
  const known: unknown[] = [];
  for (const [what, times, pause, looks] of all) {
    for (let i = 0; i < times; i++) {
      clock.advance(pause);
      if (what.is === "link") sim.host.setRunning(what.up);
      else if (what.is === "reload") sim.router.reload(daemonConfig([{ ...c, basePriority: priority(what.priority) }]));
      else segment.inject(foreignAdvert(c, what.priority, { source: what.source, interval: ms(what.interval) }));
      clock.advance(0);
    }
    known.push({ snapshot: looks ? sim.router.snapshot() : [], done: sim.take(), logs: sim.logs.splice(0) });
  }
  return [...known, sim.router.snapshot()];
}

test("a router that takes the short way does, says and knows the same as one that asks the reducer each time", () => {
  const times = fc.integer({ min: 1, max: 6 });
  const pause = fc.constantFrom(0.125, 300, 999.5, 2900);
  const all = fc.array(fc.tuple(happening, times, pause, fc.boolean()), { maxLength: 12 });
  fc.assert(
    fc.property(config, all, (c, events) => assert.deepEqual(life(c, false, events), life(c, true, events))),
    { numRuns: 150 },
  );
});
