import assert from "node:assert/strict";
import test from "node:test";
import type { MailConfig } from "../../main/config/model.js";
import type { Mail } from "../../main/notify/mail.js";
import type { MailTransport } from "../../main/notify/mail-thread.js";
import { Mailer } from "../../main/notify/mailer.js";
import type { Delivery } from "../../main/notify/smtp.js";
import { ms, port } from "../../main/units.js";
import { until } from "../harness/until.js";
import { ManualClock, recordingLog } from "./notify-support.js";

const config: MailConfig = {
  recipients: ["root@example.com"],
  from: "lb@example.com",
  server: "192.0.2.25",
  port: port(25),
  connectTimeout: ms(30_000),
  heloName: "lb.example.com",
};
const mail = (n: number): Mail => ({ about: "health", subject: `[lb1] mail - ${n}`, body: "=> body <=" });

function setUp(detail = false) {
  const clock = new ManualClock();
  const { log, lines } = recordingLog(detail);
  const told: string[] = [];
  let pending: ((delivery: Delivery) => void) | undefined;
  const open = (): MailTransport => {
    told.push("open");
    return {
      deliver: ({ recipients }, { subject }, done) => {
        assert.equal(pending, undefined, "one at a time");
        told.push(`${subject} to ${recipients.join(",")}`);
        pending = done;
      },
      [Symbol.dispose]: () => told.push("close"),
    };
  };
  const mailer = new Mailer(open, log, clock);
  const answer = (delivery: Delivery = { kind: "sent", rejected: [] }): void => {
    const done = pending;
    pending = undefined;
    done?.(delivery);
  };
  /** What happened since the last call. */
  const news = (): string[] => told.splice(0);
  const waits = (): number => told.length;
  return { mailer, clock, lines, answer, news, waits };
}

test("without configuration nothing is opened and nothing kept", async () => {
  const { mailer, news } = setUp();
  mailer.send(mail(1));
  mailer.configure({ routerId: "lb1", mail: undefined });
  mailer.send(mail(2));
  await mailer.settle(ms(1000));
  assert.deepEqual(news(), []);
});

test("mails go out one after another", async () => {
  const { mailer, news, answer, clock } = setUp();
  mailer.configure({ routerId: "lb1", mail: config });
  mailer.send(mail(1));
  mailer.send(mail(2));
  assert.deepEqual(news(), ["open"]);
  clock.advance(500);
  assert.deepEqual(news(), ["[lb1] mail - 1 to root@example.com"]);
  const settled = mailer.settle(ms(1000));
  answer();
  assert.deepEqual(news(), ["[lb1] mail - 2 to root@example.com"]);
  answer();
  await settled;
});

test("a reload changes the recipients of what waits, not the thread", () => {
  const { mailer, news, answer, clock } = setUp();
  mailer.configure({ routerId: "lb1", mail: config });
  mailer.send(mail(1));
  mailer.send(mail(2));
  clock.advance(500);
  mailer.configure({ routerId: "lb1", mail: { ...config, recipients: ["a@b", "c@d"] } });
  answer();
  assert.deepEqual(news(), ["open", "[lb1] mail - 1 to root@example.com", "[lb1] mail - 2 to a@b,c@d"]);
});

test("a reload without mail ends the thread, one with mail starts it again", () => {
  const { mailer, news, answer, clock } = setUp();
  mailer.configure({ routerId: "lb1", mail: config });
  mailer.send(mail(1));
  mailer.send(mail(2));
  clock.advance(500);
  mailer.configure({ routerId: "lb1", mail: undefined });
  assert.deepEqual(news().slice(-1), ["close"]);
  answer({ kind: "broken", cause: "the mail thread ended" });
  mailer.configure({ routerId: "lb1", mail: config });
  mailer.send(mail(3));
  clock.advance(500);
  assert.deepEqual(news(), ["open", "[lb1] mail - 3 to root@example.com"]);
});

