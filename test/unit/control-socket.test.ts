import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { ControlSocket } from "../../main/control/control-socket.js";
import type { StatusDocument, StatusSource, VirtualServerStatus } from "../../main/control/status.js";
import { askStatus } from "../../main/control/status-client.js";
import { jsonPieces } from "../../main/control/status-json.js";
import { renderStatus } from "../../main/control/status-render.js";
import { askUpgrade } from "../../main/control/upgrade-client.js";
import { ms } from "../../main/units.js";
import { until } from "../harness/until.js";

const document: StatusDocument = {
  version: "0.1.0",
  pid: 42,
  instances: [
    {
      name: "VI_1",
      state: "MASTER",
      priority: 150,
      effectivePriority: 152,
      vips: ["10.9.0.1/24 dev eth0 scope global set", "10.9.0.2 dev eth0 scope global set"],
      master: "10.9.0.100",
      since: 1_000_000,
    },
    { name: "VI_2", state: "BACKUP", priority: 90, effectivePriority: 90, vips: [], since: 0 },
  ],
  virtualServers: [
    {
      vs: "[10.9.0.1]:tcp:80",
      scheduler: "rr",
      quorumUp: true,
      realServers: [
        { rs: "[10.9.0.200]:tcp:80", state: "up", weight: 3, latencyMs: 0.42, lastOutcome: "up" },
        { rs: "[10.9.0.201]:tcp:80", state: "down", weight: 0, latencyMs: 1234.5, lastOutcome: "timeout" },
        { rs: "[10.9.0.202]:tcp:80", state: "up", weight: 1 },
      ],
    },
  ],
  ipvs: { backend: "kernel", services: 1, destinations: 3, pollPeriodMs: 1000, drift: 0 },
  latency: {
    TCP_CHECK: {
      ...{ p50: 0.3, p99: 2, max: 1234.5, count: 100 },
      phases: { lateness: { p50: 0.1, p99: 1, max: 2, count: 101 } },
    },
  },
  loopDelay: { p50: ms(0.1), p99: ms(1.25), max: ms(3), count: 1000, late: 0, worstLate: ms(0), causes: {} },
  log: { dropped: 0 },
};

const source: StatusSource = () => document;

function socketPath(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-control-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return join(dir, "holdfast.sock");
}

/** Sends raw text; gives back all that comes until the server closes, or until `lines` lines are there. */
async function talk(path: string, text: string, lines: number): Promise<string[]> {
  const socket = connect(path);
  socket.setEncoding("utf8").write(text);
  let answer = "";
  for await (const chunk of socket as AsyncIterable<string>) {
    answer += chunk;
    if (answer.split("\n").length > lines) break;
  }
  return answer.split("\n").slice(0, -1);
}

test("status goes through the socket and comes back equal", async (t) => {
  const path = socketPath(t);
  await using _server = await ControlSocket.open(path, source);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(await askStatus(path), document);
  await Promise.all(Array.from({ length: 10 }, async () => assert.deepEqual(await askStatus(path), document)));
});

test("the socket file is gone afterwards", async (t) => {
  const path = socketPath(t);
  const server = await ControlSocket.open(path, source);
  const idle = connect(path);
  await once(idle, "connect");
  await server[Symbol.asyncDispose]();
  assert.ok(!existsSync(path));
  idle.destroy();
});

test("bad requests get a sentence, and the connection goes on where it can", async (t) => {
  const path = socketPath(t);
  await using _server = await ControlSocket.open(path, source);
  const known =
    '{"get":"status"}, {"get":"servers"}, {"get":"why","instance":NAME}, {"get":"upgrade"}, {"get":"give-way"}';
  const unknown = JSON.stringify({ error: `unknown request - known: ${known}` });
  const rows: readonly [string, string[]][] = [
    ["{\n", ['{"error":"the request is not JSON"}']],
    ["[]\n", [unknown]],
    ['null\n{"get":7}\n', Array.from({ length: 2 }, () => unknown)],
    ["x".repeat(5000), ['{"error":"a request is longer than 4096 characters"}']],
    ["{}\n".repeat(40), ['{"error":"more than 16 requests wait"}']],
  ];
  for (const [request, want] of rows) assert.deepEqual(await talk(path, request, want.length), want);
  const [first = "", second = ""] = await talk(path, '\n\n{"get":"x"}\n{"get":"status"}\n', 2);
  assert.match(first, /unknown request/);
  assert.deepEqual(JSON.parse(second), { status: document });
});

/** As `nc -N` does: nothing more to ask, and all ears. */
async function askAndEnd(path: string, text: string): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true });
  socket.setEncoding("utf8").end(text);
  let answer = "";
  for await (const chunk of socket as AsyncIterable<string>) answer += chunk;
  return answer;
}

