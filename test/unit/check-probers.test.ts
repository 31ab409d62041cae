import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import test, { after } from "node:test";
import type { HttpCheckConfig } from "../../main/config/model.js";
import { ms } from "../../main/units.js";
import { until } from "../harness/until.js";
import { LiveProbe, type LiveResult, short } from "./check-live-probe.js";
import { httpCheck, pingCheck, tcpCheck, timing, url } from "./health-fixtures.js";

const servers: Server[] = [];
const sockets = new Set<Socket>();
const live = new LiveProbe();
after(() => {
  live[Symbol.dispose]();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
});

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the prober may reset it
    socket.once("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Nobody listens at 127.0.0.9, nor comes to all addresses of a port that we hold at 127.0.0.1. */
const CLOSED = "127.0.0.9";
const heldPort = (): Promise<number> => listen((socket) => socket.destroy());

/** For those who answer: a busy machine may be away for a while. */
const patience = ms(5000);
/** For those who do not. */
const connectTimeout = ms(300);
/** The machine may be away while one of them is measured: so many may take too long, as long as one does not. */
const tries = 5;

function get(port: number, over: Partial<HttpCheckConfig> = {}, within = patience): Promise<LiveResult> {
  return live.once(httpCheck({ timing: timing({ connectTimeout: within }), ...over }, port));
}

const tcp = (port: number, address?: string): Promise<LiveResult> =>
  live.once(tcpCheck({ connectTimeout: patience }, port, address));

/** Answers the first request with `bytes` and closes. */
const answering = (bytes: string | Buffer): Promise<number> =>
  listen((socket) => socket.once("data", () => socket.end(bytes)));

const ok = "HTTP/1.1 200 OK\r\n";

test("TCP: a completed connect is up, and the server sees a reset instead of a FIN", async () => {
  const seen: string[] = [];
  const port = await listen((socket) => {
    socket.once("error", (error) => seen.push("code" in error ? String(error.code) : error.message));
    socket.once("end", () => seen.push("FIN"));
    socket.resume();
  });
  const result = await tcp(port);
  assert.equal(short(result), "up 0");
  assert.ok(result.latency > 0 && result.latency < patience);
  await until("the server hears of the end", patience, () => seen.length > 0);
  assert.deepEqual(seen, ["ECONNRESET"]);
});

test("TCP: nobody listens", async () => {
  assert.equal(short(await tcp(await heldPort(), CLOSED)), "refused 0 Connection failed: ECONNREFUSED");
});

test("TCP: a port that never answers fails after connect_timeout", async () => {
  // The queue of a listener with backlog 1 holds two connections; beyond them SYNs are dropped.
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, resolve));
  const { port } = server.address() as AddressInfo;
  // Node accepts whatever arrives, so the thread must not get a turn: fill the queue and probe in another process.
  const { spawnSync } = await import("node:child_process");
  const helper = new URL("./check-live-probe.js", import.meta.url).href;
  const script = `
    import { connect } from "node:net";
    import { LiveProbe } from ${JSON.stringify(helper)};
    const fillers = Array.from({ length: 4 }, () => connect(${port}, "127.0.0.1").on("error", () => {}));
    setTimeout(async () => {
      const live = new LiveProbe();
      const results = [];
      while (results.length < ${tries} && results.every(({ latency }) => latency >= 600))
        results.push(await live.once(${JSON.stringify(tcpCheck({ connectTimeout }, port))}));
      console.log(JSON.stringify(results));
      live[Symbol.dispose]();
      for (const filler of fillers) filler.destroy();
    }, 50);`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 30_000,
  });
  const results = JSON.parse(child.stdout) as readonly LiveResult[];
  for (const result of results) assert.equal(short(result), "timeout 0 Timeout connecting");
  const latencies = results.map(({ latency }) => latency);
  assert.ok(Math.min(...latencies) >= 299 && Math.min(...latencies) < 600, `${latencies.join()} ms`);
});

test("TCP: no way to have a socket says nothing of the server", async () => {
  const check = tcpCheck({ connectTimeout }, 80);
  const bound = { ...check, target: { ...check.target, bindAddress: "192.0.2.77" } };
  assert.equal(short(await live.once(bound)), "no-resources 0 Connection failed: EADDRNOTAVAIL");
});

test("TCP: with FIN where the check says so", async () => {
  const seen: string[] = [];
  const port = await listen((socket) => {
    socket.once("error", (error) => seen.push("code" in error ? String(error.code) : error.message));
    socket.once("end", () => seen.push("FIN"));
    socket.resume();
  });
  const result = await live.once({ ...tcpCheck({ connectTimeout: patience }, port), closeWith: "fin" });
  assert.equal(short(result), "up 0");
  await until("the server hears of the end", patience, () => seen.length > 0);
  assert.deepEqual(seen, ["FIN"]);
});

