import assert from "node:assert/strict";
import test from "node:test";
import type { Mail } from "../../main/notify/mail.js";
import { MailBacklog } from "../../main/notify/mail-backlog.js";
import { ms } from "../../main/units.js";

const AT = "2026-03-01T09:44:08.000Z";
const health = (n: number): Mail => ({ about: "health", subject: `[r] Realserver ${n}`, body: `=> body ${n} <=` });
const vrrp = (n: number): Mail => ({ about: "vrrp", subject: `[r] VRRP Instance ${n}`, body: "=> body <=" });

/** Takes what may be sent at `now`, until it has to wait. */
function drain(backlog: MailBacklog, now: number): { readonly sent: Mail[]; readonly next: string } {
  const sent: Mail[] = [];
  for (;;) {
    const step = backlog.next(ms(now), "r");
    if (step.kind !== "send") return { sent, next: step.kind === "wait" ? `wait ${step.delay}` : step.kind };
    sent.push(step.mail);
  }
}

test("few mails are sent one by one, as they are, in order", () => {
  const backlog = new MailBacklog(ms(0));
  const mails = [health(1), vrrp(2), health(3)];
  for (const mail of mails) backlog.push(mail, AT);
  assert.deepEqual(drain(backlog, 0), { sent: mails, next: "idle" });
});

test("more than the burst at once: one digest that lists all", () => {
  const backlog = new MailBacklog(ms(0));
  for (let i = 0; i < 30; i += 1) backlog.push(health(i), AT);
  const { sent, next } = drain(backlog, 0);
  assert.equal(next, "idle");
  assert.equal(sent.length, 1);
  const [digest] = sent;
  assert.equal(digest?.subject, "[r] 30 alerts");
  const lines = digest?.body.split("\r\n") ?? [];
  assert.equal(lines.length, 60);
  assert.deepEqual(lines.slice(0, 2), [`${AT} [r] Realserver 0`, "    => body 0 <="]);
});

test("130,000 mails in an hour: never more than one every 3 s after the first 20", () => {
  const backlog = new MailBacklog(ms(0));
  let sent = 0;
  let listed = 0;
  for (let i = 0; i < 130_000; i += 1) {
    backlog.push(health(i), AT);
    for (const mail of drain(backlog, (i * 3_600_000) / 130_000).sent) {
      sent += 1;
      listed += Number(/^\[r\] (\d+) alerts$/.exec(mail.subject)?.[1] ?? 1);
    }
    assert.ok(backlog.size <= 100);
  }
  assert.ok(sent <= 20 + 1200, `${sent} mails`);
  assert.ok(listed > 100_000, `${listed} events told`);
});

test("at the rate limit it says how long to wait", () => {
  const backlog = new MailBacklog(ms(0));
  for (let i = 0; i < 20; i += 1) {
    backlog.push(health(i), AT);
    assert.equal(drain(backlog, 0).sent.length, 1);
  }
  backlog.push(health(20), AT);
  assert.deepEqual(drain(backlog, 1000), { sent: [], next: "wait 2000" });
  backlog.push(health(21), AT);
  const { sent } = drain(backlog, 3000);
  assert.deepEqual(
    sent.map(({ subject }) => subject),
    ["[r] 2 alerts"],
  );
});

test("too many: health gives way to VRRP, the oldest first, and their number is told", () => {
  const backlog = new MailBacklog(ms(0));
  backlog.push(vrrp(0), AT);
  for (let i = 1; i <= 150; i += 1) backlog.push(health(i), AT);
  assert.equal(backlog.size, 100);
  const { sent } = drain(backlog, 0);
  const body = sent[0]?.body ?? "";
  assert.equal(sent[0]?.subject, "[r] 100 alerts");
  assert.match(body, /^51 more alerts came too fast and are not listed here\./);
  assert.ok(body.includes("VRRP Instance 0") && body.includes("Realserver 150") && !body.includes("Realserver 51\r\n"));
});

test("only VRRP: the oldest is given up", () => {
  const backlog = new MailBacklog(ms(0));
  for (let i = 0; i < 101; i += 1) backlog.push(vrrp(i), AT);
  const body = drain(backlog, 0).sent[0]?.body ?? "";
  assert.ok(!body.includes("Instance 0\r\n") && body.includes("Instance 100"));
});
