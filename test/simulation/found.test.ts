import assert from "node:assert/strict";
import { test } from "node:test";
import { play } from "./cluster/cluster.js";
import type { RouterSpec, Schedule } from "./cluster/schedule.js";
import { timeline } from "./cluster/timeline.js";

/** Stories that once broke a rule, as small as they were found. */

const router: RouterSpec = {
  host: 3,
  startAt: 0,
  drift: 0,
  interval: 50,
  priorities: [249],
  preempt: true,
  preemptDelay: 0,
  scriptWeight: undefined,
  scriptOf: "all",
  lowerPrioNoAdvert: false,
  higherPrioSendAdvert: false,
  garpDelay: 0,
};

const plain = { seed: 1, version: 3, latency: 0, instances: 1, unicast: false, grouped: false } as const;

const found: readonly { readonly name: string; readonly schedule: Schedule }[] = [
  {
    name: "an address is stolen while a crashed master is coming back: the word of it is read after it was claimed again",
    schedule: {
      ...plain,
      routers: [router],
      incidents: [
        { at: 271, for: 291, do: "pause", router: 0, clock: "stands", first: "timers" },
        { at: 330, for: 7, do: "crash", router: 0, midway: 0 },
        { at: 383, for: 0, do: "steal", router: 0, instance: 0 },
      ],
    },
  },
];

const extra = { for: 0, do: "reload", router: 0, change: { what: "extra-address" } } as const;
const edited: Schedule = {
  ...plain,
  routers: [router],
  incidents: [
    { at: 300, ...extra },
    { at: 500, for: 400, do: "crash", router: 0, midway: 0 },
    { at: 700, ...extra },
  ],
};

test("an address that leaves the file while a crashed master is away: too rare for seeds", () => {
  assert.equal(play(edited).violation, undefined);
  const { violation } = play(edited, { fault: { name: "the copy is not asked", ignoresCopy: true } });
  assert.equal(violation?.rule, "something is left after the end");
});

const owners: Schedule = {
  ...plain,
  instances: 2,
  grouped: true,
  routers: [{ ...router, priorities: [255, 255] }],
  incidents: [],
};

test("two owners in a sync group come back together", () => {
  const incidents: Schedule["incidents"] = [{ at: 1845, for: 742, do: "carrier", router: 0 }];
  const outcome = play({ ...owners, incidents }, { record: true });
  assert.equal(outcome.violation, undefined, timeline({ ...owners, incidents }, outcome));
});

test("a sync group of owners, one of which had said good-bye when the daemon was killed", () => {
  const incidents: Schedule["incidents"] = [
    { at: 987, for: 671, do: "crash", router: 0, midway: 6 },
    { at: 997, for: 37, do: "stop", router: 0, release: true },
  ];
  const outcome = play({ ...owners, incidents }, { record: true });
  assert.equal(outcome.violation, undefined, timeline({ ...owners, incidents }, outcome));
});

for (const { name, schedule } of found) {
  test(name, () => {
    const outcome = play(schedule, { record: true });
    assert.equal(outcome.violation, undefined, timeline(schedule, outcome));
  });
}
