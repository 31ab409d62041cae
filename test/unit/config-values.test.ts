import assert from "node:assert/strict";
import { test } from "node:test";
import { integer, seconds } from "../../main/config/args.js";
import { checkIdentity, virtualServerKey } from "../../main/config/identity.js";
import { isMulticast, parseIp, withHostBits } from "../../main/config/ip.js";
import type { ServerCheckConfig } from "../../main/config/model-checks.js";
import { editDistance, suggest } from "../../main/config/suggest.js";
import { bytesOfIp } from "../../main/ip-bytes.js";
import { threadCpuTime } from "../../native-bindings/process.js";
import { load, service } from "./config-fake-host.js";

for (const [text, want] of [
  ["10.0.0.1", "10.0.0.1"],
  ["2001:DB8::0:1", "2001:db8::1"],
  ["::", "::"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
  ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ["fe80::1%eth0", undefined],
  ["10.0.0.01", undefined],
  ["host", undefined],
] as const) {
  test(`address ${text}`, () => assert.equal(parseIp(text), want));
}

test("bytes, multicast and host bits of addresses", () => {
  assert.deepEqual([...bytesOfIp("1.2.3.4")], [1, 2, 3, 4]);
  assert.deepEqual([...bytesOfIp("ff02::12")], [255, 2, ...new Array(13).fill(0), 18]);
  assert.deepEqual([isMulticast("224.0.0.18", "inet"), isMulticast("10.0.0.1", "inet")], [true, false]);
  assert.deepEqual(
    [withHostBits("10.1.2.3", 20, true), withHostBits("10.1.2.3", 20, false)],
    ["10.1.15.255", "10.1.0.0"],
  );
});

test("decimal seconds are scaled from their text", () => {
  for (const [text, want] of [
    ["0.29", 290],
    [".5", 500],
    ["2", 2000],
    ["0.000001", 0.001],
  ] as const) {
    assert.deepEqual(seconds(0.000001, 255, 6).parse(text), { ok: true, value: want });
  }
  for (const text of ["256", "-1", "1e2", "", ".", "1s", "0.0000001"]) {
    assert.equal(seconds(0.000001, 255, 6).parse(text).ok, false, text);
  }
  assert.deepEqual(seconds(0, 10, 3).parse("1.2345"), {
    ok: true,
    value: 1235,
    note: "has more than 3 decimals; 1.235 s is used",
  });
});

test("integers are decimal and bounded", () => {
  assert.deepEqual(integer(1, 255).parse("255"), { ok: true, value: 255 });
  for (const text of ["0", "256", "-1", "x", ""]) assert.equal(integer(1, 255).parse(text).ok, false, text);
});

test("suggestions are near", () => {
  assert.equal(editDistance("priority", "prioirty"), 1);
  assert.equal(suggest("virtual_routr_id", ["virtual_router_id", "version"]), "virtual_router_id");
  assert.equal(suggest("foo", ["retry", "alpha"]), undefined);
  const long = Array.from({ length: 200 }, (_, i) => "x".repeat(5000 + i));
  const before = threadCpuTime();
  assert.equal(suggest("x".repeat(40), long), undefined);
  const took = threadCpuTime() - before;
  assert.ok(took < 100, `names of another length cost ${took.toFixed(0)} ms`); // 40 million letters compared: half a second
});

const firstCheck = (lines: string, server: string): ServerCheckConfig => {
  const check = load(service(lines, server)).config?.virtualServers[0]?.realServers[0]?.checks[0];
  assert.ok(check);
  return check;
};

/** Checks that differ in one thing are told from one another, and timing is no such thing. */
const apart: Readonly<Record<string, readonly string[]>> = {
  TCP_CHECK: ["close_with fin", "bind_if eth0", "fwmark 1", "bindto 10.0.0.9", "bind_port 1", "connect_ip 10.0.0.3"],
  PING_CHECK: ["bind_if eth0", "fwmark 1", "connect_ip 10.0.0.3"],
  HTTP_GET: [
    "close_with fin",
    "url {\npath /\nregex a\n}",
    "url {\npath /\nregex b\n}",
    "url {\npath /\nregex a\nregex_no_match\n}",
    "url {\npath /\nregex a\nregex_options caseless\n}",
    "url {\npath /\nregex a\nregex_min_offset 1\n}",
    "url {\npath /\nregex a\nregex_max_offset 1\n}",
    "url {\npath /\nregex a\nregex_stack 1 2\n}",
  ],
  SSL_GET: [
    "session_resumption",
    "tls_compliant",
    "close_with fin",
    "url {\npath /\ntls_compliant\n}\nurl {\npath /a\n}",
  ],
};

for (const [type, lines] of Object.entries(apart)) {
  test(`identities of ${type} tell what is checked from how often`, () => {
    const url = /GET/.test(type) ? "url {\npath /\n}\n" : "";
    const of = (line: string): string =>
      checkIdentity(firstCheck("", `${type} {\n${line.startsWith("url") ? "" : url}${line}\n}`));
    const all = [of(""), ...lines.map(of)];
    assert.equal(new Set(all).size, all.length);
    assert.equal(of("rise 2\nfall 9\nfast_interval 1\njitter 1\nalpha\nlog_all_failures"), all[0]);
  });
}

test("identities of SSL_GET depend on the files of the block SSL, not on the pass phrase or the order of options", () => {
  const of = (ssl: string, options = "caseless utf"): string => {
    const server = `SSL_GET {\nurl {\npath /\nregex a\nregex_options ${options}\n}\n}`;
    const check = load(`${service("", server)}${ssl}`).config?.virtualServers[0]?.realServers[0]?.checks[0];
    assert.ok(check);
    return checkIdentity(check);
  };
  const plain = of("");
  assert.notEqual(of("SSL {\nca /a\n}\n"), plain);
  assert.notEqual(of("SSL {\nca /a\n}\n"), of("SSL {\nkey /a\n}\n"));
  assert.equal(of("SSL {\nca /a\npassword x\n}\n"), of("SSL {\nca /a\npassword y\n}\n"));
  assert.equal(of("", "utf caseless"), plain);
});

test("a check's identity is its target and request, not its timing", () => {
  const plain = checkIdentity(firstCheck("", "HTTP_GET {\nurl {\npath /\n}\n}"));
  assert.match(plain, /^[0-9a-f]{32}$/);
  assert.equal(checkIdentity(firstCheck("delay_loop 9\nretry 5", "HTTP_GET {\nurl {\npath /\n}\nalpha\n}")), plain);
  for (const other of [
    "HTTP_GET {\nurl {\npath /x\n}\n}",
    "HTTP_GET {\nurl {\npath /\n}\nconnect_port 81\n}",
    "HTTP_GET {\nurl {\npath /\nstatus_code 200\n}\n}",
    "SSL_GET {\nurl {\npath /\n}\n}",
    "TCP_CHECK {\n}",
  ]) {
    assert.notEqual(checkIdentity(firstCheck("", other)), plain, other);
  }
});

test("keys of services and servers are keepalived's names", () => {
  const [server] = load(service("")).config?.virtualServers ?? [];
  assert.ok(server);
  assert.equal(virtualServerKey(server), "[10.0.0.1]:tcp:80");
  assert.equal(virtualServerKey({ service: { kind: "fwmark", fwmark: 3, family: "inet" } }), "FWM 3");
});
