import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { constants, networkInterfaces } from "node:os";
import { type TestContext, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { needs } from "../harness/needs.js";
import { cert, key } from "../harness/tls-identity.js";
import { addon, call, type RawObject, until } from "./addon-under-test.js";
import {
  acceptor,
  add,
  countersOf,
  listen,
  openEngine,
  patternOf,
  plainTls,
  quiet,
  refusingPort,
  urlOf,
} from "./probe-spec.js";

const timeout = 60_000;
const { ECONNREFUSED } = constants.errno;

/** Numbers of probe/verdict.h. */
const UP = 0;
const REFUSED = 1;
const TIMEOUT = 3;
const BAD_STATUS = 5;
const BAD_DIGEST = 6;
const TLS_ERROR = 8;
const NO_RESOURCES = 9;
const NO_MATCH = 10;

/** A web server whose page is its path. */
async function web(t: TestContext): Promise<number> {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/503" ? 503 : 200;
    response.setHeader("Connection", "close");
    response.end(request.url);
  });
  t.after(() => server.close());
  return await listen(server);
}

/** Of this process, kB. */
const locked = (): number => Number(/^VmLck:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]);

/** AddressSanitizer makes mlock(2) do nothing. */
const noLocks = process.env["HOLDFAST_TEST_ADDON"] === undefined ? false : "needs an add-on without sanitizers";

test("checks are kept in memory, where that is asked for", { skip: needs("root") || noLocks, timeout }, () => {
  const before = locked();
  const usual = openEngine().engine;
  add(usual, {});
  assert.equal(locked(), before);
  const limits = { inFlight: 1000, inFlightPerHost: 0, keepInMemory: true };
  const kept = openEngine(limits).engine;
  for (let i = 0; i < 1000; i++) add(kept, {});
  // A check takes more than a cache line, and locks the whole of its pages.
  assert.ok(locked() - before >= (1000 * 64) / 1024, `${locked() - before} kB`);
  for (const engine of [usual, kept]) engine.close();
});

test("TCP: up, refused, silent", { timeout }, async (t) => {
  const server = acceptor();
  t.after(() => server.close());
  const { engine, heard } = openEngine();
  using _ = engine;
  const up = add(engine, { port: await listen(server) });
  const refused = add(engine, { port: await refusingPort() });
  call(engine, "arm", up, 11, 0, 0, quiet.nothing);
  call(engine, "arm", refused, 12, 0.5, 0, quiet.nothing);
  await until("two results", () => heard.length === 2);
  const by = new Map(heard.map((one) => [one.arming, one]));
  const { times: upTimes, ...rest } = by.get(11) ?? assert.fail("up");
  const none = { stage: 0, url: 0, status: 0, digest: "0".repeat(32) };
  assert.deepEqual(rest, { slot: up, arming: 11, outcome: UP, reason: 0, detail: 0, ...none });
  assert.ok((upTimes[0] ?? 0) > 0 && upTimes[0] === upTimes[3]);
  const { times: refusedTimes, ...other } = by.get(12) ?? assert.fail("refused");
  assert.deepEqual(other, { slot: refused, arming: 12, outcome: REFUSED, reason: 1, detail: ECONNREFUSED, ...none });
  assert.equal(refusedTimes[0], 0, "there was no connection");
  assert.deepEqual(countersOf(engine), { completed: 2, passed: 1, inFlight: 0, queued: 0, noResources: 0 });
});

test("HTTP: a server that accepts and says nothing is a time-out of the response", { timeout }, async (t) => {
  const server = acceptor();
  t.after(() => server.close());
  const { engine, heard } = openEngine();
  using _ = engine;
  const slot = add(engine, { kind: "http", port: await listen(server), timeout: 120, urls: [urlOf()] });
  call(engine, "arm", slot, 1, 0, 0, quiet.nothing);
  await until("a result", () => heard.length === 1);
  assert.deepEqual([heard[0]?.outcome, heard[0]?.stage], [TIMEOUT, 2]);
  assert.ok((heard[0]?.times[3] ?? 0) >= 120_000);
});

