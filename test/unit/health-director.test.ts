import assert from "node:assert/strict";
import test, { afterEach, mock } from "node:test";
import type { Config } from "../../main/config/model.js";
import type { ServerCheckConfig } from "../../main/config/model-checks.js";
import { HealthDirector } from "../../main/health/director.js";
import { inSlices } from "../../main/health/slices.js";
import { WorkQueue } from "../../main/health/work-queue.js";
import type { Level, Log } from "../../main/observe/log.js";
import { ms, port } from "../../main/units.js";
import { threadCpuTime } from "../../native-bindings/process.js";
import type { CheckEdge } from "../../workers/protocol.js";
import { until } from "../harness/until.js";
import { config, httpCheck, identityOf, realServer, tcpCheck, timing, url, virtualServer } from "./health-fixtures.js";

const VS = "[192.0.2.1]:tcp:80";
const RS = (n: number): string => `[10.0.0.${n}]:tcp:80`;

/** What is done at once is done, however busy the machine: no slice ends. */
function setUp(known: Readonly<Record<string, "up" | "down">> = {}) {
  mock.method(performance, "now", () => 0);
  const said: string[] = [];
  const remembered = new Map<string, boolean>();
  const pools: number[] = [];
  const events: string[] = [];
  const log: Log = Object.assign((_level: Level, _event: string, sentence: string) => void said.push(sentence), {
    detail: false,
  });
  const looked: ServerCheckConfig[] = [];
  const director = new HealthDirector({
    log,
    identityOf: (check) => {
      looked.push(check);
      return identityOf(check);
    },
    known: (identity) => known[identity],
    remember: (identity, up) => remembered.set(identity, up),
    forget: (identity) => remembered.delete(identity),
    onPoolChange: (index) => pools.push(index),
    onServerEvent: (event) => events.push(`${event.kind} ${event.up ? "UP" : "DOWN"}`),
  });
  const addresses = (index: number): string[] =>
    [...(director.livePool(index)?.entries() ?? [])].map(({ address }) => address);
  const clear = (): void => {
    for (const list of [said, pools, events]) list.length = 0;
  };
  return { director, said, remembered, pools, events, addresses, looked, clear };
}

afterEach(() => mock.restoreAll());

/** Servers with a check of their own each; ids count from 1 in the order of the file. */
const farm = (count: number): Config =>
  config([
    virtualServer({
      realServers: Array.from({ length: count }, (_, i) =>
        realServer({ address: `10.0.0.${i + 1}`, smtpAlert: false, checks: [tcpCheck({}, 80, `10.0.0.${i + 1}`)] }),
      ),
    }),
  ]);

const edge = (id: number, up: boolean, over: Partial<CheckEdge> = {}): CheckEdge => ({
  id: id as CheckEdge["id"],
  up,
  outcome: up ? "up" : "refused",
  retries: up ? 0 : 1,
  latency: ms(1),
  status: 0,
  ...over,
});

test("a failed server leaves the pool, is remembered, and comes back", async () => {
  const { director, said, remembered, pools, events, addresses, clear } = setUp();
  await director.start(farm(2));
  assert.deepEqual([said, events], [[`Gained quorum 1+0=1 <= 2 for VS ${VS}`], ["virtual-server UP"]]);
  clear();
  director.onEdges([edge(1, true), edge(2, true)]);
  director.onEdges([edge(2, false)]);
  assert.deepEqual(said, [
    `TCP connection to ${RS(1)} success.`,
    `TCP connection to ${RS(2)} success.`,
    `TCP_CHECK on service ${RS(2)} failed after 1 retries.`,
    `Check of ${RS(2)} at [10.0.0.2]:80: connection refused - does the service run?`,
    `Removing service ${RS(2)} from VS ${VS}`,
  ]);
  assert.deepEqual([pools, events, addresses(0)], [[0], ["real-server DOWN"], ["10.0.0.1"]]);
  assert.deepEqual([...remembered.values()], [true, false]);
  director.onEdges([edge(2, true)]);
  assert.deepEqual(addresses(0), ["10.0.0.1", "10.0.0.2"]);
});

