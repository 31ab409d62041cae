import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { dnsQuery } from "../../workers/exchange.js";
import { outcomes } from "../../workers/protocol.js";
import { needs } from "../harness/needs.js";
import { call, until } from "./addon-under-test.js";
import { type Answer, answers, answerTo, datagramServer, dripping, flooding, noAnswer } from "./hostile-answers.js";
import {
  atOnce,
  cutHandshake,
  dialogue,
  endless,
  garbage,
  silence,
  type Talk,
  tlsServer,
  trickle,
  unasked,
  whenAsked,
} from "./hostile-talk.js";
import { acceptor, add, countersOf, listen, openEngine, plainTls, quiet, refusingPort, urlOf } from "./probe-spec.js";

/**
 * Each checker against a server that says nothing, says it octet by octet, talks nonsense or without end, resets at each step of the
 * dialogue, or lies about a length: always one verdict, within the check's own time, no descriptor left, and the engine is free
 * for the next one. PING_CHECK, and what routers say, are in hostile-network.test.ts.
 */

/** Where only the time limit ends it: it has to, and not much later. A trickle must not prolong it. */
const PATIENCE_MS = 250;
/** Where the server's doing ends it: before this, however busy the machine. */
const LONG_MS = 5000;
/** Timer, scheduling, other work of the machine. */
const SLACK_MS = 2000;

const stages = ["connect", "handshake", "response"];

type Spec = Readonly<Record<string, unknown>>;
/** What the server does, and the verdicts that are right: `outcome stage`. */
type Row<Does> = readonly [name: string, does: Does, ...verdicts: string[]];

const digest = "0".repeat(32);
const page = { kind: "http", urls: [urlOf()] };
const judgedPage = { kind: "http", urls: [urlOf({ digest })] };
const header = "HTTP/1.0 200 OK\r\n";

const http: readonly Row<Talk>[] = [
  ["silence", silence, "timeout response"],
  ["a trickle of a header", trickle(`${header}X: ${"x".repeat(200)}`), "timeout response"],
  ["a trickle of a body", whenAsked(`${header}\r\n`, trickle("x")), "timeout response"],
  ["garbage", whenAsked(garbage, "close"), "bad-response response"],
  ["garbage without end", whenAsked(endless(garbage.toString("latin1"))), "bad-response response"],
  ["a header without end", whenAsked(header, endless("X: y\r\n")), "bad-response response"],
  ["a line of a header without end", whenAsked(endless("x")), "bad-response response"],
  ["a body without end", whenAsked(`${header}\r\n`, endless("x")), "up response"],
  ["reset before it was asked", atOnce, "reset connect", "reset response"],
  ["reset when it was asked", whenAsked("reset"), "reset response"],
  ["reset in the header", whenAsked(`${header}Cont`, "reset"), "reset response"],
  ["reset in the body", whenAsked(`${header}\r\nabc`, "reset"), "reset response"],
  ["closed before it was asked", unasked("close"), "bad-response response"],
  ["closed when it was asked", whenAsked("close"), "bad-response response"],
  ["closed in the header", whenAsked(`${header}Cont`, "close"), "bad-response response"],
  ["answers before it is asked", unasked(`${header}\r\n`, "close"), "up response"],
  ["a status of four digits", whenAsked("HTTP/1.0 2000 OK\r\n\r\n", "close"), "bad-status response"],
  ["no status", whenAsked("HTTP/1.0\r\n\r\n", "close"), "bad-status response"],
  ["a length with a sign", whenAsked(`${header}Content-Length: -1\r\n\r\nx`, "close"), "up response"],
  ["a length beyond 64 bits", whenAsked(`${header}Content-Length: ${"9".repeat(30)}\r\n\r\nx`, "close"), "up response"],
  ["a length that is too short", whenAsked(`${header}Content-Length: 1\r\n\r\n`, endless("x")), "up response"],
  ["a length that is too long", whenAsked(`${header}Content-Length: 9\r\n\r\nabc`), "timeout response"],
  ["a length of a page that is never sent", whenAsked(`${header}Content-Length: 9\r\n\r\n`), "timeout response"],
];

