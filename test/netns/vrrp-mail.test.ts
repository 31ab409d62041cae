import assert from "node:assert/strict";
import { test } from "node:test";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { MailSink } from "../harness/mail-sink.js";
import { needs } from "../harness/needs.js";
import { stays, until } from "../harness/until.js";

const instance = (n: number): string => `vrrp_instance V${n} {
  state BACKUP
  interface eth0
  version 3
  virtual_router_id ${n}
  priority 100
  advert_int 0.1
  smtp_alert
  virtual_ipaddress { 198.51.100.${n}/32 }
}
`;

const configOf = (count: number): string => `global_defs {
  router_id lb1
  notification_email {
    ops@example.com
  }
  notification_email_from lb@example.com
  smtp_server 127.0.0.1
}
${Array.from({ length: count }, (_, i) => instance(i + 1)).join("")}`;

const options = { skip: needs("root", "netns", "native"), timeout: 60_000 };

test(
  "50 instances that become MASTER together are one mail; a cut cable is another, and none waits at the end",
  options,
  async () => {
    await using lan = await Lan.create(plainHosts("a"));
    const host = lan.host("a");
    const { mails } = await MailSink.start(host);
    const daemon = await host.start(holdfast("memory"), configOf(50), ["--vrrp"]);
    await until("the mail about the start", 20_000, () => mails.length > 0, 50);
    const subjects = (): readonly (string | undefined)[] => mails.map(({ headers }) => headers["Subject"]);
    assert.match(subjects()[0] ?? "", /^\[lb1\] \d+ alerts - 50 VRRP Instance Entering MASTER state$/);
    const rows = (mails[0]?.body ?? "").split("\r\n").filter((line) => /^\d{4}-.*VRRP Instance V\d+: /.test(line));
    assert.equal(rows.length, 50);

    await lan.cut("a", "carrier");
    await until("the mail about the cable", 20_000, () => mails.length > 1, 50);
    assert.equal(subjects()[1], "[lb1] 50 alerts - 50 VRRP Instance Entering FAULT state");
    await daemon.stop();
    await until("the mail about the stop", 20_000, () => mails.length > 2, 50);
    await stays("no other mail", 500, () => mails.length === 3);
    assert.equal(subjects()[2], "[lb1] 50 alerts - 50 VRRP Instance Stopping");
  },
);

test("a single instance has the mails that keepalived sends", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  const { mails } = await MailSink.start(host);
  await host.start(holdfast("memory"), configOf(1), ["--vrrp"]);
  const told = (): readonly string[] => mails.map(({ headers, body }) => `${headers["Subject"]} / ${body.trim()}`);
  const master = "[lb1] VRRP Instance V1 - Entering MASTER state / => VRRP Instance is now owning VRRP VIPs <=";
  await until("the mail about the master", 20_000, () => told().includes(master), 50);
  assert.ok(told().length <= 2, told().join("; "));
});