test("where nothing is known the pools are there before any check is named, and the rest follows", async () => {
  const at = setUp();
  mock.restoreAll(); // of the clock, which cannot be stopped twice
  const later = setUp();
  await at.director.start(farm(3));
  await later.director.start(farm(3), "later");
  assert.deepEqual([later.looked.length, [...later.director.checks()].length], [0, 0]);
  assert.deepEqual([later.addresses(0), later.said], [at.addresses(0), at.said]);
  await later.director.registerChecks();
  const named = ({ director }: typeof at): unknown =>
    [...director.checks()].map((check) => [check.id, check.identity, check.groups]);
  assert.deepEqual(named(later), named(at));
  later.director.onEdges([edge(2, false)]);
  assert.deepEqual(later.addresses(0), ["10.0.0.1", "10.0.0.3"]);
  const { checks } = await later.director.reload(farm(3));
  assert.deepEqual([[...checks.added].length, checks.removed], [0, []], "checks keep their ids");
});

test("identical checks behind several virtual servers are run once and told to all of them", async () => {
  const { director, pools, addresses, clear } = setUp();
  const check = tcpCheck();
  const second = virtualServer({
    service: { kind: "fwmark", fwmark: 5, family: "inet" },
    realServers: [realServer({ checks: [check] })],
  });
  await director.start(config([virtualServer({ realServers: [realServer({ checks: [check] })] }), second]));
  assert.deepEqual(
    [...director.checks()].map(({ id, known }) => [id, known]),
    [[1, undefined]],
  );
  clear();
  director.onEdges([edge(1, false)]);
  assert.deepEqual([addresses(0), addresses(1), [...new Set(pools)]], [[], [], [0, 1]]);
});

test("the same check at other times is another run", async () => {
  const { director } = setUp();
  const often = realServer({ address: "10.0.0.2", checks: [tcpCheck({ delayLoop: ms(1000) })] });
  await director.start(config([virtualServer({ realServers: [realServer({ checks: [tcpCheck()] }), often] })]));
  assert.equal([...director.checks()].length, 2);
});

test("after a restart a server that was down is not added back unchecked", async () => {
  const farmOfTwo = farm(2);
  const dead = farmOfTwo.virtualServers[0]?.realServers[1]?.checks[0];
  assert.ok(dead);
  const { director, addresses } = setUp({ [identityOf(dead)]: "down" });
  await director.start(farmOfTwo);
  assert.deepEqual(addresses(0), ["10.0.0.1"]);
  assert.deepEqual(
    [...director.checks()].map(({ known }) => known),
    [undefined, "down"],
  );
});

test("reload without change: nothing is said, ids and states stay", async () => {
  const { director, said, pools, events, addresses, clear } = setUp();
  await director.start(farm(3));
  director.onEdges([edge(1, true), edge(2, false)]);
  const before = [...director.checks()].map(({ id }) => id);
  clear();
  await director.reload(farm(3));
  assert.deepEqual([said, pools, events], [[], [], []]);
  assert.deepEqual(addresses(0), ["10.0.0.1", "10.0.0.3"]);
  assert.deepEqual(
    [...director.checks()].map(({ id }) => id),
    before,
  );
});

test("reload: edges that arrive meanwhile are applied after it; those of a check that is gone are dropped", async () => {
  const { director, said, remembered, addresses, clear } = setUp();
  await director.start(farm(3));
  director.onEdges([edge(3, true)]);
  clear();
  const reloaded = director.reload(farm(2));
  director.onEdges([edge(1, false), edge(3, false)]);
  await reloaded;
  await until("the edge is applied", 10_000, () => addresses(0).length === 1);
  assert.deepEqual(said, [
    `service ${RS(3)} no longer exist`,
    `TCP_CHECK on service ${RS(1)} failed after 1 retries.`,
    `Check of ${RS(1)} at [10.0.0.1]:80: connection refused - does the service run?`,
    `Removing service ${RS(1)} from VS ${VS}`,
  ]);
  assert.equal(remembered.size, 1, "nobody remembers the check that is gone");
  await director.reload(farm(3));
  const ids = [...director.checks()].map(({ id }) => id);
  assert.deepEqual(ids, [1, 2, 4], "an id is never given to another check");
});

