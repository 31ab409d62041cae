import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Server } from "node:net";
import test, { after } from "node:test";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import type { HttpCheckConfig } from "../../main/config/model.js";
import { ms } from "../../main/units.js";
import { cert, key } from "../harness/tls-identity.js";
import { LiveProbe, type LiveResult, short } from "./check-live-probe.js";
import { httpCheck, timing, url } from "./health-fixtures.js";

const servers: Server[] = [];
const live = new LiveProbe();
after(() => {
  live[Symbol.dispose]();
  for (const server of servers) server.close();
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function secure(onRequest: (socket: TLSSocket, request: string) => void, options: TlsOptions = {}): Promise<number> {
  const server = createTlsServer({ key, cert, ...options }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", (chunk: Buffer) => onRequest(socket, chunk.toString("latin1")));
  });
  return listening(server);
}

/** For those who answer: a busy machine may be away for a while. */
const connectTimeout = ms(10_000);

function get(port: number, over: Partial<HttpCheckConfig> = {}): Promise<LiveResult> {
  return live.once(httpCheck({ type: "SSL_GET", timing: timing({ connectTimeout }), ...over }, port));
}

test("SSL_GET: an expired self-signed certificate will do, the request is keepalived's", async () => {
  const requests: string[] = [];
  const port = await secure((socket, request) => {
    requests.push(request);
    socket.end("HTTP/1.0 200 OK\r\n\r\nhello");
  });
  assert.equal(short(await get(port)), "up 200");
  assert.deepEqual(requests, ["GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 127.0.0.1:80\r\n\r\n"]);
});

test("SSL_GET: a server that knows nothing newer than TLS 1.0", async () => {
  const old: TlsOptions = { minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "DEFAULT:@SECLEVEL=0" };
  const port = await secure((socket) => socket.end("HTTP/1.0 200 OK\r\n\r\n"), old);
  assert.equal((await get(port)).outcome, "up");
});

test("SSL_GET: a connection that just closes, without close_notify", async () => {
  const port = await secure((socket) => socket.write("HTTP/1.0 200 OK\r\n\r\nhello", () => socket.destroy()));
  assert.equal((await get(port)).outcome, "up");
});

test("SSL_GET: no TLS on the other side", async () => {
  const port = await listening(createServer((socket) => socket.on("error", () => {}).end("SSH-2.0-nothing\r\n")));
  const { outcome, text } = await get(port);
  assert.equal(outcome, "tls-error");
  assert.match(text, /^TLS handshake failed: /);
});

test("SSL_GET: closed in the handshake", async () => {
  const port = await listening(createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end())));
  assert.equal((await get(port)).outcome, "tls-error");
});

test("SSL_GET: silent in the handshake", async () => {
  const port = await listening(createServer((socket) => socket.on("error", () => {}).resume()));
  const result = await get(port, { timing: timing({ connectTimeout: ms(200) }) });
  assert.equal(`${result.outcome} ${result.text}`, "timeout Timeout in TLS handshake");
});

test("SSL_GET: the name that the server is told", async () => {
  const names: (string | false | null)[] = [];
  const port = await secure((socket) => {
    names.push("servername" in socket ? (socket.servername as string | false | null) : null);
    socket.end("HTTP/1.0 200 OK\r\n\r\n");
  });
  await get(port);
  await get(port, { enableSni: true, urls: [url({ host: "www.example.org" })] });
  assert.deepEqual(names, [false, "www.example.org"]);
});
