import assert from "node:assert/strict";
import { test } from "node:test";
import type { MoreTrackers, TrackRef } from "../../main/config/model-vrrp.js";
import { ms, vrid } from "../../main/units.js";
import { type MoreTracking, type TrackerView, trackMore } from "../../main/vrrp/more-tracking.js";
import type { CountHandlers } from "../../main/vrrp/process-monitor.js";
import { faultReason } from "../../main/vrrp/tracking.js";
import { syncGroup } from "../harness/config-fixtures.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, instanceConfig, SimRouter, type SimRouterOptions } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** What files, processes, BFD sessions and quorums do to an instance. keepalived.conf(5) track_file, track_process, track_bfd. */

const ref = (weight: number, reverse = false): TrackRef => ({ name: "t", weight, reverse });
const of = (changes: Partial<MoreTrackers>): MoreTrackers => ({ files: [], processes: [], bfds: [], ...changes });
const view = (changes: Partial<TrackerView> = {}): TrackerView => ({
  file: () => 0,
  process: () => "up",
  bfd: () => "up",
  quorum: () => "up",
  ...changes,
});
const nothing: MoreTracking = { faults: [], waiting: [], contributions: [] };
const file = (value: number | undefined): TrackerView => view({ file: () => value });
const fault = (tracker: "file" | "process" | "bfd" | "quorum") => [{ kind: "tracker" as const, tracker, name: "t" }];

const rows: readonly (readonly [name: string, MoreTrackers, TrackerView, Partial<MoreTracking>])[] = [
  ["no tracker", of({}), view(), {}],
  [
    "file, weighted",
    of({ files: [ref(-2)] }),
    file(10),
    { contributions: [{ tracker: "file", name: "t", state: "up", value: 10, delta: -20 }] },
  ],
  [
    "file, too low",
    of({ files: [ref(-2)] }),
    file(127),
    { faults: fault("file"), contributions: [{ tracker: "file", name: "t", state: "up", value: 127, delta: 0 }] },
  ],
  ["file, weight 0", of({ files: [ref(0)] }), file(1), { faults: fault("file") }],
  ["file, not read, reverse", of({ files: [ref(0, true)] }), file(undefined), { waiting: ["t"] }],
  [
    "process up, weight 10",
    of({ processes: [ref(10)] }),
    view(),
    { contributions: [{ tracker: "process", name: "t", state: "up", delta: 10 }] },
  ],
  [
    "process not counted, weight -10",
    of({ processes: [ref(-10)] }),
    view({ process: () => "init" }),
    { contributions: [{ tracker: "process", name: "t", state: "init", delta: 0 }] },
  ],
  ["process down", of({ processes: [ref(0)] }), view({ process: () => "down" }), { faults: fault("process") }],
  ["process up, reverse", of({ processes: [ref(0, true)] }), view(), { faults: fault("process") }],
  ["process not counted", of({ processes: [ref(0)] }), view({ process: () => "init" }), { waiting: ["t"] }],
  ["bfd down", of({ bfds: [ref(0)] }), view({ bfd: () => "down" }), { faults: fault("bfd") }],
  ["quorum lost", of({ quorums: [ref(0)] }), view({ quorum: () => "down" }), { faults: fault("quorum") }],
  ["quorum held, reverse", of({ quorums: [ref(0, true)] }), view(), { faults: fault("quorum") }],
  [
    "quorum lost, weight -30",
    of({ quorums: [ref(-30)] }),
    view({ quorum: () => "down" }),
    { contributions: [{ tracker: "quorum", name: "t", state: "down", delta: -30 }] },
  ],
  ["bfd that nobody runs", of({ bfds: [ref(0), ref(10)] }), view({ bfd: () => undefined }), {}],
];
for (const [name, trackers, seen, expected] of rows) {
  test(name, () => assert.deepEqual(trackMore(trackers, seen), { ...nothing, ...expected }));
}

test("from the disk and the process table to the priority of an instance, and BFD when somebody runs it", () => {
  const clock = new SimClock();
  const texts: ((text: string | undefined) => void)[] = [];
  const counts: CountHandlers[] = [];
  const none = { [Symbol.dispose]: () => undefined };
  const trackers: SimRouterOptions["trackers"] = {
    trackFiles: {
      watch: (_path, _init, onText) => {
        texts.push(onText);
        return none;
      },
    },
    processes: {
      count: (_patterns, handlers) => {
        counts.push(handlers);
        return none;
      },
    },
  };
  const sim = new SimRouter("us", "192.0.2.1", clock, new SimSegment(clock), { trackers });
  const t = { name: "t", weight: 1, reverse: false };
  const process = {
    command: "x",
    parameters: [],
    match: "none",
    quorum: 1,
    quorumMax: undefined,
    fullCommand: false,
  } as const;
  const track = of({ files: [ref(1)], processes: [{ ...ref(-50), name: "p" }], bfds: [{ ...ref(0), name: "b" }] });
  sim.router.expectBfd();
  sim.router.start(
    daemonConfig([instanceConfig({ track })], {
      trackers: {
        files: [{ ...t, path: "/t", init: undefined }],
        processes: [{ ...process, ...t, name: "p", forkDelay: ms(0), terminateDelay: ms(0) }],
        groups: [],
      },
    }),
  );
  assert.equal(sim.state(), "FAULT", "a BFD session is down until it comes up");
  sim.router.setBfd("b", "up");
  assert.equal(sim.state(), "FAULT", "the file is not read yet");
  texts[0]?.("20");
  assert.equal(sim.state(), "BACKUP");
  const effective = (): number | undefined => sim.router.snapshot()[0]?.effectivePriority;
  assert.equal(effective(), 120);
  counts[0]?.onCount("p", 0);
  assert.equal(effective(), 70);
  counts[0]?.onCount("p", 1);
  texts[0]?.(undefined);
  assert.equal(effective(), 100);
  clock.advance(4000);
  assert.equal(sim.state(), "MASTER");
  sim.router.setBfd("b", "down");
  assert.equal(sim.state(), "FAULT");
});

test("a master whose quorum is lost gives way, one that tracks another virtual server stays; a sync group's members share it", () => {
  const clock = new SimClock();
  const sim = new SimRouter("us", "192.0.2.1", clock, new SimSegment(clock), {});
  const quorum = (name: string, weight: number) => of({ quorums: [{ name, weight, reverse: false }] });
  const [own, other] = [
    instanceConfig({ track: quorum("W", 20) }),
    instanceConfig({ name: "V2", vrid: vrid(52), virtualAddresses: [] }),
  ];
  const group = syncGroup("G", ["V2"], { track: quorum("T", 0), trackingWeight: true });
  sim.router.start(daemonConfig([own, other], { syncGroups: [group] }));
  clock.advance(4000);
  const states = (): unknown => sim.router.snapshot().map(({ state, effectivePriority: p }) => `${state} ${p}`);
  assert.deepEqual(states(), ["MASTER 120", "MASTER 100"], "up until somebody says otherwise");
  sim.router.setQuorum("T", "down");
  assert.deepEqual(states(), ["MASTER 120", "FAULT 100"]);
  sim.router.setQuorum("W", "down");
  assert.deepEqual(states(), ["MASTER 100", "FAULT 100"]);
  const why = sim.router.snapshot()[1]?.faults.map(faultReason);
  assert.deepEqual(why, ["(virtual server T has no quorum)"]);
  sim.router.setQuorum("T", "up");
  sim.router.setQuorum("W", "up");
  clock.advance(4000);
  assert.deepEqual(states(), ["MASTER 120", "MASTER 100"]);
});
