import assert from "node:assert/strict";
import { test } from "node:test";
import { edgeSentences } from "../../main/health/check-sentences.js";
import type { CheckEdge } from "../../workers/protocol.js";
import { load, service } from "./config-fake-host.js";

/** As Debian's keepalived 2.2.7 logs them; what it says nothing of is in docs/differences.md. */

const names = { realServer: "[127.0.0.1]:udp:53", virtualServer: "[192.0.2.1]:udp:53" };

const sentences = (edge: Partial<CheckEdge>): readonly string[] => {
  const check = load(service("", "DNS_CHECK {\n}")).config?.virtualServers[0]?.realServers[0]?.checks[0];
  assert.ok(check);
  const whole = { up: false, outcome: "timeout", retries: 0, status: 0, latency: 0, ...edge } as CheckEdge;
  return edgeSentences(check, names, whole, false);
};

const rows: readonly (readonly [edge: Partial<CheckEdge>, sentence: string])[] = [
  [{ retries: 3 }, "DNS_CHECK ([127.0.0.1]:udp:53) read timeout from socket after 3 retries"],
  [{}, "DNS_CHECK ([127.0.0.1]:udp:53) read timeout from socket"],
  [
    { outcome: "bad-response", status: 2, retries: 1 },
    "DNS_CHECK ([127.0.0.1]:udp:53) read error occurred. (rcode = 2) after 1 retries",
  ],
  [{ outcome: "refused" }, "DNS_CHECK ([127.0.0.1]:udp:53) failed"],
  [{ outcome: "up", up: true }, "DNS_CHECK ([127.0.0.1]:udp:53) success"],
];

for (const [edge, sentence] of rows) {
  test(sentence, () => {
    assert.deepEqual(sentences(edge), [sentence]);
  });
}
