import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { virtualServerName } from "../../main/health/names.js";
import { aliveWeight } from "../../main/health/quorum.js";
import { isAlive, realServer as serverState } from "../../main/health/real-server.js";
import { isInService, mostOut } from "../../main/health/removal-floor.js";
import { applyRelease, applyReport, poolOf, startVirtualServer } from "../../main/health/virtual-server.js";
import type { Step, VirtualServerContext } from "../../main/health/virtual-server-state.js";
import { ms, port } from "../../main/units.js";
import { realServer, tcpCheck, virtualServer } from "../unit/health-fixtures.js";

const server = fc.record({
  weight: fc.integer({ min: 1, max: 5 }),
  inhibitOnFailure: fc.boolean(),
  checks: fc.integer({ min: 1, max: 2 }).map((n) => Array.from({ length: n }, () => tcpCheck())),
});

const context: fc.Arbitrary<VirtualServerContext> = fc
  .record({
    realServers: fc.array(server, { minLength: 1, maxLength: 7 }),
    quorum: fc.integer({ min: 1, max: 6 }),
    sorryServer: fc.constantFrom(undefined, { address: "10.9.9.9", port: port(80) }),
    floor: fc.option(
      fc.record({ percent: fc.nat({ max: 100 }), confirm: fc.integer({ min: 1, max: 40 }).map((s) => ms(s * 1000)) }),
      { nil: undefined, freq: 8 },
    ),
  })
  .map(({ realServers, floor, ...rest }) => {
    const config = virtualServer({
      ...rest,
      ...(floor === undefined ? {} : { removalFloor: floor }),
      realServers: realServers.map((over, i) => realServer({ ...over, address: `10.0.0.${i + 1}` })),
    });
    return { config, name: virtualServerName(config.service), routerId: "lb1" };
  });

/** Time passes, then a check reports, or the table is frozen or let go. Who is due goes in between, as by the timer. */
const happening = fc.record({
  after: fc.nat({ max: 15_000 }),
  what: fc.oneof(
    { weight: 9, arbitrary: fc.record({ server: fc.nat(), checker: fc.nat(), up: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constantFrom("freeze" as const, "thaw" as const) },
  ),
});

interface Moment {
  readonly now: number;
  readonly frozen: boolean;
  readonly step: Step;
}

interface Run {
  readonly moments: readonly Moment[];
  /** When all checks of a server agreed the last time; undefined: they do. */
  readonly failedAt: ReadonlyMap<number, number>;
}

function* run(of: VirtualServerContext, told: readonly (typeof happening extends fc.Arbitrary<infer T> ? T : never)[]) {
  const { realServers } = of.config;
  const failedAt = new Map<number, number>();
  let now = 0;
  let frozen = false;
  let step = startVirtualServer(
    of,
    realServers.map(({ checks }) => serverState(checks.map(() => "unrun-up"))),
  );
  const shown = (): Moment & Pick<Run, "failedAt"> => ({ now, frozen, step, failedAt });
  yield shown();
  for (const { after, what } of told) {
    for (const until = now + after; now < until; ) {
      now = Math.min(until, now + 1000); // the timer, by and large
      step = applyRelease(of, step.state, { now: ms(now), frozen });
      yield shown();
    }
    if (typeof what === "string") {
      frozen = what === "freeze";
      step = applyRelease(of, step.state, { now: ms(now), frozen });
    } else {
      const at = what.server % realServers.length;
      const checker = what.checker % (realServers[at]?.checks.length ?? 1);
      const report = { server: at, checker, up: what.up, mailBody: "" };
      const wasAlive = isAlive(step.state.servers[at] ?? serverState([]));
      step = applyReport(of, step.state, report, { now: ms(now), frozen });
      const alive = isAlive(step.state.servers[at] ?? serverState([]));
      if (alive) failedAt.delete(at);
      else if (wasAlive) failedAt.set(at, now);
    }
    yield shown();
  }
}

const told = fc.array(happening, { maxLength: 40 });

test("unless its failure is confirmed nobody goes beyond the floor, and while the table is frozen nobody goes at all", () => {
  fc.assert(
    fc.property(context, told, (of, events) => {
      let before = new Set<number>();
      let wasFrozen = false;
      for (const { step, now, frozen, failedAt } of run(of, events)) {
        const out = new Set([...step.state.servers.keys()].filter((i) => !isInService(step.state.servers[i] ?? none)));
        const went = [...out].filter((i) => !before.has(i));
        if (frozen && wasFrozen) assert.deepEqual(went, []);
        const { removalFloor: floor, realServers } = of.config;
        if (floor !== undefined && went.length > 0) {
          const unconfirmed = went.filter((i) => now - (failedAt.get(i) ?? now) < floor.confirm);
          const most = mostOut(floor, realServers.length);
          if (unconfirmed.length > 0) assert.ok(out.size <= most, `${out.size} of ${realServers.length} are out`);
        }
        before = out;
        wasFrozen = frozen;
      }
    }),
  );
});

const none = serverState([]);
const byNumber = (a: number, b: number): number => a - b;

test("who has failed for long enough is out, unless the table is frozen; who is alive is in", () => {
  fc.assert(
    fc.property(context, told, (of, events) => {
      const { removalFloor: floor } = of.config;
      for (const { step, now, frozen, failedAt } of run(of, events)) {
        for (const [i, state] of step.state.servers.entries()) {
          if (isAlive(state)) assert.ok(isInService(state) && state.heldSince === undefined);
          else if (!frozen && now - (failedAt.get(i) ?? now) >= (floor?.confirm ?? 0) + 1000)
            assert.ok(!isInService(state));
        }
      }
    }),
  );
});

test("what is held back stays in the table with its weight, counts for the quorum, and the counts are right", () => {
  fc.assert(
    fc.property(context, told, (of, events) => {
      for (const { step } of run(of, events)) {
        const { state } = step;
        assert.equal(state.weightAlive, aliveWeight(of.config, state.servers));
        const held = [...state.servers.keys()].filter((i) => state.servers[i]?.heldSince !== undefined);
        assert.deepEqual([...(state.retention?.held ?? [])].sort(byNumber), held);
        if (state.retention !== undefined)
          assert.equal(state.retention.out, state.servers.filter((one) => !isInService(one)).length);
        const sorry = of.config.sorryServer !== undefined && state.quorum === "down";
        const pool = new Map([...poolOf(of, state)].map(({ address, weight }) => [address, weight]));
        for (const i of sorry ? [] : held)
          assert.equal(pool.get(of.config.realServers[i]?.address ?? ""), of.config.realServers[i]?.weight);
      }
    }),
  );
});

test("everybody hears of a server going and coming in turns, and of a held one nothing", () => {
  fc.assert(
    fc.property(context, told, (of, events) => {
      const up = new Map<string, boolean>();
      const remembered = new Set<number>();
      for (const { step } of run(of, events)) {
        for (const effect of step.effects) {
          if (effect.do === "held") {
            assert.equal(remembered.has(effect.server), effect.since === undefined);
            if (effect.since === undefined) remembered.delete(effect.server);
            else remembered.add(effect.server);
          }
          if (effect.do !== "notify" || effect.event.kind !== "real-server") continue;
          const { realServer: name } = effect.event;
          assert.equal(up.get(name) ?? true, !effect.event.up, name);
          up.set(name, effect.event.up);
        }
        const held = [...step.state.servers.keys()].filter((i) => step.state.servers[i]?.heldSince !== undefined);
        assert.deepEqual([...remembered].sort(byNumber), held);
      }
    }),
  );
});