test("whoever half-closes after its requests has every answer, and then the end", async (t) => {
  const path = socketPath(t);
  await using _server = await ControlSocket.open(path, async () => {
    await setTimeout(20); // the end of the requests is there before the answer
    return document;
  });
  const answer = `${JSON.stringify({ status: document })}\n`;
  const rows: readonly [string, string][] = [
    ['{"get":"status"}\n', answer],
    ['{"get":"status"}\n{"get":"status"}\n', answer + answer],
    ['{"get":"status"}', answer], // printf without a line feed
    ['{"get":"status"}\n ', answer],
    ["status\n", '{"error":"the request is not JSON"}\n'],
    ["", ""],
  ];
  for (const [request, want] of rows) assert.equal(await askAndEnd(path, request), want, JSON.stringify(request));
});

test("a large answer reaches whoever half-closed, and one that is not read ends", async (t) => {
  const path = socketPath(t);
  const made = { count: 0 };
  await using _server = await ControlSocket.open(path, () => ({ ...document, virtualServers: farm(made) }));
  const whole = JSON.parse(await askAndEnd(path, '{"get":"status"}\n')) as { readonly status: StatusDocument };
  assert.equal(whole.status.virtualServers.length, 200);
  const gone = connect({ path, allowHalfOpen: true });
  gone.end('{"get":"status"}\n');
  await once(gone, "finish");
  gone.destroy(); // while it is answered
  assert.deepEqual((await askStatus(path)).virtualServers.length, 200);
});

test("the seventeenth client is told so", async (t) => {
  const path = socketPath(t);
  await using _server = await ControlSocket.open(path, source);
  const clients: Socket[] = [];
  for (let i = 0; i < 16; i++) {
    const client = connect(path);
    clients.push(client);
    await once(client, "connect");
  }
  await assert.rejects(askStatus(path), /refused: 16 clients are connected already/);
  for (const client of clients) client.destroy();
  await Promise.all(clients.map((client) => client.closed || once(client, "close")));
});

test("a client that waits for its answer is not idle; one that asks nothing is dropped", async (t) => {
  const path = socketPath(t);
  const upgraded = { from: { version: "1", pid: 1 }, to: { version: "2", pid: 2 } };
  const idle = 100;
  const upgrade = () => setTimeout(5 * idle, { upgrade: upgraded });
  await using _server = await ControlSocket.open(path, source, { upgrade }, idle);
  assert.deepEqual(await askUpgrade(path), upgraded);
  const socket = connect(path).resume();
  socket.write('{"get":"status"}\n');
  await once(socket, "close", { signal: AbortSignal.timeout(10_000) });
});

/** 20,000 real servers, made while they are written. */
function* farm(made: { count: number }): Generator<VirtualServerStatus> {
  for (let i = 0; i < 200; i++) {
    const realServers = Array.from(
      { length: 100 },
      (_, n) => ({ rs: `[10.0.${i}.${n}]:tcp:80`, state: "up", weight: 1 }) as const,
    );
    made.count += realServers.length;
    yield { vs: `[10.9.0.${i}]:tcp:80`, scheduler: "wlc", quorumUp: true, realServers };
  }
}

test("a large answer is made in slices, and not ahead of a reader that does not read", async (t) => {
  const path = socketPath(t);
  const made = { count: 0 };
  await using _server = await ControlSocket.open(path, () => ({ ...document, virtualServers: farm(made) }));
  const turns = countTurns();
  const status = await askStatus(path);
  assert.equal(
    status.virtualServers.reduce((sum, { realServers }) => sum + realServers.length, 0),
    20_000,
  );
  assert.ok(turns() > 10, "the event loop turned while the answer was written");

  made.count = 0;
  const lazy = connect(path);
  lazy.pause();
  lazy.write('{"get":"status"}\n');
  assert.deepEqual((await askStatus(path)).version, "0.1.0"); // others are served meanwhile
  assert.ok(made.count < 40_000, "the lazy reader's answer is not complete in memory");
  lazy.destroy();
});

function countTurns(): () => number {
  let turns = 0;
  const turn = (): void => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  return () => {
    clearImmediate(next);
    return turns;
  };
}