const judgedHttp: readonly Row<Talk>[] = [
  ["a trickle of a body", whenAsked(`${header}\r\n`, trickle("x")), "timeout response"],
  ["a body without end", whenAsked(`${header}\r\n`, endless("x")), "bad-response response"],
  ["reset in the body", whenAsked(`${header}Content-Length: 9\r\n\r\nabc`, "reset"), "reset response"],
  ["a length that is too long", whenAsked(`${header}Content-Length: 9\r\n\r\nabc`), "timeout response"],
  ["closed before its length", whenAsked(`${header}Content-Length: 9\r\n\r\nabc`, "close"), "bad-digest response"],
  ["a length that is too short", whenAsked(`${header}Content-Length: 1\r\n\r\n`, endless("x")), "bad-digest response"],
];

/** How far the dialogue gets before it goes wrong; what is awaited then. */
const mailSteps: readonly (readonly [awaited: string, lines: readonly string[], decisive: boolean])[] = [
  ["the greeting", [], true],
  ["the answer to HELO", ["220 mx ESMTP\r\n"], true],
  ["the answer to QUIT", ["220 mx ESMTP\r\n", "250 mx\r\n"], false],
];

/** Who has answered HELO has shown that it works: how it says good-bye matters only where it says nothing at all. */
const mail: readonly Row<Talk>[] = mailSteps.flatMap(([awaited, lines, decisive]): Row<Talk>[] => {
  const row = (name: string, last: Talk, ...verdicts: string[]): Row<Talk> => [
    `${name} for ${awaited}`,
    dialogue(lines, last),
    ...(decisive ? verdicts : ["up response"]),
  ];
  const always = (name: string, last: Talk, verdict: string): Row<Talk> => [
    `${name} for ${awaited}`,
    dialogue(lines, last),
    verdict,
  ];
  return [
    always("silence", silence, "timeout response"),
    always("a trickle", trickle(`250-${"x".repeat(200)}`), "timeout response"),
    row("garbage", unasked(garbage), "bad-response response"),
    row("reset", unasked("reset"), "reset response", ...(lines.length === 0 ? ["reset connect"] : [])),
    row("closed", unasked("close"), "bad-response response"),
    row("half a line", unasked("25", "close"), "bad-response response"),
    row("another code", unasked("554 no\r\n"), "bad-response response"),
    row("lines without end", endless("250-x\r\n"), "bad-response response"),
    always("a line without end", endless("x"), "bad-response response"),
  ];
});

const beforeTls: readonly Row<Talk>[] = [
  ["silence", silence, "timeout handshake"],
  ["a trickle of a handshake", trickle("\x16\x03\x03\x40\x00\x02"), "timeout handshake", "tls-error handshake"],
  ["garbage", unasked(garbage), "tls-error handshake"],
  ["garbage without end", endless(garbage.toString("latin1")), "tls-error handshake"],
  ["a page without TLS", unasked(`${header}\r\n`, "close"), "tls-error handshake"],
  ["a record that is longer than TLS has", unasked(Buffer.from("160303ffff0200", "hex")), "tls-error handshake"],
  ["a record that never ends", unasked(Buffer.from("16030340000200", "hex")), "timeout handshake"],
  ["reset at once", atOnce, "reset connect", "reset handshake", "tls-error handshake"],
  ["reset when it was greeted", whenAsked("reset"), "reset handshake", "tls-error handshake"],
  ["closed when it was greeted", whenAsked("close"), "tls-error handshake"],
];

/** Octets of a good handshake that come: within a record's header, within its ServerHello, behind it. */
const cuts = [1, 5, 60, 127, 400] as const;
const cutTls: readonly Row<Talk>[] = [
  ["silence", silence, "timeout handshake"],
  ["reset", unasked("reset"), "reset handshake", "tls-error handshake"],
  ["closed", unasked("close"), "tls-error handshake"],
  ["garbage", unasked(garbage, garbage, garbage, garbage, garbage, garbage), "tls-error handshake"],
];

/** Inside a good handshake; `raw` is below it. */
type SecureTalk = (socket: Socket, raw: Socket) => void;
const insideTls: readonly Row<SecureTalk>[] = [
  ["silence", silence, "timeout response"],
  ["a trickle of a header", trickle(`${header}X: y\r\n`), "timeout response"],
  ["a trickle of a body", whenAsked(`${header}\r\n`, trickle("x")), "timeout response"],
  ["garbage", whenAsked(garbage, "close"), "bad-response response"],
  ["a header without end", whenAsked(header, endless("X: y\r\n")), "bad-response response"],
  ["a body without end", whenAsked(`${header}\r\n`, endless("x")), "up response"],
  ["closed when it was asked", whenAsked("close"), "bad-response response"],
  ["closed in the header", whenAsked(`${header}Cont`, "close"), "bad-response response"],
  ["reset when it was asked", (socket, raw) => void socket.once("data", () => raw.resetAndDestroy()), "reset response"],
  [
    "cut off without a good-bye in the header",
    (socket, raw) => void socket.once("data", () => socket.write(`${header}Cont`, () => raw.destroy())),
    "bad-response response",
    "tls-error response",
    "reset response",
  ],
  [
    "garbage below TLS",
    (socket, raw) =>
      void socket.once("data", () => raw.write(Buffer.concat([Buffer.from("1703030020", "hex"), garbage]))),
    "tls-error response",
  ],
];

