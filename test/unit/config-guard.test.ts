import assert from "node:assert/strict";
import { test } from "node:test";
import type { GuardConfig } from "../../main/config/model-guard.js";
import { load } from "./config-fake-host.js";

const instance = (guard: string): string => `
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  advert_int 0.5
  version 3
  virtual_ipaddress {
    192.0.2.100/24
  }
  ${guard}
}
`;

function read(guard: string): { readonly guard: GuardConfig | undefined; readonly found: readonly string[] } {
  const { config, diagnostics } = load(instance(guard));
  return { guard: config?.vrrpInstances[0]?.guard, found: diagnostics.map(({ message }) => message) };
}

test("without the block there is no guard", () => assert.equal(read("").guard, undefined));

test("every line, and what holds where nothing is said", () => {
  const { guard, found } = read(`
    split_brain_guard {
      heartbeat 10.0.0.1 10.0.0.2 key 0123456789abcdef
      heartbeat fd00::1 fd00::2 port 2000 interval 0.2 key 0123456789abcdef
      witness 192.0.2.254
      witness tcp 192.0.2.253 443 timeout 0.3
      witness http http://192.0.2.252:8080/alive
      witness http http://[2001:db8::1]
      witness_quorum 2
      probe_address
      on_unknown hold
    }`);
  assert.deepEqual(found, []);
  assert.deepEqual(guard, {
    heartbeats: [
      { local: "10.0.0.1", peer: "10.0.0.2", port: 1112, interval: 500, key: "0123456789abcdef" },
      { local: "fd00::1", peer: "fd00::2", port: 2000, interval: 200, key: "0123456789abcdef" },
    ],
    witnesses: [
      { kind: "ping", address: "192.0.2.254", timeout: 1000 },
      { kind: "tcp", address: "192.0.2.253", port: 443, timeout: 300 },
      { kind: "http", address: "192.0.2.252", port: 8080, path: "/alive", host: "192.0.2.252:8080", timeout: 1000 },
      { kind: "http", address: "2001:db8::1", port: 80, path: "/", host: "[2001:db8::1]", timeout: 1000 },
    ],
    witnessQuorum: 2,
    probeAddress: 200,
    fence: undefined,
    onUnknown: "hold",
    tellsFifo: false,
  });
});

for (const [what, line, says] of [
  ["two families", "heartbeat 10.0.0.1 fd00::2", /addresses of two families - ignoring/],
  ["one address", "heartbeat 10.0.0.1", /heartbeat needs two IP addresses - ignoring/],
  ["the same address", "heartbeat 10.0.0.1 10.0.0.1", /the same address twice - ignoring/],
  ["no key", "heartbeat 10.0.0.1 10.0.0.2", /is not signed: others on its way can forge it/],
  [
    "a port twice",
    "heartbeat 10.0.0.1 10.0.0.2 port 1 port 2 key 0123456789abcdef",
    /'port' of heartbeat .* is given twice; the last one is used/,
  ],
  ["a short key", "heartbeat 10.0.0.1 10.0.0.2 key abc", /has a short key/],
  ["a name in a URL", "witness http http://example.org/", /http needs a URL with an IP address - ignoring/],
  ["TLS", "witness http https://192.0.2.1/", /http needs a URL with an IP address - ignoring/],
  ["no port", "witness tcp 192.0.2.1", /tcp needs an IP address and a port - ignoring/],
  ["a quorum that cannot be", "witness 192.0.2.1\nwitness_quorum 3", /witness_quorum 3 of 1 witnesses/],
  ["an empty block", "", /guards nothing - ignoring/],
] as const) {
  test(`reported: ${what}`, () => {
    const { found } = read(`split_brain_guard {\n${line}\n}`);
    assert.ok(
      found.some((message) => says.test(message)),
      found.join("\n"),
    );
  });
}

test("a fencing script that cannot be used holds the instance, instead of being left out", () => {
  const { guard, found } = read('split_brain_guard {\nfence "/nowhere/fence"\n}');
  assert.deepEqual(guard?.fence, { command: undefined, timeout: 30_000 });
  assert.ok(found.some((message) => /the instance does not become MASTER/.test(message)));
});

test("no finding shows a key", () => {
  const text = instance("split_brain_guard {\nheartbeat 10.0.0.1 10.0.0.1 key hunter2hunter2hunter2\n}");
  assert.doesNotMatch(JSON.stringify(load(text).diagnostics), /hunter2/);
});