test("HTTP: status, digest, pattern, pages by number", { timeout }, async (t) => {
  const port = await web(t);
  const md5 = createHash("md5").update("/page").digest("hex");
  const page = (path: string, changes = {}): unknown => urlOf({ request: `GET ${path} HTTP/1.0\r\n\r\n`, ...changes });
  const rows: readonly (readonly [unknown, number, number])[] = [
    [page("/page"), UP, 200],
    [page("/503"), BAD_STATUS, 503],
    [page("/503", { statusCodes: [{ from: 503, to: 503 }] }), UP, 503],
    [page("/503", { statusCodes: [] }), UP, 503],
    [page("/page", { digest: md5 }), UP, 200],
    [page("/other", { digest: md5 }), BAD_DIGEST, 200],
    [page("/page", { body: patternOf({ pattern: "PA.E", options: ["caseless"] }) }), UP, 200],
    [page("/page", { body: patternOf({ pattern: "PA.E" }) }), NO_MATCH, 200],
    [page("/page", { body: patternOf({ pattern: "age", noMatch: true }) }), NO_MATCH, 200],
  ];
  const { engine, heard } = openEngine();
  using _ = engine;
  const slot = add(engine, { kind: "http", port, urls: rows.map(([url]) => url) });
  for (const [at, [, outcome, status]] of rows.entries()) {
    call(engine, "arm", slot, at, 0, at, quiet.nothing);
    await until(`result ${at}`, () => heard.length === at + 1);
    const got = heard[at] ?? assert.fail();
    assert.deepEqual([got.url, got.outcome, got.status], [at, outcome, status], `row ${at}`);
    const [connect = 0, , firstByte = 0, total = 0] = got.times;
    assert.ok(0 < connect && connect <= firstByte && firstByte <= total);
  }
  assert.equal(heard[5]?.digest, createHash("md5").update("/other").digest("hex"));
});

/** A TLS server that notes of each connection which name was asked for and whether its session was an old one. */
async function secureWeb(t: TestContext) {
  const seen: (readonly [name: string | false | null, resumed: boolean])[] = [];
  const server = createTlsServer({ key, cert }, (socket) => {
    seen.push([socket.servername, socket.isSessionReused()]);
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.end("HTTP/1.0 200 OK\r\n\r\nhello"));
  });
  t.after(() => server.close());
  return { port: await listen(server), seen };
}

test("HTTPS: a new handshake each time, or a resumed one; the server's name", { timeout }, async (t) => {
  const { port, seen } = await secureWeb(t);
  const digest = createHash("md5").update("hello").digest("hex");
  for (const resumption of [false, true]) {
    seen.length = 0;
    const { engine, heard } = openEngine();
    using _ = engine;
    const urls = [urlOf({ digest }), urlOf({ serverName: "web.test" }), urlOf({ tlsCompliant: true })];
    const slot = add(engine, { kind: "https", port, urls, tls: { ...plainTls, resumption } });
    for (const [round, url] of [0, 0, 1, 1, 2, 2].entries()) {
      call(engine, "arm", slot, round, 0, url, quiet.nothing);
      await until(`result ${round}`, () => heard.length === round + 1);
      const got = heard[round] ?? assert.fail();
      assert.deepEqual([got.outcome, got.status, got.stage], [UP, 200, 2]);
      const [connect = 0, handshake = 0, firstByte = 0, total = 0] = got.times;
      assert.ok(0 < connect && connect < handshake && handshake <= firstByte && firstByte <= total, String(got.times));
    }
    const names = [false, false, "web.test", "web.test", false, false];
    assert.deepEqual(
      seen,
      names.map((name, round) => [name, resumption && round % 2 === 1]),
    );
  }
});

