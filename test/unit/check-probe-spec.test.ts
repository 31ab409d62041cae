import assert from "node:assert/strict";
import test from "node:test";
import type { HttpCheckConfig } from "../../main/config/model.js";
import { ms, port } from "../../main/units.js";
import { rulesOf } from "../../workers/policy.js";
import { probeSpec, serverName } from "../../workers/probe-spec.js";
import { httpCheck, pingCheck, tcpCheck, timing, url } from "./health-fixtures.js";

test("a TCP check with everything that a socket can be told", () => {
  const plain = tcpCheck(
    { delayLoop: ms(6000), connectTimeout: ms(1500.4), jitter: ms(20), fastInterval: ms(500) },
    8080,
  );
  const bind = { bindAddress: "127.0.0.7", bindPort: port(999), bindInterface: "lo", fwmark: 5 };
  const check = { ...plain, target: { ...plain.target, ...bind }, closeWith: "fin" } as const;
  assert.deepEqual(probeSpec(check, rulesOf(check), [1, 2]), {
    kind: "tcp",
    address: "127.0.0.1",
    port: 8080,
    ...bind,
    closeWith: "fin",
    timeout: 1501,
    interval: 6000,
    quietFailInterval: 500,
    jitter: 20,
    urls: [],
    tls: undefined,
    exchange: undefined,
    groups: [1, 2],
  });
});

test("a PING check has no port", () => {
  const spec = probeSpec(pingCheck(), rulesOf(pingCheck()), []);
  assert.deepEqual([spec.kind, spec.port, spec.urls.length], ["ping", 0, 0]);
});

const requests = [
  ["1.0", "GET /a HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: web:80\r\n\r\n"],
  ["1.0C", "GET /a HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: web:80\r\n\r\n"],
  ["1.1", "GET /a HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: web:80\r\n\r\n"],
] as const;
for (const [httpProtocol, bytes] of requests) {
  test(`HTTP ${httpProtocol}: the request is keepalived's, byte for byte`, () => {
    const check = httpCheck({ httpProtocol, urls: [url({ path: "/a", host: "web:80" })] });
    const spec = probeSpec(check, rulesOf(check), []);
    assert.deepEqual([spec.kind, spec.urls.map(({ request }) => request), spec.tls], ["http", [bytes], undefined]);
  });
}

test("SSL_GET: the block SSL, the server's name and a proper close come along", () => {
  const files = { caFile: "/ca", certificateFile: "/cert", keyFile: undefined, password: "secret" };
  const check = httpCheck({
    type: "SSL_GET",
    enableSni: true,
    sessionResumption: true,
    tls: files,
    urls: [url({ host: "www.example.org:443", tlsCompliant: true })],
    timing: timing({ delayLoop: ms(10), delayBeforeRetry: ms(40) }),
  });
  const spec = probeSpec(check, rulesOf(check), []);
  assert.deepEqual(spec.tls, { resumption: true, ...files });
  assert.deepEqual([spec.kind, spec.quietFailInterval], ["https", 40]);
  assert.deepEqual(
    spec.urls.map(({ serverName: name, tlsCompliant }) => [name, tlsCompliant]),
    [["www.example.org", true]],
  );
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
