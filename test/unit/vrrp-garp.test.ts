import assert from "node:assert/strict";
import { test } from "node:test";
import { ms } from "../../main/units.js";
import {
  dueBlock,
  emptyQueue,
  emptySchedule,
  enqueue,
  type GarpQueue,
  lowerPriorityBlock,
  masterBlock,
  nextDue,
  take,
  withdraw,
} from "../../main/vrrp/garp.js";
import { GarpSender } from "../../main/vrrp/garp-sender.js";
import type { HostNetwork } from "../../main/vrrp/ports.js";
import { SimClock } from "../simulation/sim-clock.js";
import { instanceConfig } from "../simulation/sim-router.js";

const defaults = instanceConfig().garp;

/** Rounds and when they go, in ms after becoming master, up to `until`. */
function rounds(config: typeof defaults, until: number): [number, number][] {
  let block = masterBlock(config, ms(0));
  const sent: [number, number][] = [[0, block.rounds]];
  for (let at = nextDue(block.schedule); at !== undefined && at <= until; at = nextDue(block.schedule)) {
    block = dueBlock(config, block.schedule, at);
    sent.push([at, block.rounds]);
  }
  return sent;
}

for (const { name, config, want } of [
  {
    name: "defaults: 5 now, 5 after 5 s",
    config: {},
    want: [
      [0, 5],
      [5000, 5],
    ],
  },
  { name: "garp_master_delay 0: one block", config: { masterDelay: ms(0) }, want: [[0, 5]] },
  {
    name: "garp_master_refresh: first after delay + refresh",
    config: { masterRefresh: ms(10_000) },
    want: [
      [0, 5],
      [5000, 5],
      [15_000, 1],
      [25_000, 1],
    ],
  },
  { name: "garp_master_repeat 0", config: { masterRepeat: 0 }, want: [[0, 0]] },
]) {
  test(`schedule: ${name}`, () => assert.deepEqual(rounds({ ...defaults, ...config }, 30_000), want));
}

test("schedule: a weaker master brings a block now and one later, and leaves the rest alone", () => {
  const started = masterBlock(defaults, ms(0)).schedule;
  const block = lowerPriorityBlock(defaults, started, ms(1000));
  assert.deepEqual(block, { rounds: 5, schedule: { ...started, lowerPriority: 6000 } });
  assert.deepEqual(
    lowerPriorityBlock({ ...defaults, lowerPrioDelay: ms(0) }, emptySchedule, ms(1000)).schedule,
    emptySchedule,
  );
});

const pending = (owner: string, address: string, count: number) => ({ owner, on: "eth0", address, rounds: count });

test("queue without limit: everything at once, round by round", () => {
  const queue = enqueue(emptyQueue, [pending("a", "1.1.1.1", 2), pending("a", "2.2.2.2", 2)]);
  const taken = take(queue, ms(0), ms(5));
  assert.deepEqual(
    taken.send.map(({ address }) => address),
    ["1.1.1.1", "2.2.2.2", "1.1.1.1", "2.2.2.2"],
  );
  assert.deepEqual([taken.queue.pending, taken.wakeAt], [[], undefined]);
});

test("queue with vrrp_garp_interval: one per gap, round robin over owners", () => {
  let queue: GarpQueue = enqueue(emptyQueue, [pending("a", "1.1.1.1", 2), pending("b", "2.2.2.2", 1)]);
  const sent: [number, string][] = [];
  for (let now = 0; now <= 400; now += 10) {
    const taken = take(queue, ms(100), ms(now));
    queue = taken.queue;
    for (const { address } of taken.send) sent.push([now, address]);
  }
  assert.deepEqual(sent, [
    [0, "1.1.1.1"],
    [100, "2.2.2.2"],
    [200, "1.1.1.1"],
  ]);
});

test("queue: an address waits once, with the larger count; leaving MASTER empties it", () => {
  const queue = enqueue(enqueue(emptyQueue, [pending("a", "1.1.1.1", 2), pending("b", "1.1.1.1", 1)]), [
    pending("a", "1.1.1.1", 5),
  ]);
  assert.deepEqual(queue.pending, [pending("a", "1.1.1.1", 5), pending("b", "1.1.1.1", 1)]);
  assert.deepEqual(withdraw(queue, "a").pending, [pending("b", "1.1.1.1", 1)]);
});

test("lanes of links that are gone are given up", () => {
  const clock = new SimClock();
  let index = 0;
  const mac = Uint8Array.of(0, 0, 0x5e, 0, 1, 1);
  const link = (name: string) => ({ index, name, running: true, noArp: false, multicast: true, mtu: 1500, mac });
  const network = { link } as unknown as HostNetwork;
  const log = Object.assign(() => undefined, { detail: false });
  using sender = new GarpSender({ clock, network, sendFrame: () => 0, log });
  for (index = 1; index <= 10_000; index++) {
    sender.announce("A", "vrrp.1", ["192.0.2.1"], 1);
    clock.advance(1);
  }
  assert.ok(sender.lanes <= 64, `${sender.lanes} lanes`);
});
