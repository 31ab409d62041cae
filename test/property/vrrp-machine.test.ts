import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ms, priority } from "../../main/units.js";
import { step } from "../../main/vrrp/machine.js";
import type { Event, State, TimerName } from "../../main/vrrp/machine-types.js";
import type { Tracking } from "../../main/vrrp/tracking.js";
import { instanceConfig } from "../simulation/sim-router.js";

const tracking: fc.Arbitrary<Tracking> = fc.record({
  effective: fc.integer({ min: 1, max: 254 }).map(priority),
  faults: fc.constantFrom([], [], [], [{ kind: "interface-down" as const, name: "eth0" }]),
  waiting: fc.constantFrom([], [], ["chk"]),
  contributions: fc.constant([]),
});

const config = fc
  .record({
    version: fc.constantFrom(2 as const, 3 as const),
    basePriority: fc.constantFrom(100, 255).map(priority),
    initialState: fc.constantFrom("MASTER" as const, "BACKUP" as const),
    preempt: fc.boolean(),
    preemptDelay: fc.constantFrom(0, 3000).map(ms),
    lowerPrioNoAdvert: fc.boolean(),
    higherPrioSendAdvert: fc.boolean(),
  })
  .map(instanceConfig);

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.constantFrom<Event>(
    { on: "start" },
    { on: "resume" },
    { on: "masterDownTimer" },
    { on: "advertTimer" },
    { on: "rogueTimer" },
    { on: "addressLost", what: "ip address" },
  ),
  { weight: 1, arbitrary: fc.boolean().map((release): Event => ({ on: "shutdown", release })) },
  { weight: 4, arbitrary: tracking.map((next): Event => ({ on: "tracking", next })) },
  {
    weight: 8,
    arbitrary: fc.record({
      on: fc.constant("advert" as const),
      priority: fc.constantFrom(0, 1, 99, 100, 101, 254, 255),
      interval: fc.constantFrom(100, 1000).map(ms),
      source: fc.constantFrom("192.0.2.8", "192.0.2.9"),
      order: fc.constantFrom(-1 as const, 0 as const, 1 as const),
    }),
  },
);

/** Timers as the shell has them after `effects`, and what else it holds. */
class Shell {
  readonly armed = new Set<TimerName>();
  holds = false;
  announces = false;

  perform(effects: ReturnType<typeof step>["effects"]): void {
    for (const effect of effects) {
      if (effect.do === "arm") this.armed.add(effect.timer);
      if (effect.do === "disarm") this.armed.delete(effect.timer);
      if (effect.do === "claimAddresses") this.holds = true;
      if (effect.do === "releaseAddresses") this.holds = false;
      if (effect.do === "announce") this.announces = true;
      if (effect.do === "stopAnnouncing") this.announces = false;
    }
  }
}

const timersOf = (state: State): TimerName[] => {
  if (state.at === "backup") return ["masterDown"];
  if (state.at === "master") return state.rogueUntil === undefined ? ["advert"] : ["advert", "rogue"];
  return [];
};

test("whatever happens: timers and addresses are those of the state, and time does not run backwards", () => {
  fc.assert(
    fc.property(config, tracking, fc.array(fc.tuple(fc.nat(5000), event), { maxLength: 60 }), (c, first, events) => {
      const shell = new Shell();
      let inForce = first;
      let state: State = { at: "init" };
      let now = ms(1000);
      let leaves = false;
      for (const [passed, next] of events) {
        now = ms(now + passed);
        if (next.on === "masterDownTimer") shell.armed.delete("masterDown");
        const wasBackup = state.at === "backup";
        const before: State = state;
        const result = step({ config: c, tracking: inForce, now }, state, next);
        if (next.on === "masterDownTimer" && !wasBackup) assert.deepEqual(result.effects, []);
        if (next.on === "tracking") inForce = next.next;
        if (next.on === "rogueTimer") shell.armed.delete("rogue");
        if (next.on === "shutdown" && before.at === "master") leaves = !next.release;
        shell.perform(result.effects);
        state = result.state;
        assert.deepEqual(shell.armed, new Set(timersOf(state)), `after ${next.on} in ${before.at}`);
        assert.equal(shell.holds, state.at === "master" || leaves);
        assert.ok(state.at === "master" || !shell.announces);
        if (state.at === "backup" && before.at !== "backup") assert.ok(state.downAt >= now);
      }
    }),
    { numRuns: 300 },
  );
});

test("every step changes state and tells of it, or does neither", () => {
  fc.assert(
    fc.property(config, tracking, fc.array(event, { maxLength: 40 }), (c, first, events) => {
      let inForce = first;
      let state: State = { at: "init" };
      for (const next of events) {
        const result = step({ config: c, tracking: inForce, now: ms(1000) }, state, next);
        const told = result.effects.filter((e) => e.do === "transition").length;
        const silent = result.state.at === "waiting" || next.on === "resume" || state.at === "init";
        const changed: boolean = result.state.at !== state.at;
        if (!silent) assert.equal(told, changed ? 1 : 0, `${next.on}: ${state.at} to ${result.state.at}`);
        if (next.on === "tracking") inForce = next.next;
        state = result.state;
      }
    }),
    { numRuns: 300 },
  );
});
