import assert from "node:assert/strict";
import test, { afterEach, mock } from "node:test";
import type { Config } from "../../main/config/model.js";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { HealthDirector } from "../../main/health/director.js";
import { ms, port } from "../../main/units.js";
import type { CheckEdge } from "../../workers/protocol.js";
import { config, identityOf, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";
import { recordingLog } from "./notify-support.js";

/** The quorum outlives the daemon: inside the hysteresis band nothing else tells which it was. */

const sorry = { address: "10.0.9.9", port: port(80) };

/** Six servers: up at 5, down below 3. */
const farm = (over: { readonly servers?: number; readonly port?: number } = {}): Config => {
  const { service } = virtualServer();
  assert.ok(service.kind === "address");
  const realServers = Array.from({ length: over.servers ?? 6 }, (_, i) =>
    realServer({ address: `10.0.0.${i + 1}`, smtpAlert: false, checks: [tcpCheck({}, 80, `10.0.0.${i + 1}`)] }),
  );
  const own = { service: { ...service, port: port(over.port ?? 80) }, quorum: 4, hysteresis: 1, sorryServer: sorry };
  const { global, ...rest } = config([virtualServer({ ...own, realServers })]);
  return { ...rest, global: { ...global, lvs: { ...global.lvs, initNotifies: true } } };
};

const edge = (id: number, up: boolean): CheckEdge => ({
  id: id as CheckEdge["id"],
  up,
  outcome: up ? "up" : "refused",
  retries: 0,
  latency: ms(1),
  status: 0,
});

afterEach(() => mock.restoreAll());

/** A daemon that finds what another one left in `memory`. */
function daemon(memory: Buffer) {
  mock.restoreAll();
  mock.method(performance, "now", () => 0); // what is done at once is done
  const { log, lines } = recordingLog();
  const lasting = new LastingState(new StateSlab(memory));
  const events: string[] = [];
  const quorums: string[] = [];
  const director = new HealthDirector({
    log,
    identityOf,
    known: (identity) => lasting.health(identity),
    remember: (identity, up, value) => lasting.rememberHealth(identity, up, value),
    forget: (identity) => lasting.forgetHealth(identity),
    onPoolChange: () => undefined,
    onServerEvent: (event) => events.push(`${event.kind} ${event.up ? "UP" : "DOWN"}`),
    onQuorum: (_server, quorum) => quorums.push(quorum),
    quorumMemory: lasting.quorums,
  });
  const pool = (): string[] => [...(director.livePool(0)?.entries() ?? [])].map(({ address }) => address);
  const tell = (up: boolean, ...ids: number[]): void => director.onEdges(ids.map((id) => edge(id, up)));
  const said = (): string[] => lines.map(({ sentence }) => sentence);
  return { director, pool, tell, events, quorums, said };
}

const alive = (...n: number[]): string[] => n.map((i) => `10.0.0.${i}`);

test("a quorum that was kept inside the band is kept by the next daemon, and nobody is told of it again", async () => {
  const memory = Buffer.alloc(64 * 64);
  const before = daemon(memory);
  await before.director.start(farm());
  before.tell(false, 1, 2, 3);
  assert.deepEqual([before.pool(), before.quorums], [alive(4, 5, 6), ["up"]]);
  const after = daemon(memory);
  await after.director.start(farm());
  assert.deepEqual([after.pool(), after.quorums], [alive(4, 5, 6), ["up"]]);
  assert.deepEqual([after.events, after.said()], [[], []]);
});

test("one that was lost stays lost until quorum + hysteresis is there, and then is told", async () => {
  const memory = Buffer.alloc(64 * 64);
  const before = daemon(memory);
  await before.director.start(farm());
  before.tell(false, 1, 2, 3, 4);
  before.tell(true, 1, 2);
  assert.deepEqual([before.pool(), before.quorums], [["10.0.9.9"], ["up", "down"]]);
  const after = daemon(memory);
  await after.director.start(farm());
  assert.deepEqual([after.pool(), after.quorums, after.events], [["10.0.9.9"], ["down"], []]);
  after.tell(true, 3);
  assert.deepEqual(
    [after.quorums, after.events],
    [
      ["down", "up"],
      ["real-server UP", "virtual-server UP"],
    ],
  );
});

test("what is no longer so is told: a server that the file lost meanwhile took the quorum with it", async () => {
  const memory = Buffer.alloc(64 * 64);
  const before = daemon(memory);
  await before.director.start(farm());
  before.tell(false, 1, 2, 3);
  const after = daemon(memory);
  await after.director.start(farm({ servers: 5 }));
  assert.deepEqual([after.pool(), after.quorums, after.events], [["10.0.9.9"], ["down"], ["virtual-server DOWN"]]);
});

test("who left by a reload, or between two daemons, is forgotten and begins anew", async () => {
  const memory = Buffer.alloc(64 * 64);
  const first = daemon(memory);
  await first.director.start(farm());
  await first.director.reload(farm({ port: 81 }));
  await first.director.reload(farm());
  assert.equal(first.events.filter((event) => event === "virtual-server UP").length, 3);
  await daemon(memory).director.start(farm({ port: 82 }));
  const { director, events } = daemon(memory);
  await director.start(farm());
  assert.deepEqual(events, [...Array(6).fill("real-server UP"), "virtual-server UP"]);
});
