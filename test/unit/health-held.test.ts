import assert from "node:assert/strict";
import test, { afterEach, mock } from "node:test";
import type { Config, RemovalFloorConfig } from "../../main/config/model.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { HealthDirector } from "../../main/health/director.js";
import { virtualServerName } from "../../main/health/names.js";
import { ms, port } from "../../main/units.js";
import type { CheckEdge } from "../../workers/protocol.js";
import { config, identityOf, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";
import { recordingLog } from "./notify-support.js";

/** removal_floor and the self check around the director: timers, reloads, crashes, and who is told. */

const VS = "[192.0.2.1]:tcp:80";
const floor: RemovalFloorConfig = { percent: 50, confirm: ms(10_000) };

const farm = (count: number, removalFloor: RemovalFloorConfig | undefined = floor): Config =>
  config([
    virtualServer({
      ...(removalFloor && { removalFloor }),
      realServers: Array.from({ length: count }, (_, i) =>
        realServer({ address: `10.0.0.${i + 1}`, smtpAlert: false, checks: [tcpCheck({}, 80, `10.0.0.${i + 1}`)] }),
      ),
    }),
  ]);

afterEach(() => mock.restoreAll());

function setUp(memory = Buffer.alloc(64 * 1024), clock = new HandClock()) {
  mock.method(performance, "now", () => 0); // what is done at once is done
  const { log, lines } = recordingLog();
  const events: string[] = [];
  const quorums: string[] = [];
  let pools = 0;
  const lasting = new LastingState(new StateSlab(memory));
  const director = new HealthDirector({
    log,
    identityOf,
    known: (identity) => lasting.health(identity),
    remember: (identity, up, value) => lasting.rememberHealth(identity, up, value),
    forget: (identity) => lasting.forgetHealth(identity),
    onPoolChange: () => pools++,
    onServerEvent: (event) => events.push(`${event.kind} ${event.up ? "UP" : "DOWN"}`),
    onQuorum: (server, quorum) => quorums.push(`${virtualServerName(server.service)} ${quorum}`),
    clock,
    heldMemory: lasting.held,
  });
  const pool = (): string[] =>
    [...(director.livePool(0)?.entries() ?? [])].map(({ address, weight }) => `${address} ${weight}`);
  const tell = (up: boolean, ...ids: number[]): void => director.onEdges(ids.map((id) => edge(id, up)));
  const held = (): unknown =>
    [...director.snapshot()].map(({ realServers }) => Array.from(realServers, ({ heldSince }) => heldSince));
  const said = (words: string): boolean => lines.some(({ sentence }) => sentence.includes(words));
  return { director, clock, said, events, quorums, pool, tell, held, memory, pools: () => pools };
}

const edge = (id: number, up: boolean): CheckEdge => ({
  id: id as CheckEdge["id"],
  up,
  outcome: up ? "up" : "refused",
  retries: up ? 0 : 1,
  latency: ms(1),
  status: 0,
});
const all = (...n: number[]): string[] => n.map((i) => `10.0.0.${i} 1`);

test("half of the pool goes at once, the other half when its failure is confirmed, and only then the quorum", async () => {
  const { director, clock, said, events, quorums, pool, tell, held } = setUp();
  await director.start(farm(4));
  assert.deepEqual(quorums, [`${VS} up`]);
  events.length = 0;
  tell(false, 1, 2, 3, 4);
  assert.deepEqual([pool(), held()], [all(3, 4), [[undefined, undefined, 0, 0]]]);
  assert.deepEqual(events, ["real-server DOWN", "real-server DOWN"], "nobody is told of who stays");
  const sentence =
    "Holding back service [10.0.0.4]:tcp:80 of VS [192.0.2.1]:tcp:80: removal_floor lets 2 of 4 go at once; it goes when it has failed for 10 s";
  assert.ok(said(sentence));
  clock.advance(9999);
  assert.deepEqual(pool(), all(3, 4));
  clock.advance(1);
  assert.deepEqual([pool(), events.at(-1), quorums.at(-1)], [[], "virtual-server DOWN", `${VS} down`]);
  assert.equal(clock.timers, 0);
});

test("who recovers stays without a word to anybody, and leaves its place to who still fails", async () => {
  const { director, clock, said, events, pool, tell } = setUp();
  await director.start(farm(4));
  tell(false, 1, 2, 3);
  events.length = 0;
  tell(true, 3);
  assert.deepEqual([pool(), events], [all(3, 4), []]);
  assert.ok(said("service [10.0.0.3]:tcp:80 of VS [192.0.2.1]:tcp:80 has recovered"));
  tell(false, 4);
  tell(true, 1);
  assert.deepEqual([pool(), events], [all(1, 3), ["real-server UP", "real-server DOWN"]], "4 goes: there is room");
  clock.advance(60_000);
  assert.deepEqual(pool(), all(1, 3));
});

test("a reload keeps who is held back, and a reload without the floor lets them go", async () => {
  const { director, clock, pool, tell } = setUp();
  await director.start(farm(2));
  tell(false, 1, 2);
  clock.advance(4000);
  await director.reload(farm(3));
  assert.deepEqual(pool(), all(2, 3));
  clock.advance(5999);
  assert.deepEqual(pool(), all(2, 3));
  clock.advance(1);
  assert.deepEqual(pool(), all(3));
  tell(false, 3);
  assert.deepEqual(pool(), all(3), "held back");
  await director.reload(farm(3, { ...floor, percent: 100 }));
  clock.advance(0);
  assert.deepEqual(pool(), []);
});

test("a crash forgets neither who is held back nor since when, and nobody who was out comes back", async () => {
  const before = setUp();
  await before.director.start(farm(4));
  before.tell(false, 1, 2, 3);
  before.clock.advance(6000);
  mock.restoreAll();
  const { director, clock, pool, tell } = setUp(before.memory, before.clock);
  await director.start(farm(4));
  assert.deepEqual(pool(), all(3, 4));
  clock.advance(4000);
  assert.deepEqual(pool(), all(4));
  tell(true, 3);
  mock.restoreAll();
  const third = setUp(before.memory, before.clock);
  await third.director.start(farm(4));
  assert.deepEqual(third.pool(), all(3, 4));
  assert.deepEqual(third.held(), [[undefined, undefined, undefined, undefined]], "no record is left over");
});

test("a frozen table loses nobody until it is let go, and then only who is still down", async () => {
  const { director, clock, said, pool, tell } = setUp();
  await director.start(farm(3, { ...floor, percent: 100 }));
  director.freeze(true);
  tell(false, 1, 2);
  clock.advance(60_000);
  assert.deepEqual(pool(), all(1, 2, 3));
  assert.ok(said("self_check holds the table"));
  tell(true, 2);
  director.freeze(false);
  clock.advance(0);
  assert.deepEqual(pool(), all(2, 3));
});

test("a floor beside a frozen table: nobody goes before the end, however long ago he failed, and no timer runs", async () => {
  const { director, clock, pool, tell } = setUp();
  await director.start(farm(2));
  tell(false, 1, 2);
  director.freeze(true);
  clock.advance(30_000);
  assert.deepEqual([pool(), clock.timers], [all(2), 0]);
  director.freeze(false);
  clock.advance(0);
  assert.deepEqual(pool(), []);
});

test("thousands that are held go in pieces: adverts are due meanwhile", async () => {
  const { director, clock, events, quorums } = setUp(Buffer.alloc(1024 * 1024));
  const servers = Array.from({ length: 500 }, (_, i) => i + 1);
  await director.start(config([virtualServer({ realServers: servers.map((i) => serverOnPort(i)) })]));
  events.length = 0;
  director.freeze(true);
  director.onEdges(servers.map((id) => edge(id, false)));
  assert.deepEqual(events, []);
  let time = 0;
  mock.method(performance, "now", () => (time += 10)); // a slice is over as soon as it is looked at
  director.freeze(false);
  clock.advance(0);
  const gone = (): number => events.filter((event) => event === "real-server DOWN").length;
  assert.ok(gone() < servers.length, "all at once");
  for (let turn = 0; gone() < servers.length && turn < 1000; turn++) await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.deepEqual([gone(), quorums.map((line) => line.split(" ").at(-1))], [servers.length, ["up", "down"]]);
});

const serverOnPort = (n: number) =>
  realServer({ port: port(n), smtpAlert: false, checks: [tcpCheck({}, n, "10.0.0.1")] });

const wide: RemovalFloorConfig = { ...floor, percent: 100 };

/** A server may have any number of checks; those of the farm fail, or not, by themselves. */
const withBoth = (removalFloor: RemovalFloorConfig, checked: readonly number[]): Config => {
  const { virtualServers } = farm(4, removalFloor);
  const { service } = virtualServer();
  assert.ok(service.kind === "address");
  const probe = (i: number) => tcpCheck({}, 8080, `10.0.0.${i}`);
  const [first] = virtualServers;
  const servers = first?.realServers.map((server, i) =>
    checked.includes(i + 1) ? { ...server, checks: [...server.checks, probe(i + 1)] } : server,
  );
  const others = [1, 2, 3, 4].map((i) => realServer({ address: `10.0.0.${i}`, smtpAlert: false, checks: [probe(i)] }));
  const other = virtualServer({ service: { ...service, port: port(81) }, realServers: others });
  return config([...virtualServers.map((vs) => ({ ...vs, realServers: servers ?? [] })), other]);
};

test("a reload that brings a check which is known to fail asks the floor, as the failure itself would", async () => {
  const { director, clock, said, events, pool, tell, held } = setUp();
  await director.start(withBoth(floor, []));
  tell(false, 5, 6, 7);
  events.length = 0;
  await director.reload(withBoth(floor, [1, 2, 3]));
  assert.deepEqual(pool(), all(3, 4));
  assert.deepEqual(events, ["real-server DOWN", "real-server DOWN"]);
  assert.deepEqual((held() as unknown[])[0], [undefined, undefined, 0, undefined]);
  assert.ok(said("Holding back service [10.0.0.3]:tcp:80 of VS [192.0.2.1]:tcp:80: removal_floor lets 2 of 4"));
  clock.advance(9999);
  assert.deepEqual(pool(), all(3, 4));
  clock.advance(1);
  assert.deepEqual(pool(), all(4), "it has failed for as long as it takes");
});

test("while the self check holds the table a reload takes nobody out of it; without either all of them go", async () => {
  const frozen = setUp();
  await frozen.director.start(withBoth(wide, []));
  frozen.tell(false, 5, 6, 7);
  frozen.director.freeze(true);
  await frozen.director.reload(withBoth(wide, [1, 2, 3]));
  assert.deepEqual(frozen.pool(), all(1, 2, 3, 4));
  frozen.director.freeze(false);
  frozen.clock.advance(0);
  assert.deepEqual(frozen.pool(), all(4));
  mock.restoreAll();
  const { director, pool, tell } = setUp();
  await director.start(withBoth(wide, []));
  tell(false, 5, 6, 7);
  await director.reload(withBoth(wide, [1, 2, 3]));
  assert.deepEqual(pool(), all(4));
});
