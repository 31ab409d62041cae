import assert from "node:assert/strict";
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import type { ConnectingCheckConfig } from "../../main/config/model.js";
import type { DnsCheckConfig, UdpCheckConfig } from "../../main/config/model-checks.js";
import { ms, port } from "../../main/units.js";
import * as probe from "../../native-bindings/probe.js";
import { rulesOf } from "../../workers/policy.js";
import { failureText, readResult } from "../../workers/probe-result.js";
import { probeSpec } from "../../workers/probe-spec.js";
import { until } from "../harness/until.js";

/** UDP_CHECK, DNS_CHECK and SMTP_CHECK from their configuration to the sentence, against servers of every kind. */

const timing = {
  delayLoop: ms(1000),
  fastInterval: undefined,
  jitter: ms(0),
  connectTimeout: ms(10_000),
  retry: 0,
  rise: 1,
  delayBeforeRetry: ms(1000),
  warmup: ms(0),
  alpha: false,
  logAllFailures: false,
};

/** Where only the time-out ends it. What answers is in this thread, which a busy machine keeps waiting. */
const impatient = { timing: { ...timing, connectTimeout: ms(400) } };

const targetOf = (number: number, address = "127.0.0.1") => ({
  address: address as IpAddress,
  port: port(number),
  bindAddress: undefined,
  bindPort: undefined,
  bindInterface: undefined,
  fwmark: 0,
});

/** Runs the check once. @returns empty when it passed */
async function run(t: TestContext, check: ConnectingCheckConfig): Promise<string> {
  let said: string | undefined;
  const engine = probe.openProbeEngine({ inFlight: 10, inFlightPerHost: 0 }, (results) => {
    said = failureText(kindOf(check), readResult(results, 0, probe), probe);
  });
  t.after(() => engine.close());
  engine.arm(engine.add(probeSpec(check, rulesOf(check), [])), 1, 0, 0, probe.quietness.indexOf("nothing"));
  await until("a result", 20_000, () => said !== undefined);
  engine.close();
  return said ?? "";
}

const kindOf = (check: ConnectingCheckConfig): probe.ProbeKind =>
  check.type === "UDP_CHECK" ? "udp" : check.type === "DNS_CHECK" ? "dns" : "smtp";

type Answer = (datagram: Buffer, reply: (octets: Uint8Array) => void) => void;

async function datagramServer(t: TestContext, answer: Answer, address = "127.0.0.1"): Promise<number> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  t.after(() => socket.close());
  socket.on("message", (datagram: Buffer, from: RemoteInfo) =>
    answer(datagram, (octets) => socket.send(octets, from.port, from.address)),
  );
  socket.bind(0, address);
  await once(socket, "listening");
  return socket.address().port;
}

async function closedPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port: number } = socket.address();
  socket.close();
  return number;
}

const udp = (number: number, changes: Partial<UdpCheckConfig> = {}): UdpCheckConfig => ({
  type: "UDP_CHECK",
  timing,
  target: targetOf(number),
  payload: undefined,
  requireReply: false,
  reply: undefined,
  minReplyLength: 0,
  maxReplyLength: 255,
  ...changes,
});

test("UDP_CHECK", async (t) => {
  const heard: Buffer[] = [];
  const silent = await datagramServer(t, (datagram) => heard.push(datagram));
  const hello = await datagramServer(t, (_datagram, reply) => reply(Buffer.from("hello")));

  assert.equal(await run(t, udp(silent, impatient)), "", "silence is no rejection");
  assert.equal(heard[0]?.toString(), "keepalived check - keepalived ch");
  assert.equal(await run(t, udp(silent, { ...impatient, payload: "00ff10" })), "");
  assert.deepEqual([...(heard[1] ?? [])], [0, 255, 16]);
  assert.match(await run(t, udp(await closedPort())), /^Datagram failed: ECONNREFUSED/);
  assert.match(await run(t, udp(silent, { ...impatient, requireReply: true })), /^Timeout waiting for the reply$/);
  assert.equal(await run(t, udp(hello, { requireReply: true })), "");
  assert.equal(await run(t, udp(hello, { requireReply: true, reply: "68x5xx" })), "", "hex of he, x for any");
  assert.match(await run(t, udp(hello, { requireReply: true, reply: "68x4xx" })), /reply data mismatch/);
  assert.match(await run(t, udp(hello, { requireReply: true, reply: "68", maxReplyLength: 4 })), /reply of 5 octets/);
  assert.match(await run(t, udp(hello, { requireReply: true, minReplyLength: 6 })), /reply of 5 octets/);
  const v6 = await datagramServer(t, (_datagram, reply) => reply(Buffer.from("v6")), "::1");
  assert.equal(await run(t, udp(v6, { target: targetOf(v6, "::1"), requireReply: true, reply: "7636" })), "");
});