const smtp = {
  kind: "smtp",
  exchange: { request: "probe.example", requireReply: false, reply: "", mask: "", minReply: 0, maxReply: 0 },
};
const secure = { ...page, kind: "https", tls: plainTls };

const hello = { request: "hello", requireReply: true, reply: "he", mask: "\xff\xff", minReply: 0, maxReply: 255 };
const udp = { kind: "udp", exchange: { ...hello, requireReply: false } };
const udpReply = { kind: "udp", exchange: { ...hello, minReply: 2 } };

const largest = Buffer.alloc(65_507, "he");

const loose: readonly Row<Answer>[] = [
  ["silence", noAnswer, "up response"],
  ["garbage", answers(garbage), "up response"],
  ["an empty datagram", answers(""), "up response"],
  ["the largest datagram", answers(largest), "up response"],
  ["a flood", flooding(() => garbage), "up response"],
];

const strict: readonly Row<Answer>[] = [
  ["silence", noAnswer, "timeout response"],
  ["garbage", answers(garbage), "bad-response response"],
  ["another reply", answers("hi"), "bad-response response"],
  ["a reply octet by octet", dripping((_query, n) => Buffer.from("hello".charAt(n % 5))), "bad-response response"],
  ["an empty datagram", answers(""), "bad-response response"],
  ["a reply that is too short", answers("h"), "bad-response response"],
  ["a reply that is too long", answers("h".padEnd(256, "e")), "bad-response response"],
  ["the largest datagram", answers(largest), "bad-response response"],
  ["a flood", flooding(() => garbage), "bad-response response"],
  ["the right reply, again and again", flooding(() => Buffer.from("hello")), "up response"],
];

const forged = answerTo(2, (answer) => Buffer.concat([Buffer.of((answer[0] ?? 0) ^ 1), answer.subarray(1)]));

const dns: readonly Row<Answer>[] = [
  ["silence", noAnswer, "timeout response"],
  [
    "an answer octet by octet",
    dripping((query, n) => answerTo(0)(query).subarray(n % 12, (n % 12) + 1)),
    "timeout response",
  ],
  ["garbage", answers(garbage), "timeout response"],
  ["garbage without end", flooding(() => garbage), "timeout response"],
  ["the query itself", answers((query) => query), "timeout response"],
  ["an empty datagram", answers(""), "timeout response"],
  ["less than a header", answers((query) => answerTo(0)(query).subarray(0, 11)), "timeout response"],
  ["a header alone", answers((query) => answerTo(0)(query).subarray(0, 12)), "up response"],
  ["cut off in the question", answers((query) => answerTo(0)(query).subarray(0, 14)), "up response"],
  ["counts of records that are not there", answers(answerTo(0, (answer) => answer.fill(0xff, 4, 12))), "up response"],
  [
    "the largest datagram",
    answers((query) => Buffer.concat([answerTo(0)(query), largest]).subarray(0, 65_507)),
    "up response",
  ],
  ["answers of another id without end", flooding(forged), "timeout response"],
  ["answers of another id, and one that is right", flooding(forged, answerTo(0)), "up response"],
  ...[1, 2, 3, 4, 5, 15].map(
    (rcode): Row<Answer> => [`RCODE ${rcode}`, answers(answerTo(rcode)), "bad-response response"],
  ),
];

const query = dnsQuery({ name: "www.example.", queryType: "A" });
const question = { request: query, requireReply: true, reply: "", mask: "", minReply: 0, maxReply: 65_535 };

const skip = needs("native");
const options = { skip, timeout: 60_000 };

