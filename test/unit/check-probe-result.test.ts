import assert from "node:assert/strict";
import test from "node:test";
import { ms } from "../../main/units.js";
import type { ProbeKind } from "../../native-bindings/probe.js";
import type { ProbeModule } from "../../workers/check-runner.js";
import { failureText, readResult } from "../../workers/probe-result.js";
import { probeWords, type ResultParts, resultOf } from "./check-fake-engine.js";

const read = (parts: ResultParts, words: ProbeModule = probeWords) => readResult(resultOf(parts), 0, words);
const at = { slot: 7, arming: 0xffff_ffff };

test("a result, word by word", () => {
  const md5 = "00112233445566778899aabbccddeeff";
  const wrong = { ...at, outcome: "bad-digest", stage: "response", url: 3, status: 200, totalUs: 1500, md5 } as const;
  assert.deepEqual(read(wrong), {
    slot: 7,
    arming: 0xffff_ffff,
    outcome: "bad-digest",
    stage: "response",
    reason: "none",
    url: 3,
    detail: 0,
    status: 200,
    latency: ms(1.5),
    md5,
  });
});

test("words that nobody knows are refused", () => {
  const words = resultOf({ ...at, outcome: "up" });
  words[2] = 99;
  assert.throws(() => readResult(words, 0, probeWords), RangeError);
  words[2] = 0xf000;
  assert.throws(() => readResult(words, 0, probeWords), RangeError);
});

const texts: readonly (readonly [kind: ProbeKind, parts: Partial<ResultParts>, want: string])[] = [
  ["tcp", { outcome: "up" }, ""],
  ["tcp", { outcome: "refused", reason: "errno", detail: 111 }, "Connection failed: ECONNREFUSED"],
  ["tcp", { outcome: "unreachable", reason: "errno", detail: 112 }, "Connection failed: EHOSTDOWN"],
  ["tcp", { outcome: "timeout" }, "Timeout connecting"],
  ["tcp", { outcome: "timeout", reason: "errno", detail: 110 }, "Connection failed: ETIMEDOUT"],
  ["tcp", { outcome: "no-resources", reason: "errno", detail: 99 }, "Connection failed: EADDRNOTAVAIL"],
  ["tcp", { outcome: "no-resources", reason: "engine", detail: 24 }, "No resources for the attempt: EMFILE"],
  ["tcp", { outcome: "no-resources", reason: "errno", detail: 4000 }, "Connection failed: errno 4000"],
  ["https", { outcome: "timeout", stage: "handshake" }, "Timeout in TLS handshake"],
  ["https", { outcome: "tls-error", stage: "handshake", reason: "closed" }, "Closed in TLS handshake"],
  [
    "https",
    { outcome: "tls-error", stage: "handshake", reason: "tls", detail: 267 },
    "TLS handshake failed: OpenSSL error 267",
  ],
  [
    "https",
    { outcome: "tls-error", stage: "handshake", reason: "errno", detail: 104 },
    "TLS handshake failed: ECONNRESET",
  ],
  ["https", { outcome: "tls-error", stage: "response", reason: "tls", detail: 5 }, "HTTP read failed: OpenSSL error 5"],
  ["http", { outcome: "timeout", stage: "response" }, "Timeout HTTP read"],
  ["http", { outcome: "reset", stage: "response", reason: "errno", detail: 104 }, "HTTP read failed: ECONNRESET"],
  ["http", { outcome: "bad-status", stage: "response", status: 503 }, "HTTP status code error, status_code [503]"],
  ["http", { outcome: "bad-response", stage: "response", reason: "no-data" }, "Read, no data received"],
  ["http", { outcome: "bad-response", stage: "response", reason: "no-header" }, "No HTTP header in response"],
  [
    "http",
    { outcome: "bad-response", stage: "response", reason: "long-header" },
    "Response header longer than 4095 bytes",
  ],
  [
    "http",
    { outcome: "bad-response", stage: "response", reason: "long-body" },
    "Body longer than 16777216 bytes, digest given up",
  ],
  [
    "http",
    { outcome: "bad-digest", stage: "response", md5: "900150983cd24fb0d6963f7d28e17f72" },
    "MD5 digest error, MD5SUM [900150983cd24fb0d6963f7d28e17f72]",
  ],
  ["http", { outcome: "no-match", stage: "response" }, "Regex match failed"],
  [
    "http",
    { outcome: "no-match", stage: "response", reason: "unwanted-match" },
    "Regex match failed: the page has what regex_no_match forbids",
  ],
  [
    "http",
    { outcome: "no-match", stage: "response", reason: "match-limit", detail: -47 >>> 0 },
    "Regex match failed: given up at a limit of the search (PCRE2 error -47)",
  ],
  ["ping", { outcome: "timeout", stage: "response" }, "Timeout waiting for the echo reply"],
  ["ping", { outcome: "unreachable", reason: "errno", detail: 113 }, "Echo request failed: EHOSTUNREACH"],
];
for (const [kind, parts, want] of texts) {
  test(`detail of ${kind} ${parts.outcome} ${parts.reason ?? ""}: ${want}`, () => {
    assert.equal(failureText(kind, read({ ...at, outcome: "up", ...parts }), probeWords), want);
  });
}

test("words from outside fit into one line of the log", () => {
  const words = { ...probeWords, tlsErrorText: () => `bad\r\nthing\x00${"x".repeat(300)}` };
  const result = read({ ...at, outcome: "tls-error", stage: "handshake", reason: "tls" }, words);
  const text = failureText("https", result, words);
  assert.equal(text.length, 200);
  assert.match(text, /^TLS handshake failed: bad thing x+$/);
});