test("PING: the own address answers, one without a host does not", async () => {
  assert.equal(short(await live.once(pingCheck({ connectTimeout: patience }))), "up 0");
  const silent = await live.once(pingCheck({ connectTimeout }, "192.0.2.199"));
  assert.match(short(silent), /^(timeout|unreachable|no-resources) 0 ./);
});

test("HTTP: the whole request is there, and nothing else", async () => {
  const got: Buffer[] = [];
  const port = await listen((socket) => {
    socket.on("data", (chunk: Buffer) => {
      got.push(chunk);
      if (Buffer.concat(got).includes("\r\n\r\n")) socket.end(`${ok}\r\n`);
    });
  });
  assert.equal(short(await get(port, { urls: [url({ path: "/a\xe4", host: "web:80" })] })), "up 200");
  const want = "GET /a\xe4 HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: web:80\r\n\r\n";
  assert.equal(Buffer.concat(got).toString("latin1"), want);
});

const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
const answers: readonly (readonly [what: string, bytes: string, over: Partial<HttpCheckConfig>, want: string])[] = [
  ["a plain answer", `${ok}\r\nhello`, {}, "up 200"],
  ["an answer without carriage returns", "HTTP/1.0 204 No Content\nX: y\n\n", {}, "up 204"],
  ["the wrong status", "HTTP/1.0 503 No\r\n\r\n", {}, "bad-status 503 HTTP status code error, status_code [503]"],
  [
    "a status in a range",
    "HTTP/1.0 404 No\r\n\r\n",
    { urls: [url({ statusCodes: [{ from: 400, to: 499 }] })] },
    "up 404",
  ],
  ["four digits of status", "HTTP/1.0 2000 OK\r\n\r\n", {}, "bad-status 0 HTTP status code error, status_code [0]"],
  ["nothing at all", "", {}, "bad-response 0 Read, no data received"],
  ["garbage", "\x00\xff garbage", {}, "bad-response 0 No HTTP header in response"],
  ["a header that ends too early", ok, {}, "bad-response 0 No HTTP header in response"],
  ["an endless header", `${ok}${"X: y\r\n".repeat(1000)}`, {}, "bad-response 0 Response header longer than 4095 bytes"],
  ["the right digest", `${ok}\r\nhello`, { urls: [url({ digest: md5("hello") })] }, "up 200"],
  [
    "the wrong digest",
    `${ok}\r\nhallo`,
    { urls: [url({ digest: md5("hello") })] },
    `bad-digest 200 MD5 digest error, MD5SUM [${md5("hallo")}]`,
  ],
  [
    "bytes after Content-Length, which count for no digest",
    `${ok}Content-Length: 5\r\n\r\nhello, and more`,
    { urls: [url({ digest: md5("hello") })] },
    "up 200",
  ],
  [
    "chunks, which are digested as they are on the wire",
    `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    { urls: [url({ digest: md5("5\r\nhello\r\n0\r\n\r\n") })] },
    "up 200",
  ],
];
for (const [what, bytes, over, want] of answers) {
  test(`HTTP: ${what}`, async () => {
    assert.equal(short(await get(await answering(Buffer.from(bytes, "latin1")), over)), want);
  });
}

test("HTTP: nobody listens", async () => {
  const { target } = tcpCheck({}, await heldPort(), CLOSED);
  assert.equal(short(await get(target.port, { target })), "refused 0 Connection failed: ECONNREFUSED");
});

test("HTTP: accepted but silent", async () => {
  const result = await get(await listen((socket) => socket.resume()), {}, connectTimeout);
  assert.equal(short(result), "timeout 0 Timeout HTTP read");
});

test("HTTP: dripping bytes do not hold the check: the response as a whole has connect_timeout", async () => {
  const port = await listen((socket) => {
    socket.write(`${ok}\r\n`);
    const drip = setInterval(() => socket.write("."), 20);
    socket.once("close", () => clearInterval(drip));
  });
  const most = 2 * connectTimeout + 200;
  const latencies: number[] = [];
  while (latencies.length < tries && latencies.every((latency) => latency >= most)) {
    const result = await get(port, {}, connectTimeout);
    assert.equal(short(result), "timeout 0 Timeout HTTP read");
    latencies.push(result.latency);
  }
  assert.ok(Math.min(...latencies) < most, `${latencies.join()} ms`);
});

test("HTTP: a reset in the middle", async () => {
  const port = await listen((socket) => {
    socket.once("data", () => socket.write(ok, () => socket.resetAndDestroy()));
  });
  // libuv calls a reset that comes together with data an end: either way it is a failure.
  const { outcome } = await get(port);
  assert.ok(outcome === "reset" || outcome === "bad-response", outcome);
});

test("HTTP: an endless body is up by its status, after 1 MiB of it", async () => {
  let sent = 0;
  const port = await listen((socket) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) sent += 65_536;
    };
    socket.once("data", () => {
      socket.write(`${ok}\r\n`);
      socket.on("drain", more);
      more();
    });
  });
  assert.equal(short(await get(port)), "up 200");
  assert.ok(sent < 32 << 20, `${sent} bytes were sent`);
});