test("a stale socket file is replaced; a living daemon and other files are not", async (t) => {
  const path = socketPath(t);
  const script = "require('net').createServer().listen(process.argv[1], () => console.log('up'))";
  const crashed = spawn(process.execPath, ["-e", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  await once(crashed.stdout, "data");
  await assert.rejects(ControlSocket.open(path, source), { code: "E_ALREADY_RUNNING" });
  crashed.kill("SIGKILL");
  await once(crashed, "exit");
  assert.ok(existsSync(path), "a crash leaves the socket file");
  const server = await ControlSocket.open(path, source);
  assert.deepEqual(await askStatus(path), document);
  await server[Symbol.asyncDispose]();

  writeFileSync(path, "precious");
  await assert.rejects(ControlSocket.open(path, source), { code: "E_SOCKET", message: /exists and is not a socket/ });
  assert.equal(readFileSync(path, "utf8"), "precious");
  await assert.rejects(ControlSocket.open(join(path, "x"), source), { code: "E_SOCKET", message: /ENOTDIR/ });
  await assert.rejects(ControlSocket.open(`/tmp/${"x".repeat(200)}`, source), {
    code: "E_SOCKET",
    message: /longer than 107/,
  });
});

test("a socket file that somebody deletes is made again, with its folder's return too; other files are left alone", async (t) => {
  const path = socketPath(t);
  const said: string[] = [];
  const connected = () => until("it is there again", 5000, () => existsSync(path));
  const server = await ControlSocket.open(path, source);
  server.keep((sentence) => said.push(sentence), 10);
  const old = connect(path);
  await once(old, "connect");
  rmSync(path);
  await connected();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(await askStatus(path), document);
  old.write('{"get":"status"}\n');
  await once(old, "data");
  old.destroy();
  assert.deepEqual(said.splice(0), [
    `The control socket ${path} was deleted: made again - have what deletes it leave it alone`,
  ]);

  rmSync(dirname(path), { recursive: true });
  await until("it says so", 5000, () => said.length > 0);
  await setTimeout(100);
  assert.match(
    said.splice(0).join(),
    /^The control socket was deleted, and cannot be made again [^,]*: its folder does not exist - [^,]*, or use --control-socket$/,
    "once",
  );
  mkdirSync(dirname(path));
  await connected();
  await until("it says so", 5000, () => said.length > 0);

  rmSync(path);
  await server[Symbol.asyncDispose]();
  writeFileSync(path, "somebody else's");
  await setTimeout(50);
  assert.equal(readFileSync(path, "utf8"), "somebody else's");
});

test("the client says what is wrong and what to do", async (t) => {
  const path = socketPath(t);
  await assert.rejects(askStatus(path), { code: "E_SOCKET", message: /does not exist - is holdfast running/ });
  for (const [answer, message] of [
    ["hello\n", /no holdfast of this version: "hello"/],
    ['{"status":{"version":1}}\n', /no holdfast of this version/],
    ["", /closed the connection/],
  ] as const) {
    const server = createServer((socket) => socket.resume().end(answer)).listen(path);
    await once(server, "listening");
    await assert.rejects(askStatus(path), message);
    await new Promise((resolve) => server.close(resolve));
  }
  const silent = createServer((socket) => socket.resume()).listen(path);
  await once(silent, "listening");
  await assert.rejects(askStatus(path, ms(20)), /did not answer within 0.02 s/);
  await new Promise((resolve) => silent.close(resolve));
});

test("JSON in pieces is JSON", () => {
  const values: unknown[] = [
    null,
    1,
    "é\n",
    [],
    {},
    [1, [2, { a: [] }]],
    { a: undefined, b: { c: "d" } },
    [undefined, Number.NaN],
  ];
  for (const value of values) assert.equal([...jsonPieces(value)].join(""), JSON.stringify(value));
  assert.equal([...jsonPieces({ set: new Set([1, 2]) })].join(""), '{"set":[1,2]}');
});

test("where no check has passed yet there are no times", () => {
  const none = { p50: 0, p99: 0, max: 0, count: 0 };
  const shown = renderStatus({ ...document, latency: { TCP_CHECK: { ...none, phases: { connect: none } } } });
  assert.match(shown, /^TCP_CHECK {2,}- +- +- +0$/m);
  assert.match(shown, /^ {2}connect {2,}- +- +- +0$/m);
});

test("the table for people", () => {
  assert.equal(
    renderStatus(document, 1_000_000 + 3_723_000),
    [
      "holdfast 0.1.0, pid 42",
      "",
      "INSTANCE  STATE   PRIO       MASTER      FOR     ADDRESSES",
      "VI_1      MASTER  152 (150)  10.9.0.100  1h 2m   10.9.0.1/24 10.9.0.2",
      "VI_2      BACKUP  90         -           1h 18m  -",
      "",
      "VIRTUAL SERVER / REAL SERVER  STATE  WEIGHT  LATENCY  LAST CHECK",
      "[10.9.0.1]:tcp:80 rr          up                      2 of 3 up",
      "  [10.9.0.200]:tcp:80         up     3       0.42 ms  up",
      "  [10.9.0.201]:tcp:80         DOWN   0       1235 ms  timeout",
      "  [10.9.0.202]:tcp:80         up     1       -        -",
      "",
      "CHECK       P50      P99      MAX      COUNT",
      "TCP_CHECK   0.30 ms  2.00 ms  1235 ms  100",
      "  lateness  0.10 ms  1.00 ms  2.00 ms  101",
      "",
      "ipvs: kernel, 1 services, 3 destinations, compared every 1000 ms, 0 drifted",
      "main thread delay: p50 0.10 ms, p99 1.25 ms, max 3.00 ms, 0 late timers",
      "",
    ].join("\n"),
  );
});