test("HTTPS: ports that do not speak TLS", { timeout }, async (t) => {
  const talker = acceptor((socket) => socket.end("SSH-2.0-nothing\r\n"));
  const closer = acceptor((socket) => socket.once("data", () => socket.end()));
  const sleeper = acceptor();
  for (const server of [talker, closer, sleeper]) t.after(() => server.close());
  const { engine, heard } = openEngine();
  using _ = engine;
  const ports = [await listen(talker), await listen(closer), await listen(sleeper), await refusingPort()];
  for (const [at, port] of ports.entries()) {
    const timeout = at === 2 ? 200 : 10_000;
    const slot = add(engine, { kind: "https", port, timeout, urls: [urlOf()], tls: plainTls });
    call(engine, "arm", slot, at, 0, 0, quiet.nothing);
  }
  await until("all", () => heard.length === ports.length);
  heard.sort((a, b) => a.arming - b.arming);
  const brief = heard.map(({ outcome, stage, reason }) => [outcome, stage, reason]);
  assert.deepEqual(brief, [
    [TLS_ERROR, 1, 2],
    [TLS_ERROR, 1, 3],
    [TIMEOUT, 1, 0],
    [REFUSED, 0, 1],
  ]);
  assert.match(addon.tlsErrorText(heard[0]?.detail), /wrong version number/);
});

test("PING: both families, in quiet rounds too", { timeout, skip: needs("root") }, async () => {
  const { engine, heard } = openEngine();
  using _ = engine;
  const has6 = networkInterfaces()["lo"]?.some(({ address }) => address === "::1") === true;
  const slots = ["127.0.0.1", ...(has6 ? ["::1"] : [])].map((address) =>
    add(engine, { kind: "ping", address, port: 0 }),
  );
  for (const slot of slots) call(engine, "arm", slot, 1, 0, 0, quiet.nothing);
  await until("answers", () => heard.length === slots.length);
  for (const { outcome, times } of heard) assert.ok(outcome === UP && (times[0] ?? 0) > 0);
  for (const slot of slots) call(engine, "arm", slot, 2, 0, 0, quiet.pass);
  await until("many rounds", () => countersOf(engine).passed >= 30);
  assert.equal(heard.length, slots.length);
});

test("quiet rounds: counted, never heard of; the news is", { timeout }, async (t) => {
  const server = acceptor();
  t.after(() => server.close());
  const port = await listen(server);
  const httpPort = await web(t);
  const { engine, heard } = openEngine();
  using _ = engine;
  for (let i = 0; i < 20; i++)
    call(engine, "arm", add(engine, { port, groups: [5, 100 + i] }), i, i / 4, 0, quiet.pass);
  const failing = await refusingPort();
  for (let i = 0; i < 5; i++) call(engine, "arm", add(engine, { port: failing }), 100 + i, 0, 0, quiet.fail);
  const pages = add(engine, { kind: "http", port: httpPort, urls: [urlOf(), urlOf(), urlOf({ statusCodes: [] })] });
  call(engine, "arm", pages, 200, 0, 0, quiet.pass);
  await until("many rounds", () => countersOf(engine).passed >= 400);
  assert.deepEqual(heard, []);
  const latency = call(engine, "latency", true) as Uint32Array;
  const sums = new Map<string, number>();
  for (let at = 0; at < latency.length; ) {
    const [subject = 0, phase = 0, pairs = 0] = latency.subarray(at, at + 3);
    let sum = 0;
    for (let i = 0; i < pairs; i++) sum += latency[at + 3 + 2 * i + 1] ?? 0;
    sums.set(`${subject >= 2 ** 31 ? `group ${subject - 2 ** 31}` : subject} ${phase}`, sum);
    at += 3 + 2 * pairs;
  }
  const { completed, passed } = countersOf(engine);
  const kinds = (phase: number): number =>
    [0, 1, 2, 3].reduce((sum, kind) => sum + (sums.get(`${kind} ${phase}`) ?? 0), 0);
  assert.equal(kinds(0), completed, "lateness of all");
  assert.equal(kinds(4), passed, "total time of those that passed");
  assert.equal(sums.get("group 5 1"), sums.get("0 1"), "all TCP checks that pass are of group 5");
  assert.equal((call(engine, "last") as Uint32Array).length, 2 * 21);
  server.close();
  await until("all 20 hear of it", () => heard.length === 20);
  assert.ok(heard.every(({ outcome }) => outcome === REFUSED));
});