const dns = (number: number, changes: Partial<DnsCheckConfig> = {}): DnsCheckConfig => ({
  type: "DNS_CHECK",
  timing,
  target: targetOf(number),
  queryType: "SOA",
  name: ".",
  ...changes,
});

const answered = (query: Buffer, rcode = 0): Buffer => {
  const answer = Buffer.from(query);
  answer[2] = (answer[2] ?? 0) | 0x80;
  answer[3] = rcode;
  return answer;
};

test("DNS_CHECK", async (t) => {
  const queries: Buffer[] = [];
  const good = await datagramServer(t, (query, reply) => {
    queries.push(query);
    reply(answered(query));
  });
  assert.equal(await run(t, dns(good)), "");
  assert.equal(await run(t, dns(good, { queryType: "AAAA", name: "www.example.com." })), "");
  const [root, named] = queries.map((query) => query.subarray(2).toString("latin1"));
  assert.equal(root, "\x01\0\0\x01\0\0\0\0\0\0\0\0\x06\0\x01");
  assert.equal(named, "\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x1c\0\x01");
  assert.notDeepEqual(queries[0]?.subarray(0, 2), queries[1]?.subarray(0, 2), "each query has an id of its own");

  const failing = await datagramServer(t, (query, reply) => reply(answered(query, 2)));
  assert.equal(await run(t, dns(failing)), "DNS answer with RCODE 2 (SERVFAIL)");
  const echo = await datagramServer(t, (query, reply) => reply(query));
  assert.equal(await run(t, dns(echo, impatient)), "Timeout waiting for the reply", "a query is no answer");
  const forger = await datagramServer(t, (query, reply) => {
    const forged = answered(query, 2);
    forged[0] = (forged[0] ?? 0) ^ 1;
    for (let i = 0; i < 40; i++) reply(forged);
    reply(Buffer.alloc(11, 0xff));
    reply(answered(query));
  });
  assert.equal(await run(t, dns(forger)), "", "what has another id is not believed, and does not hide the answer");
  assert.match(await run(t, dns(await closedPort())), /ECONNREFUSED/);
});

async function mailServer(t: TestContext, talk: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    talk(socket);
  });
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Answers each line with the next of these; `undefined`: hangs up instead. */
const script =
  (greeting: string, ...replies: readonly (string | undefined)[]) =>
  (socket: Socket): void => {
    socket.write(greeting);
    let line = 0;
    socket.on("data", () => {
      const reply = replies[line++];
      if (reply === undefined) socket.end();
      else socket.write(reply);
    });
  };

test("SMTP_CHECK", async (t) => {
  const smtp = async (talk: (socket: Socket) => void, changes = { timing }): Promise<string> => {
    const target = targetOf(await mailServer(t, talk));
    return await run(t, { type: "SMTP_CHECK", ...changes, target, heloName: "probe.example" });
  };
  const said: string[] = [];
  const polite = (socket: Socket): void => {
    socket.on("data", (octets: Buffer) => said.push(octets.toString()));
    script("220 mx ESMTP\r\n", "250 hello\r\n", "221 bye\r\n")(socket);
  };
  assert.equal(await smtp(polite), "");
  assert.deepEqual(said, ["HELO probe.example\r\n", "QUIT\r\n"]);
  assert.equal(
    await smtp(script("220-mx\r\n220 ready\r\n", "250-mx\r\n250-SIZE\r\n250 HELP\r\n", undefined)),
    "",
    "RFC 5321 §4.2.1",
  );
  assert.equal(await smtp(script("554 go away\r\n")), "Reply 554 where the greeting, 220 was expected");
  assert.equal(await smtp(script("220 mx\r\n", "550 no\r\n")), "Reply 550 where HELO, 250 was expected");
  assert.equal(await smtp(script("SSH-2.0-OpenSSH_9\r\n")), "No SMTP reply where the greeting, 220 was expected");
  assert.equal(await smtp(script("220 mx\r\n", undefined)), "Closed by the mail server where HELO, 250 was expected");
  assert.equal(await smtp((socket) => socket.end()), "Closed by the mail server where the greeting, 220 was expected");
  assert.match(await smtp((socket) => socket.resetAndDestroy()), /ECONNRESET/);
  assert.equal(await smtp(() => undefined, impatient), "Timeout waiting for the mail server's reply");
  assert.match(await smtp((socket) => socket.write("220 ".padEnd(600, "x"))), /^Reply too long/);
  assert.match(await smtp((socket) => socket.write("220-x\r\n".repeat(200))), /^Reply too long/);
  assert.equal(
    await smtp(async (socket) => {
      socket.setNoDelay(true);
      for (const octet of "220 mx\r\n") {
        socket.write(octet);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      script("", "250 a\r\n", "221 b\r\n")(socket);
    }),
    "",
    "octet by octet",
  );
});