const streams: readonly (readonly [checker: string, spec: Spec, rows: readonly Row<Talk>[]])[] = [
  ["HTTP_GET", page, http],
  ["HTTP_GET with a digest", judgedPage, judgedHttp],
  ["SMTP_CHECK", smtp, mail],
  ["SSL_GET before TLS", secure, beforeTls],
  [
    "TCP_CHECK",
    { kind: "tcp" },
    [
      ["silence", silence, "up connect"],
      ["garbage", unasked(garbage), "up connect"],
      ["garbage without end", endless("x"), "up connect"],
      ["reset at once", atOnce, "up connect"],
      ["closed at once", unasked("close"), "up connect"],
    ],
  ],
];

for (const [checker, spec, rows] of streams)
  for (const [name, talk, ...verdicts] of rows)
    test(`${checker}: ${name}`, options, (t) => judgeServer(t, acceptor(talk), spec, verdicts));

for (const [name, talk, ...verdicts] of insideTls)
  test(`SSL_GET: ${name}`, options, (t) => judgeServer(t, tlsServer(talk), secure, verdicts, 2000)); // and the handshake before it

for (const [name, talk, ...verdicts] of cutTls)
  for (const octets of cuts)
    test(`SSL_GET: ${name} after ${octets} octets of the handshake`, options, async (t) => {
      const { server, good } = await cutHandshake(octets, talk);
      t.after(() => good.close());
      await judgeServer(t, server, secure, verdicts);
    });

const datagrams: readonly (readonly [checker: string, spec: Spec, rows: readonly Row<Answer>[]])[] = [
  ["UDP_CHECK", udp, loose],
  ["UDP_CHECK with a reply", udpReply, strict],
  ["DNS_CHECK", { kind: "dns", exchange: question }, dns],
];

for (const [checker, spec, rows] of datagrams)
  for (const [name, answer, ...verdicts] of rows)
    test(`${checker}: ${name}`, options, async (t) => {
      const { port, socket } = await datagramServer(answer);
      t.after(() => socket.close());
      await judge(spec, port, verdicts);
    });

for (const [checker, spec, verdict] of [
  ["TCP_CHECK", { kind: "tcp" }, "refused connect"],
  ["HTTP_GET", page, "refused connect"],
  ["SSL_GET", secure, "refused connect"],
  ["SMTP_CHECK", smtp, "refused connect"],
  ["UDP_CHECK", udp, "refused response"],
  ["UDP_CHECK with a reply", udpReply, "refused response"],
  ["DNS_CHECK", { kind: "dns", exchange: question }, "refused response"],
] as const)
  test(`${checker}: nobody listens`, options, async () => judge(spec, await refusingPort(), [verdict]));

async function judgeServer(
  t: TestContext,
  server: Server,
  spec: Spec,
  verdicts: readonly string[],
  patience = PATIENCE_MS,
): Promise<void> {
  t.after(() => server.close());
  await judge(spec, await listen(server), verdicts, patience);
}

const openFiles = (): number => readdirSync("/proc/self/fd").length;

/** Runs the check; then another one on the same engine must pass, also while the first server goes on. */
async function judge(spec: Spec, port: number, verdicts: readonly string[], patience = PATIENCE_MS): Promise<void> {
  const good = acceptor();
  const goodPort = await listen(good);
  const before = openFiles();
  const { engine, heard } = openEngine();
  try {
    const late = spec === udp || verdicts.some((verdict) => verdict.startsWith("timeout"));
    const timeout = late ? patience : LONG_MS;
    const began = performance.now();
    call(engine, "arm", add(engine, { ...spec, port, timeout }), 1, 0, 0, quiet.nothing);
    await until("a verdict", () => heard.length > 0);
    const took = performance.now() - began;
    const { outcome = -1, stage = -1, reason, detail } = heard[0] ?? {};
    const got = `${outcomes[outcome]} ${stages[stage]}`;
    assert.ok(verdicts.includes(got), `${got}, reason ${reason}, detail ${detail}`);
    assert.ok(took < timeout + (late ? SLACK_MS : 0), `${took} ms`);
    if (got.startsWith("timeout")) assert.ok(took >= timeout - 1, `${took} ms: not the whole time`);
    call(engine, "arm", add(engine, { port: goodPort, timeout: LONG_MS }), 2, 0, 0, quiet.nothing);
    await until("the next check", () => heard.length > 1);
    assert.deepEqual([heard.length, heard[1]?.outcome, countersOf(engine).inFlight], [2, 0, 0]);
  } finally {
    engine.close();
    good.close();
  }
  await until("all descriptors are closed", () => openFiles() < before); // without the listener of `good`
}
