import assert from "node:assert/strict";
import { test } from "node:test";
import { vrid } from "../../main/units.js";
import { syncGroup } from "../harness/config-fixtures.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, foreignAdvert, instanceConfig, SimRouter, virtualAddress } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** A large vrrp_sync_group is told of an order in pieces, one per turn of the loop; whatever happens in between, it moves as one. */

const member = (i: number) =>
  instanceConfig({ name: `V${i}`, vrid: vrid(1 + i), virtualAddresses: [virtualAddress(`198.51.100.${1 + i}`)] });
const members = Array.from({ length: 100 }, (_, i) => member(i));

class Stand {
  readonly clock = new SimClock();
  readonly segment = new SimSegment(this.clock);
  readonly sim: SimRouter;
  #waiting: (() => void)[] = [];

  constructor() {
    this.segment.delay = 0;
    const later = (fn: () => void): void => void this.#waiting.push(fn);
    this.sim = new SimRouter("us", "192.0.2.1", this.clock, this.segment, { later });
    this.sim.router.start(this.config());
    this.turns();
    this.sim.take();
  }

  config(of = members, group = "G") {
    const names = of.map(({ name }) => name);
    return daemonConfig(of, { syncGroups: [syncGroup(group, names)] });
  }

  /** One turn of the loop has one piece of each order. */
  turn(): boolean {
    const now = this.#waiting;
    this.#waiting = [];
    for (const fn of now) fn();
    return this.#waiting.length > 0;
  }

  turns(): void {
    while (this.turn());
  }

  count(state: string): number {
    return this.sim.router.snapshot().filter((one) => one.state === state).length;
  }

  told(): readonly string[] {
    return this.sim.take().filter((line) => line.startsWith("group"));
  }

  /** Every timer has ended, and the first piece of the order MASTER was carried out. */
  begin(): void {
    this.clock.advance(3700);
    assert.ok(this.count("MASTER") > 0 && this.count("BACKUP") > 0, `${this.count("MASTER")} are MASTER`);
  }
}

test("all move, a piece per turn, and the group is told of once, at the end", () => {
  const stand = new Stand();
  stand.begin();
  assert.deepEqual(stand.told(), []);
  for (let before = stand.count("MASTER"); stand.turn(); before = stand.count("MASTER"))
    assert.ok(stand.count("MASTER") - before <= 16);
  assert.equal(stand.count("MASTER"), 100);
  assert.deepEqual(stand.told(), ["group G -> MASTER"]);
});

test("a stronger router is heard meanwhile: all go back, none stays MASTER", () => {
  const stand = new Stand();
  stand.begin();
  const claimed = stand.sim.router.snapshot().findIndex(({ state }) => state === "MASTER");
  stand.segment.inject(foreignAdvert(members[claimed] ?? assert.fail(), 200));
  stand.clock.advance(0);
  stand.turns();
  assert.equal(stand.count("BACKUP"), 100);
  assert.deepEqual(stand.told(), ["group G -> MASTER", "group G -> BACKUP"]);
});

test("the link goes down meanwhile: all are in FAULT, and come back together", () => {
  const stand = new Stand();
  stand.begin();
  stand.sim.host.setRunning(false);
  stand.turns();
  assert.equal(stand.count("FAULT"), 100);
  stand.sim.host.setRunning(true);
  stand.turns();
  assert.equal(stand.count("BACKUP"), 100);
  assert.deepEqual(stand.told(), ["group G -> MASTER", "group G -> FAULT", "group G -> BACKUP"]);
});

test("a reload meanwhile, with a member less: the others end as MASTER, without a detour", () => {
  const stand = new Stand();
  stand.begin();
  stand.sim.router.reload(stand.config(members.slice(0, 99)));
  stand.turns();
  assert.equal(stand.count("MASTER"), 99);
  assert.deepEqual(stand.told(), ["group G -> MASTER"]);
  assert.equal(stand.sim.transitions.filter(({ from, to }) => from === "MASTER" && to === "BACKUP").length, 0);
});

test("a reload meanwhile that takes the group away: nobody is told any more, each goes its own way", () => {
  const stand = new Stand();
  stand.begin();
  const before = stand.count("MASTER");
  stand.sim.router.reload(daemonConfig(members));
  stand.turns();
  assert.ok(stand.count("MASTER") >= before);
  stand.clock.advance(3700);
  assert.equal(stand.count("MASTER"), 100);
});

test("a stop meanwhile: the group is told of in order", () => {
  const stand = new Stand();
  stand.begin();
  void stand.sim.router.stop({ release: true });
  stand.turns();
  assert.deepEqual(stand.told(), ["group G -> MASTER", "group G -> STOP"]);
  assert.ok(members.every((_, i) => !stand.sim.host.has(`198.51.100.${1 + i}`)));
});
