import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { virtualServerName } from "../../main/health/names.js";
import { aliveWeight } from "../../main/health/quorum.js";
import { isAlive, realServer as serverState } from "../../main/health/real-server.js";
import { applyReport, poolOf, startVirtualServer } from "../../main/health/virtual-server.js";
import type { VirtualServerContext, VirtualServerState } from "../../main/health/virtual-server-state.js";
import { port } from "../../main/units.js";
import { realServer, tcpCheck, virtualServer } from "../unit/health-fixtures.js";

const server = fc.record({
  weight: fc.nat({ max: 5 }),
  inhibitOnFailure: fc.boolean(),
  checks: fc.nat({ max: 3 }).map((n) => Array.from({ length: n }, () => tcpCheck())),
});

const context: fc.Arbitrary<VirtualServerContext> = fc
  .record({
    realServers: fc.array(server, { minLength: 1, maxLength: 6 }),
    quorum: fc.integer({ min: 1, max: 10 }),
    hysteresis: fc.nat({ max: 9 }),
    sorryServer: fc.constantFrom(undefined, { address: "10.9.9.9", port: port(80) }),
    sorryServerInhibit: fc.boolean(),
  })
  .map(({ realServers, quorum, hysteresis, ...rest }) => {
    const config = virtualServer({
      ...rest,
      quorum,
      hysteresis: Math.min(hysteresis, quorum - 1),
      realServers: realServers.map((over, i) => realServer({ ...over, address: `10.0.0.${i + 1}` })),
    });
    return { config, name: virtualServerName(config.service), routerId: "lb1" };
  });

const reports = fc.array(fc.record({ server: fc.nat(), checker: fc.nat(), up: fc.boolean() }), { maxLength: 40 });
type Report = { readonly server: number; readonly checker: number; readonly up: boolean };

/** All states that the reports lead through, with the number of quorum events of each step. */
function* states(vs: VirtualServerContext, told: readonly Report[]): Generator<readonly [VirtualServerState, number]> {
  const { realServers } = vs.config;
  const events = (effects: ReturnType<typeof startVirtualServer>["effects"]): number =>
    effects.filter((effect) => effect.do === "notify" && effect.event.kind === "virtual-server").length;
  let step = startVirtualServer(
    vs,
    realServers.map(({ checks }) => serverState(checks.map(() => "unrun-up"))),
  );
  yield [step.state, events(step.effects)];
  for (const { server, checker, up } of told) {
    const at = server % realServers.length;
    const checks = realServers[at]?.checks.length ?? 0;
    if (checks === 0) continue;
    step = applyReport(vs, step.state, { server: at, checker: checker % checks, up, mailBody: "" });
    yield [step.state, events(step.effects)];
  }
}

test("the pool is never empty while a server is alive or a sorry server is configured", () => {
  fc.assert(
    fc.property(context, reports, (vs, told) => {
      for (const [state] of states(vs, told)) {
        const somebody = state.servers.some(isAlive) || vs.config.sorryServer !== undefined;
        if (somebody) assert.notEqual([...poolOf(vs, state)].length, 0);
      }
    }),
  );
});

test("nobody who is down gets connections, and a sorry server never shares them", () => {
  fc.assert(
    fc.property(context, reports, (vs, told) => {
      for (const [state] of states(vs, told)) {
        const serving = [...poolOf(vs, state)].filter(({ weight }) => weight > 0);
        for (const entry of serving) {
          const at = vs.config.realServers.findIndex(({ address }) => address === entry.address);
          const real = state.servers[at];
          if (!entry.isSorry) assert.ok(real !== undefined && isAlive(real));
        }
        if (serving.some(({ isSorry }) => isSorry)) assert.equal(serving.length, 1);
      }
    }),
  );
});

test("the quorum follows the weight outside of the hysteresis, and every change of it is told once", () => {
  fc.assert(
    fc.property(context, reports, (vs, told) => {
      const { quorum, hysteresis } = vs.config;
      let before: string | undefined;
      for (const [state, events] of states(vs, told)) {
        const weight = aliveWeight(vs.config, state.servers);
        assert.equal(state.weightAlive, weight, "counted as it goes");
        if (weight >= quorum + hysteresis) assert.equal(state.quorum, "up");
        if (weight === 0 || weight < quorum - hysteresis) assert.equal(state.quorum, "down");
        assert.equal(events, state.quorum === before ? 0 : 1);
        before = state.quorum;
      }
    }),
  );
});