test("until an attempt is due, while it is under way, and in the quiet rounds after it", { timeout }, async (t) => {
  const server = acceptor();
  t.after(() => server.close());
  const port = await listen(server);
  const { engine, heard } = openEngine();
  using _ = engine;
  const slot = add(engine, { port, interval: 5000 });
  const untilDue = (): number => Number(call(engine, "untilDue", slot));
  call(engine, "arm", slot, 1, 60_000, 0, 0);
  assert.ok(untilDue() > 59_000 && untilDue() <= 60_000, `${untilDue()}`);
  call(engine, "arm", slot, 2, 0, 0, quiet.pass);
  await until("an attempt has passed", () => countersOf(engine).passed > 0);
  assert.deepEqual(heard, []);
  assert.ok(untilDue() > 1000 && untilDue() <= 5000, `${untilDue()}`);
  call(engine, "remove", slot);
  assert.throws(() => call(engine, "untilDue", slot), /no such slot/);
});

test("groups whose checks are gone are counted no longer", { timeout }, async (t) => {
  const server = acceptor();
  t.after(() => server.close());
  const port = await listen(server);
  const { engine } = openEngine();
  using _ = engine;
  const owners = (): number => {
    const words = call(engine, "latency", true) as Uint32Array;
    const found = new Set<number>();
    for (let at = 0; at < words.length; at += 3 + 2 * (words[at + 2] ?? 0)) found.add(words[at] ?? 0);
    return [...found].filter((owner) => owner >= 2 ** 31).length;
  };
  const slots = Array.from({ length: 200 }, (_, i) => add(engine, { port, groups: [i], interval: 60_000 }));
  for (const slot of slots) call(engine, "arm", slot, 1, 0, 0, quiet.pass);
  await until("all have passed", () => countersOf(engine).passed === 200);
  assert.equal(owners(), 200);
  for (const slot of slots.slice(0, 100)) call(engine, "setGroups", slot, [7000]);
  for (const slot of slots.slice(100)) call(engine, "remove", slot);
  assert.ok(owners() < 70, `${owners()} groups`);
});

test("arm again: the result of an earlier arming is never heard", { timeout }, async (t) => {
  const server = acceptor();
  t.after(() => server.close());
  const { engine, heard } = openEngine();
  using _ = engine;
  const slot = add(engine, { kind: "http", port: await listen(server), timeout: 100, urls: [urlOf()] });
  call(engine, "arm", slot, 1, 0, 0, quiet.nothing);
  await until("it runs", () => countersOf(engine).inFlight === 1);
  call(engine, "arm", slot, 2, 0, 0, quiet.nothing);
  await until("a result", () => heard.length > 0);
  assert.deepEqual(
    heard.map(({ arming }) => arming),
    [2],
  );
  assert.equal(countersOf(engine).completed, 2);
});

test("limits: at most so many at once, the rest in turn", { timeout }, async (t) => {
  const server = acceptor();
  t.after(() => server.close());
  const port = await listen(server);
  const { engine, heard } = openEngine({ inFlight: 7, inFlightPerHost: 3 });
  using _ = engine;
  const urls = [urlOf()];
  for (let i = 0; i < 20; i++)
    call(engine, "arm", add(engine, { kind: "http", port, timeout: 40, urls }), i, 0, 0, quiet.nothing);
  // Not all of them are due in the same millisecond, and some may have had their turn before all are.
  await until("three run, the others wait", () => {
    const { inFlight, queued, completed } = countersOf(engine);
    return inFlight === 3 && queued + completed === 17;
  });
  await until("all have their turn", () => {
    assert.ok(countersOf(engine).inFlight <= 3);
    return heard.length === 20;
  });
});

