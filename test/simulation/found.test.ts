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

for (const { name, schedule } of found) {
  test(name, () => {
    const outcome = play(schedule, { record: true });
    assert.equal(outcome.violation, undefined, timeline(schedule, outcome));
  });
}