test("reload: what is the same object is not even looked at, and only the difference is handed on", async () => {
  const { director, looked } = setUp();
  const first = farm(3).virtualServers[0];
  assert.ok(first);
  const other = (weight: number, mark = 7) =>
    virtualServer({
      service: { kind: "fwmark", fwmark: mark, family: "inet" },
      realServers: [realServer({ address: "10.0.0.9", weight, checks: [tcpCheck({}, 81)] })],
    });
  await director.start(config([first, other(1)]));
  director.onEdges([edge(2, false)]);
  looked.length = 0;
  const reloads = [
    [first, other(2)],
    [other(2), first],
    [{ ...first, scheduler: "rr", realServers: first.realServers.slice(0, 2) }],
  ];
  const told: unknown[] = [];
  for (const virtualServers of reloads) {
    const { changed, gone, checks } = await director.reload(config(virtualServers));
    told.push([changed, gone.length, [...checks.added].map(({ id }) => id), checks.removed, looked.splice(0).length]);
  }
  assert.deepEqual(told, [
    [[1], 0, [], [], 1], // another weight, another object: the check is recognised by its identity
    [[0], 0, [], [], 1],
    [[0], 1, [], [3, 4], 0], // the objects of the checks are the same
  ]);
  assert.deepEqual(
    [...(director.livePool(0)?.entries() ?? [])].map(({ address }) => address),
    ["10.0.0.1"],
  );
});

test("reload: a check that moves to another service keeps its id and its state", async () => {
  const { director, addresses } = setUp();
  const behind = (mark: number): Config =>
    config([virtualServer({ service: { kind: "fwmark", fwmark: mark, family: "inet" } })]);
  await director.start(behind(1));
  director.onEdges([edge(1, false)]);
  const { checks, gone } = await director.reload(behind(2));
  assert.deepEqual([[...checks.added], checks.removed, gone.length, addresses(0)], [[], [], 1, []]);
  director.onEdges([edge(1, true)]);
  assert.deepEqual(addresses(0), ["10.0.0.1"]);
});

test("reload: other times for a check are another run of the same state", async () => {
  const { director, addresses } = setUp();
  const withLoop = (delay: number): Config =>
    config([
      virtualServer({
        realServers: [
          realServer({ checks: [tcpCheck({ delayLoop: ms(delay) })] }),
          realServer({ address: "10.0.0.2", checks: [] }),
        ],
      }),
    ]);
  await director.start(withLoop(60_000));
  director.onEdges([edge(1, false)]);
  await director.reload(withLoop(5_000));
  assert.deepEqual(addresses(0), ["10.0.0.2"]);
  assert.deepEqual(
    [...director.checks()].map(({ id, known }) => [id, known]),
    [[2, "down"]],
  );
});

test("HTTP: keepalived's sentences, per URL when it comes back", async () => {
  const { director, said, clear } = setUp();
  const urls = [url({ path: "/a" }), url({ path: "/b", digest: "0".repeat(32) })];
  const checks = [httpCheck({ urls, timing: timing() }), httpCheck({ type: "SSL_GET", urls: [url()] })];
  await director.start(config([virtualServer({ realServers: [realServer({ checks })] })]));
  clear();
  director.onEdges([edge(1, true), edge(1, false, { retries: 3 }), edge(2, false, { retries: 0 })]);
  director.onEdges([edge(1, true)]);
  const sentences = said.filter((sentence) => !sentence.includes(" VS "));
  assert.deepEqual(sentences, [
    `Remote Web server ${RS(1)} succeed on service.`,
    `HTTP_CHECK on service ${RS(1)} failed after 3 retries.`,
    `Check of ${RS(1)} at [127.0.0.1]:80: connection refused - does the service run?`,
    `SSL_CHECK on service ${RS(1)} failed.`,
    `Check of ${RS(1)} at [127.0.0.1]:80: connection refused - does the service run?`,
    `HTTP status code success to ${RS(1)} url(/a).`,
    `MD5 digest success to ${RS(1)} url(/b).`,
    `Remote Web server ${RS(1)} succeed on service.`,
  ]);
});

test("failed attempts are told for every server that uses the check", async () => {
  const { director, said, clear } = setUp();
  await director.start(farm(1));
  clear();
  const id = 1 as CheckEdge["id"];
  director.onAttempts([
    { id, outcome: "timeout", detail: "Timeout connecting" },
    { id, outcome: "no-resources", detail: "Connection failed: EMFILE" },
    { id, outcome: "no-resources", detail: "Connection failed: EMFILE", others: 41 },
    { id: 99 as CheckEdge["id"], outcome: "timeout", detail: "of a check that is gone" },
  ]);
  assert.deepEqual(said, [
    `TCP_CHECK on service ${RS(1)} attempt failed: Timeout connecting.`,
    `TCP_CHECK on service ${RS(1)} could not be made: Connection failed: EMFILE.`,
    `TCP_CHECK on service ${RS(1)} could not be made (and 41 other attempts within a second): Connection failed: EMFILE.`,
  ]);
});

