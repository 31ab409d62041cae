import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStatus, type StatusDocument } from "../../main/control/status.js";
import { renderStatus } from "../../main/control/status-render.js";
import { virtualServerStatus } from "../../main/control/status-view.js";
import { HealthDirector } from "../../main/health/director.js";
import { ms } from "../../main/units.js";
import { config, realServer, virtualServer } from "./health-fixtures.js";
import { recordingLog } from "./notify-support.js";

async function statusOf(rests: boolean): Promise<StatusDocument> {
  const director = new HealthDirector({
    log: recordingLog().log,
    identityOf: ({ type }) => type,
    known: () => "up",
    remember: () => undefined,
    forget: () => undefined,
    onPoolChange: () => undefined,
    onServerEvent: () => undefined,
  });
  await director.start(config([virtualServer({ haSuspend: true, realServers: [realServer()] })]));
  await director.suspend(() => rests);
  const virtualServers = [...director.views()].map(({ config: of, snapshot }) => {
    const { realServers, ...rest } = virtualServerStatus(of, snapshot);
    return { ...rest, realServers: [...realServers] };
  });
  const document = {
    version: "1",
    pid: 1,
    instances: [],
    virtualServers,
    ipvs: { backend: "memory", services: 1, destinations: 1, pollPeriodMs: 1000, drift: 0 },
    latency: {},
    loopDelay: { p50: ms(0), p99: ms(0), max: ms(0), count: 0, late: 0, worstLate: ms(0), causes: {} },
    log: { dropped: 0 },
  };
  return parseStatus(JSON.parse(JSON.stringify(document))) ?? assert.fail("no status");
}

const states = (status: StatusDocument): readonly string[] =>
  renderStatus(status)
    .split("\n")
    .filter((line) => /tcp/.test(line))
    .map((line) => line.split(/ {2,}/).find((cell) => /^(up|DOWN|NO)/.test(cell)) ?? line);

test("what nobody checks for ha_suspend is marked in the status, virtual server and real servers", async () => {
  const status = await statusOf(true);
  assert.equal(status.virtualServers[0]?.suspended, true);
  assert.deepEqual(states(status), ["up, rests", "up, rests"]);
});

test("what is checked is not", async () => {
  const status = await statusOf(false);
  assert.equal("suspended" in (status.virtualServers[0] ?? {}), false);
  assert.deepEqual(states(status), ["up", "up"]);
});
