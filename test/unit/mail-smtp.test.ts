import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import test from "node:test";
import type { MailConfig } from "../../main/config/model.js";
import { MailThread } from "../../main/notify/mail-thread.js";
import { type Delivery, deliver } from "../../main/notify/smtp.js";
import { ms, port } from "../../main/units.js";
import { ManualClock } from "./notify-support.js";

/** For those who answer: a busy machine may be away for a while. */
const patience = ms(10_000);
/** For those who do not. A connection is there within it, however busy the machine. */
const silence = ms(1000);

/** An SMTP server for one test. `reply` gets a command (the message as `BODY`), and says what to answer; undefined: nothing. */
class SmtpServer implements AsyncDisposable {
  readonly heard: string[] = [];
  message = "";
  readonly #reply: (line: string) => string | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));

  private constructor(reply: (line: string) => string | undefined) {
    this.#reply = reply;
  }

  static async start(reply: (line: string) => string | undefined = polite): Promise<SmtpServer> {
    const server = new SmtpServer(reply);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  config(more: Partial<MailConfig> = {}): MailConfig {
    return {
      recipients: ["root@example.com", "Ops <ops@example.com>"],
      from: "lb@example.com",
      server: "127.0.0.1",
      port: port((this.#server.address() as AddressInfo).port),
      connectTimeout: patience,
      heloName: "lb.example.com",
      ...more,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let pending = "";
    let inMessage = false;
    const answer = (line: string): void => {
      const text = this.#reply(line);
      if (text !== undefined) socket.write(`${text}\r\n`);
      inMessage = line === "DATA" && text?.startsWith("354") === true;
    };
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      pending += bytes.toString();
      for (let end = pending.indexOf(inMessage ? "\r\n.\r\n" : "\r\n"); end >= 0; ) {
        const line = pending.slice(0, end);
        pending = pending.slice(end + (inMessage ? 5 : 2));
        if (inMessage) this.message = line;
        else this.heard.push(line);
        answer(inMessage ? "BODY" : line);
        end = pending.indexOf(inMessage ? "\r\n.\r\n" : "\r\n");
      }
    });
    answer("(connected)");
  }
}

function polite(line: string): string | undefined {
  if (line === "(connected)") return "220 mx.example.com ESMTP";
  if (line.startsWith("EHLO")) return "250-mx.example.com\r\n250-STARTTLS\r\n250 SIZE 1000000";
  if (line === "DATA") return "354 go on";
  return line === "QUIT" ? "221 bye" : "250 ok";
}

const letter = {
  subject: "[lb1] VRRP Instance VI_1 - Entering MASTER state",
  body: "=> VRRP Instance is now owning VRRP VIPs <=",
};

test("the dialogue and the message", async () => {
  await using server = await SmtpServer.start();
  assert.deepEqual(await deliver(server.config(), letter), { kind: "sent", rejected: [] });
  assert.deepEqual(
    server.heard.filter((line) => line !== "QUIT"),
    [
      "EHLO lb.example.com",
      "MAIL FROM:<lb@example.com>",
      "RCPT TO:<root@example.com>",
      "RCPT TO:<ops@example.com>",
      "DATA",
    ],
  );
  const [head = "", body] = server.message.split("\r\n\r\n");
  const headers = new Map(head.split("\r\n").map((line) => line.split(": ", 2) as [string, string]));
  assert.equal(headers.get("Subject"), letter.subject);
  assert.equal(headers.get("From"), "lb@example.com");
  assert.equal(headers.get("To"), "root@example.com, Ops <ops@example.com>");
  assert.equal(headers.get("X-Mailer"), "Keepalived");
  assert.match(headers.get("Date") ?? "", /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}$/);
  assert.equal(body?.trim(), letter.body);
});

test("a server that only knows HELO", async () => {
  await using server = await SmtpServer.start((line) => (line.startsWith("EHLO") ? "502 what?" : polite(line)));
  assert.equal((await deliver(server.config(), letter)).kind, "sent");
  assert.deepEqual(server.heard.slice(0, 2), ["EHLO lb.example.com", "HELO lb.example.com"]);
});

test("a line with a single dot does not end the message", async () => {
  await using server = await SmtpServer.start();
  await deliver(server.config(), { ...letter, body: "one\r\n.\r\ntwo" });
  assert.match(server.message, /one\r\n\.\.\r\ntwo/);
});

test("one recipient is refused: the others get the mail", async () => {
  await using server = await SmtpServer.start((line) => (line.includes("root@") ? "550 unknown" : polite(line)));
  assert.deepEqual(await deliver(server.config(), letter), { kind: "sent", rejected: ["root@example.com"] });
  assert.ok(server.message.includes(letter.body));
});

/** Which command gets which answer (undefined: none), and what comes of it. */
const failures: readonly (readonly [command: string, answer: string | undefined, want: object])[] = [
  ["(connected)", "554 go away", { kind: "refused", command: "(E)SMTP", status: 554 }],
  ["(connected)", undefined, { kind: "reply-timeout" }],
  ["MAIL", "451 later", { kind: "refused", command: "MAIL", status: 451 }],
  ["RCPT", "550 unknown", { kind: "refused", command: "RCPT", status: 550 }],
  ["DATA", "451 no", { kind: "refused", command: "DATA", status: 451 }],
  ["BODY", "552 too big", { kind: "refused", command: "BODY", status: 552 }],
  ["RCPT", undefined, { kind: "reply-timeout" }],
  ["BODY", undefined, { kind: "reply-timeout" }],
];

for (const [command, answer, want] of failures) {
  test(`${command} is answered with ${answer ?? "nothing"}`, async () => {
    await using server = await SmtpServer.start((line) => (line.startsWith(command) ? answer : polite(line)));
    const connectTimeout = answer === undefined ? silence : patience;
    const { cause, ...delivery } = { cause: "", ...(await deliver(server.config({ connectTimeout }), letter)) };
    assert.deepEqual(delivery, want);
    assert.match(cause, /^[^\r\n]{1,200}$/);
  });
}

test("nobody listens", async () => {
  const server = await SmtpServer.start();
  const config = server.config();
  await server[Symbol.asyncDispose]();
  const delivery = await deliver(config, letter);
  assert.equal(delivery.kind, "unreachable");
  assert.match(delivery.kind === "unreachable" ? delivery.cause : "", /ECONNREFUSED/);
});

const delivered = (thread: MailThread, config: MailConfig): Promise<Delivery> =>
  new Promise((resolve) => thread.deliver(config, letter, resolve));

test("the mail thread delivers, fails and delivers again", async () => {
  await using server = await SmtpServer.start();
  using thread = new MailThread(new ManualClock());
  assert.equal((await delivered(thread, server.config())).kind, "sent");
  assert.equal((await delivered(thread, server.config({ recipients: [] }))).kind, "broken");
  assert.equal((await delivered(thread, server.config())).kind, "sent");
});

test("a stuck mail thread is replaced", async () => {
  await using silent = await SmtpServer.start(() => undefined);
  await using server = await SmtpServer.start();
  const clock = new ManualClock();
  using thread = new MailThread(clock);
  // It would wait for ten minutes; the clock says that they are over, four times, and ten seconds more.
  const stuck = delivered(thread, silent.config({ connectTimeout: ms(600_000) }));
  clock.advance(4 * 600_000 + 10_000);
  assert.deepEqual(await stuck, { kind: "broken", cause: "the mail thread ended" });
  assert.equal((await delivered(thread, server.config())).kind, "sent");
});