test("snapshot: every server with state, weight, last edge and latency", async () => {
  const { director } = setUp();
  await director.start(farm(2));
  const failed = edge(2, false);
  director.onEdges([failed]);
  const check = {
    type: "TCP_CHECK",
    delta: 0,
    lastEdge: undefined,
    lastFailure: undefined,
    latency: undefined,
  } as const;
  const server = { port: port(80), weight: 1, effectiveWeight: 1, since: 0 };
  const dated = { edge: failed, at: 0 };
  const found = [...director.snapshot(new Map([[1 as CheckEdge["id"], ms(0.25)]]))];
  assert.deepEqual(
    found.map(({ realServers, ...service }) => ({
      ...service,
      realServers: [...realServers].map(({ config, ...shown }) => shown),
    })),
    [
      {
        name: VS,
        quorum: "up",
        quorumWanted: 1,
        weightAlive: 1,
        sorryServer: undefined,
        ...{ rests: false, since: 0, group: 0 },
        realServers: [
          {
            ...server,
            name: RS(1),
            address: "10.0.0.1",
            ...{ alive: true, failed: 0, inPool: true },
            checks: [{ ...check, id: 1, state: "unrun-up", latency: ms(0.25) }],
          },
          {
            ...server,
            name: RS(2),
            address: "10.0.0.2",
            ...{ alive: false, failed: 1, inPool: false },
            checks: [{ ...check, id: 2, state: "down", lastEdge: dated, lastFailure: dated }],
          },
        ],
      },
    ],
  );
});

test("leaving: one line per server", async () => {
  const { director, said, clear } = setUp();
  await director.start(farm(2));
  clear();
  await director.shutdown();
  assert.deepEqual(
    said,
    [1, 2].map((n) => `Shutting down service ${RS(n)} from VS ${VS}`),
  );
});

test("slices: long work leaves the loop its turns", async () => {
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  await inSlices(
    (function* () {
      for (let i = 0; i < 50; i++) {
        const until = performance.now() + 1;
        while (performance.now() < until);
        yield;
      }
    })(),
  );
  clearInterval(counting);
  // 50 ms of work in slices of 1 ms (a step may begin just before a slice ends): 25 to 50 turns, each with a timer due.
  assert.ok(turns >= 10, `${turns} turns`);
});

test("work queue: strictly in order, also when work adds work", async () => {
  const queue = new WorkQueue();
  const done: string[] = [];
  queue.add(function* () {
    queue.add(function* () {
      done.push("third");
      yield;
    });
    done.push("first");
    yield;
    done.push("second");
  });
  await queue.run(function* () {
    done.push("fourth");
    yield;
  });
  assert.deepEqual(done, ["first", "second", "third", "fourth"]);
});

test("20,000 edges at once: the main thread never stops for long", async () => {
  const { director, addresses } = setUp();
  mock.restoreAll(); // this one is about slices
  const count = 2000;
  const many = config(
    Array.from({ length: 100 }, (_, vs) =>
      virtualServer({
        service: { kind: "address", address: `192.0.2.${vs}`, port: port(80), protocol: "TCP" },
        realServers: Array.from({ length: count / 100 }, (_, rs) =>
          realServer({ address: `10.1.${vs}.${rs}`, smtpAlert: false, checks: [tcpCheck({}, 80, `10.1.${vs}.${rs}`)] }),
        ),
      }),
    ),
  );
  await director.start(many);
  let longest = 0;
  let last = threadCpuTime();
  const look = (): void => {
    const now = threadCpuTime(); // a busy machine makes us wait, which is no work of ours
    longest = Math.max(longest, now - last);
    last = now;
  };
  const watching = setInterval(look, 0);
  for (let round = 0; round < 10; round++) {
    director.onEdges(Array.from({ length: count }, (_, i) => edge(i + 1, round % 2 === 1)));
  }
  // One in the middle: no round has, on its way, all of the first and of the last ones up and but one of these.
  director.onEdges([edge(count / 2 + 1, false)]);
  const up = (): readonly number[] => [0, 50, 99].map((vs) => addresses(vs).length);
  await until("all edges are applied", 10_000, () => up().join() === "20,19,20");
  clearInterval(watching);
  look();
  // Slices of 0.4 ms; the rest is what the garbage collector takes in this thread.
  assert.ok(longest < 25, `${longest.toFixed(1)} ms of processor time without a turn`);
});
