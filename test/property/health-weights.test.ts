import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { carryOver } from "../../main/health/carry-over.js";
import { aliveWeight } from "../../main/health/quorum.js";
import { realServer as stateOf } from "../../main/health/real-server.js";
import { applyReport, poolOf, startVirtualServer } from "../../main/health/virtual-server.js";
import { weightDelta } from "../../main/health/weights.js";
import { config, identityOf, miscCheck, realServer, virtualServer } from "../unit/health-fixtures.js";

const CHECKERS = 3;
const checks = ["a", "b", "c"].map((name) => miscCheck({ argv: [`/bin/${name}`], dynamic: true }));

function contextOf(weights: readonly number[], quorum: number) {
  const realServers = weights.map((weight, i) => realServer({ weight, checks, address: `10.0.0.${i + 1}` }));
  const [only] = config([virtualServer({ realServers, quorum })]).virtualServers;
  assert.ok(only);
  return { config: only, name: "vs", routerId: "r" };
}

const runs = fc.array(
  fc.record({
    server: fc.nat(2),
    checker: fc.nat(CHECKERS - 1),
    status: fc.oneof(fc.constantFrom(0, 1, 2), fc.nat(255)),
  }),
  { maxLength: 60 },
);
const weights = fc.array(fc.constantFrom(0, 1, 10, 253, 0x7fff_ffff), { minLength: 3, maxLength: 3 });

test("weights: after any runs, each server's is what is configured and what its checkers said last, and the sum is theirs", () => {
  fc.assert(
    fc.property(weights, weights, fc.integer({ min: 1, max: 300 }), runs, (before, after, quorum, sequence) => {
      const context = contextOf(before, quorum);
      const servers = before.map(() => stateOf(checks.map(() => "up")));
      let { state } = startVirtualServer(context, servers);
      const last = new Map<string, number>();
      const down = new Set<string>();
      const keyOf = (server: number, checker: number): string => `${server} ${checker}`;
      const wanted = (configured: readonly number[], server: number): number => {
        let sum = configured[server] ?? 0;
        for (const [i] of checks.entries()) {
          const status = last.get(keyOf(server, i)) ?? 0;
          if (status >= 2) sum += status - 2 - (configured[server] ?? 0);
        }
        return Math.min(0x7fff_ffff, Math.max(0, sum));
      };
      const isAlive = (server: number): boolean => !checks.some((_, i) => down.has(keyOf(server, i)));
      const assertWeights = (of: typeof context, now: typeof state, configured: readonly number[]): void => {
        const alive = configured.flatMap((_, i) => (isAlive(i) ? [wanted(configured, i)] : []));
        assert.deepEqual(
          [...poolOf(of, now)].map(({ weight }) => weight),
          alive,
        );
        assert.equal(
          now.weightAlive,
          alive.reduce((sum, weight) => sum + weight, 0),
        );
        assert.equal(aliveWeight(of.config, now.servers), now.weightAlive);
      };
      for (const { server, checker, status } of sequence) {
        const [up, check] = [status !== 1, checks[checker] ?? assert.fail()];
        last.set(keyOf(server, checker), up ? status : 0);
        down[up ? "delete" : "add"](keyOf(server, checker));
        const delta = weightDelta(check, up ? status : 0, before[server] ?? 0);
        state = applyReport(context, state, { server, checker, up, delta, mailBody: "" }).state;
        assertWeights(context, state, before);
      }
      // A reload with other weights; here every server has checks of its own, so their values are asked for in order.
      const next = contextOf(after, quorum);
      let asked = 0;
      const value = (): number | undefined => last.get(keyOf(Math.floor(asked / CHECKERS), asked++ % CHECKERS));
      const steps = carryOver(next, { context, state }, { identityOf, known: () => undefined, value });
      let step = steps.next();
      while (step.done !== true) step = steps.next();
      assertWeights(next, step.value.state, after);
    }),
  );
});
