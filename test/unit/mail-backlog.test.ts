import assert from "node:assert/strict";
import test from "node:test";
import type { Mail } from "../../main/notify/mail.js";
import { MailBacklog } from "../../main/notify/mail-backlog.js";
import { ms } from "../../main/units.js";

const health = (n: number, state = "DOWN"): Mail => ({
  about: "health",
  subject: `[r] Realserver [10.0.0.${n}]:tcp:80 of virtual server FWM 7 - ${state}`,
  body: `=> TCP CHECK ${n} <=`,
});

/** A backlog to which time passes, and what it has sent: when, and the mail itself or the digest's subject. */
function setUp() {
  const backlog = new MailBacklog(ms(0));
  const sent: (readonly [at: number, what: string])[] = [];
  let now = 0;
  /** Sends what is due, each at its time, until `end`. */
  const until = (end: number): void => {
    for (;;) {
      const due = backlog.dueAt(ms(now));
      if (due === undefined || Math.max(due, now) > end) break;
      now = Math.max(now, due);
      const next = backlog.take(ms(now));
      if (next !== undefined) sent.push([now, next.kind === "mail" ? next.mail.subject : next.digest.subject("r")]);
    }
    now = end;
  };
  const push = (mail: Mail): void => backlog.push(mail, ms(now), now);
  return { backlog, sent, until, push };
}

test("a single mail goes as it is, half a second after its event", () => {
  const { sent, until, push } = setUp();
  until(1000);
  push(health(1));
  until(60_000);
  assert.deepEqual(sent, [[1500, health(1).subject]]);
});

test("a few at once go one by one, as they are, in order", () => {
  const { sent, until, push } = setUp();
  for (let n = 1; n <= 5; n += 1) push(health(n));
  until(60_000);
  assert.deepEqual(
    sent,
    [1, 2, 3, 4, 5].map((n) => [500, health(n).subject]),
  );
});

test("a storm is one mail, when it is over", () => {
  const { sent, until, push } = setUp();
  for (let n = 0; n < 10_000; n += 1) {
    push(health(n));
    until(n); // one each millisecond
  }
  until(100_000);
  assert.deepEqual(sent, [[9999 - 1 + 3000, "[r] 10000 alerts - 10000 Realserver DOWN"]]);
});

test("a storm that goes on is told after 30 s, then after a minute, two, four, and every five", () => {
  const { sent, until, push } = setUp();
  let n = 0;
  for (let now = 0; now < 2_000_000; now += 100) {
    push(health(n++));
    until(now);
  }
  const gaps = sent.map(([at], i) => Math.round((at - (sent[i - 1]?.[0] ?? 0)) / 1000));
  assert.deepEqual(gaps.slice(0, 6), [30, 60, 120, 240, 300, 300]);
  // Calm again: the next event is told as at first.
  until(2_100_000);
  push(health(0));
  until(2_200_000);
  assert.deepEqual(sent.at(-1), [2_100_500, health(0).subject]);
});

test("130,000 mails in an hour: some fifteen mails, and none of the alerts is left out of their numbers", () => {
  const { sent, until, push } = setUp();
  for (let i = 0; i < 130_000; i += 1) {
    push(health(i % 200, i % 400 < 200 ? "DOWN" : "UP"));
    until((i * 3_600_000) / 130_000);
  }
  until(4_000_000);
  const told = sent.reduce((sum, [, subject]) => sum + Number(/^\[r\] (\d+) alerts/.exec(subject)?.[1] ?? 1), 0);
  assert.equal(told, 130_000);
  assert.ok(sent.length < 20, `${sent.length} mails`);
});

test("one a second for an hour: after a while several share a mail, and each is told", () => {
  const { sent, until, push } = setUp();
  for (let i = 0; i < 3600; i += 1) {
    push(health(1, i % 2 === 0 ? "DOWN" : "UP"));
    until(i * 1000);
  }
  until(4_000_000);
  const told = sent.reduce((sum, [, subject]) => sum + Number(/^\[r\] (\d+) alerts/.exec(subject)?.[1] ?? 1), 0);
  assert.equal(told, 3600);
  assert.ok(sent.length <= 20 + 1200, `${sent.length} mails`);
});

test("at the end nothing waits, and few are still sent as they are", () => {
  const { backlog, push } = setUp();
  push(health(1));
  assert.equal(backlog.take(ms(0), true)?.kind, "mail");
  assert.equal(backlog.take(ms(0), true), undefined);
  for (let n = 0; n < 50; n += 1) push(health(n));
  assert.equal(backlog.take(ms(0), true)?.kind, "digest");
  assert.equal(backlog.dueAt(ms(0)), undefined);
});

test("what is given up is forgotten", () => {
  const { backlog, push } = setUp();
  for (let n = 0; n < 50; n += 1) push(health(n));
  backlog.clear();
  assert.deepEqual([backlog.dueAt(ms(10_000)), backlog.take(ms(10_000))], [undefined, undefined]);
});
