import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { PoolChanges } from "../../main/control/pool-changes.js";
import type { LivePool } from "../../main/health/director.js";
import { entryFromConfig } from "../../main/ipvs/from-config.js";
import type { ServiceEntry } from "../../main/ipvs/table.js";
import { ms, port } from "../../main/units.js";
import { realServer, virtualServer } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";

const serversEach = 250;
const services = 100;

const farm = Array.from({ length: services }, (_, vs) =>
  virtualServer({
    service: { kind: "address", address: `192.0.2.${vs}`, port: port(80), protocol: "TCP" },
    realServers: Array.from({ length: serversEach }, (_, rs) => realServer({ address: `10.1.${vs}.${rs}` })),
  }),
);

function setUp() {
  const clock = new HandClock();
  const written: ServiceEntry[] = [];
  const changes = new PoolChanges(
    clock,
    (entry) => written.push(entry),
    function* ({ config, entries }) {
      yield entryFromConfig(config, entries());
    },
  );
  /** Of its servers the first `dead` are out. */
  const change = (vs: number, dead: number, isInForce = () => true): void => {
    const config = farm[vs];
    if (config === undefined) throw new RangeError(`no virtual server ${vs}`);
    const entries = (): LivePool["entries"] extends () => infer Pool ? Pool : never =>
      config.realServers.slice(dead).map((server) => ({ ...server, isSorry: false }));
    changes.changed({ config, isInForce, entries });
  };
  const pass = async (time: number): Promise<void> => {
    clock.advance(ms(time));
    for (let turns = 0; turns < 100; turns++) await turn();
  };
  return { written, change, pass };
}

test("one change is written within 5 ms, many of one virtual server at once are one", async () => {
  const { written, change, pass } = setUp();
  for (let dead = 1; dead <= 100; dead++) change(0, dead);
  await pass(5);
  assert.deepEqual(
    written.map(({ destinations }) => destinations.size),
    [serversEach - 100],
  );
});

test("a storm that lasts looks at each virtual server a few times a second, and never at an old state last", async () => {
  const { written, change, pass } = setUp();
  for (let dead = 1; dead <= serversEach; dead++) {
    for (let vs = 0; vs < services; vs++) change(vs, dead); // a server of each, every 8 ms
    await pass(8);
  }
  await pass(250);
  const seconds = (serversEach * 8) / 1000;
  assert.ok(written.length >= 2 * services, `${written.length}: they are written while it lasts, too`);
  assert.ok(written.length <= 10 * seconds * services, `${written.length} pools looked at in ${seconds} s`);
  const last = new Map(written.map(({ service, destinations }) => [JSON.stringify(service.match), destinations.size]));
  assert.deepEqual([...new Set(last.values())], [0]);
});

test("what a reload has replaced meanwhile is not written", async () => {
  const { written, change, pass } = setUp();
  change(0, 1, () => false);
  change(1, 1);
  await pass(5);
  assert.equal(written.length, 1);
});
