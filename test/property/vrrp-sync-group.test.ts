import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { VrrpScriptConfig } from "../../main/config/model.js";
import { ms, priority, vrid } from "../../main/units.js";
import { syncGroup } from "../harness/config-fixtures.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, foreignAdvert, instanceConfig, SimRouter, virtualAddress } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** Whatever happens to members of a sync group, after it they are in one state. */

const members = [1, 2, 3].map((n) =>
  instanceConfig({
    name: `V${n}`,
    vrid: vrid(n),
    version: 3,
    advertInterval: ms(100),
    basePriority: priority(90 + 10 * n),
    virtualAddresses: [virtualAddress(`192.0.2.10${n}`)],
    trackScripts: [{ name: `chk${n}`, weight: 0, reverse: false }],
  }),
);

const scripts = members.map(
  (_, i): VrrpScriptConfig => ({
    name: `chk${i + 1}`,
    command: { argv: [`/chk${i + 1}`], user: { name: "root", uid: 0, gid: 0 } },
    interval: ms(200),
    timeout: ms(200),
    weight: 0,
    reverse: false,
    rise: 1,
    fall: 1,
    initFail: false,
  }),
);

type Happening =
  | { readonly what: "pass"; readonly time: number }
  | { readonly what: "hear"; readonly member: number; readonly priority: number }
  | { readonly what: "exit"; readonly member: number; readonly code: number }
  | { readonly what: "lose"; readonly member: number }
  | { readonly what: "link"; readonly up: boolean }
  | { readonly what: "reload"; readonly members: number };

const member = fc.integer({ min: 1, max: 3 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant("pass" as const), time: fc.integer({ min: 1, max: 600 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("hear" as const),
      member,
      priority: fc.constantFrom(0, 1, 105, 110, 200),
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("exit" as const), member, code: fc.constantFrom(0, 0, 1) }) },
  fc.record({ what: fc.constant("lose" as const), member }),
  fc.record({ what: fc.constant("link" as const), up: fc.boolean() }),
  fc.record({ what: fc.constant("reload" as const), members: fc.integer({ min: 1, max: 3 }) }),
);

class World {
  readonly #clock = new SimClock();
  readonly #segment = new SimSegment(this.#clock);
  readonly #sim = new SimRouter("us", "192.0.2.1", this.#clock, this.#segment);

  /** @param begin whose scripts have reported */
  constructor(begin: readonly number[]) {
    this.#segment.delay = 0;
    this.#sim.router.start(this.#config(3));
    this.#clock.advance(1);
    for (const n of begin) this.#sim.exit(`/chk${n}`, 0);
  }

  #config(count: number) {
    const group = syncGroup(
      "G",
      members.slice(0, count).map(({ name }) => name),
    );
    return daemonConfig(members, { syncGroups: [group], vrrpScripts: scripts });
  }

  happen(event: Happening): void {
    switch (event.what) {
      case "pass":
        this.#clock.advance(event.time);
        return;
      case "hear":
        this.#hear(event.member, event.priority);
        return;
      case "exit":
        if (this.#sim.running.some(({ command }) => command === `/chk${event.member}`)) {
          this.#sim.exit(`/chk${event.member}`, event.code);
        }
        return;
      case "lose":
        this.#sim.host.lose(`192.0.2.10${event.member}`);
        return;
      case "link":
        this.#sim.host.setRunning(event.up);
        return;
      case "reload":
        this.#sim.router.reload(this.#config(event.members));
        return;
    }
  }

  #hear(n: number, at: number): void {
    const config = members[n - 1];
    assert(config !== undefined);
    this.#segment.inject(foreignAdvert(config, at));
    this.#clock.advance(0);
  }

  check(): void {
    const [group] = this.#sim.router.groups();
    assert(group !== undefined);
    const inside = this.#sim.router.snapshot().filter(({ config }) => group.config.members.includes(config.name));
    const states = inside.map(({ config, state }) => `${config.name} ${state}`).join(", ");
    // One that a reload brought may wait for its script. Nobody leads meanwhile.
    const ready = inside.filter((one) => one.faults.length > 0 || one.waitingForScripts.length === 0);
    const moved = new Set(ready.map(({ state }) => state));
    assert.ok(moved.size <= 1, states);
    if (moved.has("MASTER"))
      assert.ok(
        inside.every(({ state }) => state === "MASTER"),
        states,
      );
    for (const state of moved) assert.equal(group.state, state, `the group is where its members are: ${states}`);
    for (const { state, virtualAddresses } of inside) {
      if (state !== "MASTER") assert.ok(!virtualAddresses.some(({ set }) => set), "only a master holds addresses");
    }
  }
}

test("members of a sync group are in one state after whatever happens", () => {
  fc.assert(
    fc.property(
      fc.constantFrom([1, 2, 3], [1, 2, 3], [2]),
      fc.array(happening, { maxLength: 60 }),
      (begin, happenings) => {
        const world = new World(begin);
        world.check();
        for (const event of happenings) {
          world.happen(event);
          world.check();
        }
      },
    ),
    { numRuns: 150 },
  );
});
