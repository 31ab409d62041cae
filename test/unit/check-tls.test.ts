import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Server } from "node:net";
import test, { after } from "node:test";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import type { HttpCheckConfig } from "../../main/config/model.js";
import { ms } from "../../main/units.js";
import { HttpProber, serverName } from "../../workers/http-prober.js";
import type { ProbeResult } from "../../workers/prober.js";
import { httpCheck, timing, url } from "./health-fixtures.js";

/** Self-signed, for tests only, valid for one day in 2026: keepalived verifies nothing, so neither do we. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSHCarCy/ShUoPsvD
R5hrExKkoXGMSU6KqXZQudnAhDGhRANCAATsy8IIE1wPQp/eNDxkhRqag8GyhUJ2
sPDkeOkIeoPK0XzfEVnAE0FcEgYw8fRpiNAOF7Y06AiExQ9UfY7JjAqz
-----END PRIVATE KEY-----
`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIUPRcwr1TJkubDetD+ZUZjqv2y7/owCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwId2ViLnRlc3QwHhcNMjYxMTIyMTc1NTUxWhcNMjYxMTIzMTc1
NTUxWjATMREwDwYDVQQDDAh3ZWIudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABOzLwggTXA9Cn940PGSFGpqDwbKFQnaw8OR46Qh6g8rRfN8RWcATQVwSBjDx
9GmI0A4XtjToCITFD1R9jsmMCrOjUzBRMB0GA1UdDgQWBBSJIvAjjRBLLPbePWic
1XfJx7BTJjAfBgNVHSMEGDAWgBSJIvAjjRBLLPbePWic1XfJx7BTJjAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIADCBVOPRrpdWz6QaK/H5bGr9NDI
aMJ2KCToI/W0/Wn1AiBXJz8p/ByyHcT/uVg9R7vZ/MoVxioDgrX4OlEfGmKCcA==
-----END CERTIFICATE-----
`;

const servers: Server[] = [];
after(() => {
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

const connectTimeout = ms(1000);
const prober = new HttpProber();

function get(port: number, over: Partial<HttpCheckConfig> = {}): Promise<ProbeResult> {
  const check = httpCheck({ type: "SSL_GET", timing: timing({ connectTimeout }), ...over }, port);
  return new Promise((resolve) => prober.probe(check, 0, resolve));
}

test("SSL_GET: an expired self-signed certificate will do, the request is keepalived's", async () => {
  const requests: string[] = [];
  const port = await secure((socket, request) => {
    requests.push(request);
    socket.end("HTTP/1.0 200 OK\r\n\r\nhello");
  });
  const result = await get(port);
  assert.deepEqual({ ...result, latency: 0 }, { outcome: "up", latency: 0, status: 200, detail: "" });
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
  const { outcome, detail } = await get(port);
  assert.equal(outcome, "tls-error");
  assert.match(detail, /^TLS handshake failed: /);
});

test("SSL_GET: closed in the handshake", async () => {
  const port = await listening(createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end())));
  assert.equal((await get(port)).outcome, "tls-error");
});

test("SSL_GET: silent in the handshake", async () => {
  const port = await listening(createServer((socket) => socket.on("error", () => {}).resume()));
  const result = await get(port, { timing: timing({ connectTimeout: ms(200) }) });
  assert.equal(`${result.outcome} ${result.detail}`, "timeout Timeout in TLS handshake");
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

const names: readonly (readonly [
  what: string,
  over: Partial<HttpCheckConfig>,
  host: string,
  want: string | undefined,
])[] = [
  ["nothing without enable_sni", { sniName: "a.test" }, "b.test", undefined],
  ["sni_name first", { enableSni: true, sniName: "a.test" }, "b.test", "a.test"],
  ["else the virtual host", { enableSni: true }, "b.test", "b.test"],
  ["without its port", { enableSni: true }, "b.test:8443", "b.test"],
  ["never an IPv4 address", { enableSni: true }, "10.0.0.1:443", undefined],
  ["never an IPv6 address", { enableSni: true }, "[2001:db8::1]:443", undefined],
  ["not without brackets either", { enableSni: true }, "2001:db8::1", undefined],
];
for (const [what, over, host, want] of names) {
  test(`server name: ${what}`, () => {
    assert.equal(serverName(httpCheck(over), url({ host })), want);
  });
}