test("our own trouble has a name and is never quiet", { timeout }, async () => {
  const { engine, heard } = openEngine();
  using _ = engine;
  const slot = add(engine, { port: 1, bindAddress: "192.0.2.1" });
  call(engine, "arm", slot, 1, 0, 0, quiet.fail);
  await until("a result", () => heard.length === 1);
  const { outcome, reason, detail } = heard[0] ?? assert.fail();
  assert.deepEqual([outcome, reason, detail], [NO_RESOURCES, 1, constants.errno.EADDRNOTAVAIL]);
  assert.equal(countersOf(engine).noResources, 1);
});

test("bind address and port are the server's view of us", { timeout }, async (t) => {
  const peers: string[] = [];
  const server = acceptor((socket) => peers.push(`${socket.remoteAddress}:${socket.remotePort}`));
  t.after(() => server.close());
  const { engine, heard } = openEngine();
  using _ = engine;
  const bindPort = await refusingPort();
  const port = await listen(server);
  const slot = add(engine, { port, bindAddress: "127.0.0.9", bindPort, closeWith: "fin" });
  for (let i = 0; i < 2; i++) {
    call(engine, "arm", slot, i, 0, 0, quiet.nothing);
    await until("connected", () => heard.length === i + 1 && peers.length === i + 1);
  }
  assert.deepEqual(peers, [`127.0.0.9:${bindPort}`, `127.0.0.9:${bindPort}`]);
});

test("more results in one turn than one call takes", { timeout }, async () => {
  const calls: number[] = [];
  using engine = new addon.ProbeEngine({ inFlight: 5000, inFlightPerHost: 0 }, (_: unknown, count: number) => {
    calls.push(count);
  });
  // Refused before connect(2) returns, or as good as.
  const port = await refusingPort();
  for (let i = 0; i < 3000; i++) call(engine, "arm", add(engine, { port }), i, 0, 0, quiet.nothing);
  await until("all", () => calls.reduce((sum, count) => sum + count, 0) === 3000);
  assert.ok(calls.every((count) => count > 0 && count <= 1024));
});

test("an engine that is never done leaves the loop to others", { timeout }, async () => {
  const MOST = 20_000;
  let results = 0;
  using engine: RawObject = new addon.ProbeEngine(
    { inFlight: 300, inFlightPerHost: 0 },
    (words: Uint32Array, count: number) => {
      results += count;
      if (results < MOST) for (let i = 0; i < count; i++) call(engine, "arm", words[i * 16], 1, 0, 0, quiet.nothing);
    },
  );
  const port = await refusingPort();
  // More than may be under way: some are always due, and those that are refused make room for them in the same turn.
  for (let i = 0; i < 2000; i++) call(engine, "arm", add(engine, { port }), 1, 0, 0, quiet.nothing);
  let turns = 0;
  for (; results < MOST; turns++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(turns > 20, `${turns} turns of the loop for ${results} results`);
});

test("what PCRE2 and OpenSSL say", { timeout }, () => {
  const { engine } = openEngine();
  using _ = engine;
  add(engine, { kind: "https", urls: [urlOf()], tls: plainTls }); // OpenSSL has no words before it is used
  assert.equal(addon.compilePattern(patternOf({ pattern: "a(b)c" })), undefined);
  const wrong = addon.compilePattern(patternOf({ pattern: "a(b" })) as { message: string; offset: number };
  assert.match(wrong.message, /parenthesis/);
  assert.equal(wrong.offset, 3);
  assert.match(addon.tlsErrorText(0x0a00010b), /wrong version number/);
});