/** Log sentences begin with keepalived's words. */
const sentences: readonly (readonly [Delivery, RegExp])[] = [
  [{ kind: "unreachable", cause: "connect ECONNREFUSED" }, /^SMTP connection ERROR to \[192\.0\.2\.25\]:25\./],
  [
    { kind: "connect-timeout", cause: "Connection timeout" },
    /^Timeout opening connection to remote SMTP server \[192\.0\.2\.25\]:25\./,
  ],
  [{ kind: "reply-timeout", cause: "Timeout" }, /^Timeout reading data from remote SMTP server \[192\.0\.2\.25\]:25\./],
  [
    { kind: "refused", command: "RCPT", status: 550, cause: "550 no" },
    /^Error processing RCPT cmd on SMTP server \[192\.0\.2\.25\]:25\. SMTP status code = 550/,
  ],
  [{ kind: "broken", cause: "the mail thread ended" }, /could not be sent: the mail thread ended/],
];

for (const [delivery, sentence] of sentences) {
  test(`${delivery.kind} is logged once, and when it is over`, () => {
    const { mailer, lines, answer, clock } = setUp();
    mailer.configure({ routerId: "lb1", mail: config });
    for (let i = 0; i < 3; i += 1) {
      mailer.send(mail(i));
      clock.advance(500);
      answer(delivery);
    }
    assert.equal(lines.length, 1);
    assert.match(lines[0]?.sentence ?? "", sentence);
    mailer.send(mail(4));
    clock.advance(500);
    answer();
    assert.equal(lines[1]?.sentence, "SMTP alerts are sent again; 3 mails were lost");
  });
}

test("recipients that are refused are named; success shows with -D only", () => {
  for (const detail of [true, false]) {
    const { mailer, lines, answer, clock } = setUp(detail);
    mailer.configure({ routerId: "lb1", mail: config });
    mailer.send(mail(1));
    clock.advance(500);
    answer({ kind: "sent", rejected: ["x@example.com"] });
    const want = ["the SMTP server refuses the recipients x@example.com: correct notification_email"];
    assert.deepEqual(
      lines.map(({ sentence }) => sentence),
      detail ? ["SMTP alert successfully sent.", ...want] : want,
    );
  }
});

test("a storm is one mail; one about VRRP goes before it, and is not in its table", async () => {
  const { mailer, news, waits, answer, clock } = setUp();
  mailer.configure({ routerId: "lb1", mail: config });
  news();
  for (let i = 0; i < 1000; i += 1) mailer.send({ about: "health", subject: `[lb1] Realserver ${i} - DOWN`, body: "" });
  clock.advance(100);
  mailer.send({ about: "vrrp", subject: "[lb1] VRRP Instance V - Entering MASTER state", body: "=> x <=" });
  clock.advance(500);
  assert.deepEqual(news(), ["[lb1] VRRP Instance V - Entering MASTER state to root@example.com"]);
  answer();
  clock.advance(2399);
  assert.deepEqual(news(), []);
  clock.advance(1);
  await until("the table is put together", 5000, () => waits() > 0);
  assert.deepEqual(news(), ["[lb1] 1000 alerts - 1000 Realserver DOWN to root@example.com"]);
  answer();
  clock.advance(60_000);
  assert.deepEqual(news(), []);
});

test("at the end what waits goes at once", async () => {
  const { mailer, news, answer, clock } = setUp();
  mailer.configure({ routerId: "lb1", mail: config });
  mailer.send(mail(1));
  const settled = mailer.settle(ms(1000));
  assert.deepEqual(news(), ["open", "[lb1] mail - 1 to root@example.com"]);
  mailer.send(mail(2));
  answer();
  assert.deepEqual(news(), ["[lb1] mail - 2 to root@example.com"]);
  answer();
  await settled;
  assert.equal(clock.now(), 0);
});

test("settle does not wait longer than its limit", async () => {
  const { mailer, clock } = setUp();
  mailer.configure({ routerId: "lb1", mail: config });
  mailer.send(mail(1));
  const settled = mailer.settle(ms(1000));
  clock.advance(1000);
  await settled;
  mailer[Symbol.dispose]();
});
