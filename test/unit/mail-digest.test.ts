import assert from "node:assert/strict";
import test from "node:test";
import { settleQuorum } from "../../main/health/quorum.js";
import { realServer as realServerState } from "../../main/health/real-server.js";
import { checkMail } from "../../main/health/virtual-server.js";
import type { VirtualServerContext } from "../../main/health/virtual-server-state.js";
import { groupMail, instanceMail, type Mail } from "../../main/notify/mail.js";
import { MailDigest } from "../../main/notify/mail-digest.js";
import { realServer, virtualServer } from "./health-fixtures.js";

const T0 = Date.UTC(2026, 2, 1, 9, 44, 8);
const VS = "[192.0.2.1]:tcp:80";
const context: VirtualServerContext = { config: virtualServer({ smtpAlert: true }), name: VS, routerId: "lb1" };

/** Mails as the reducers compose them: the table is read out of their subjects. */
function serverMail(address: string, alive: boolean, body: string): Mail {
  const effect = checkMail(context, realServer({ address }), alive, body);
  assert.ok(effect.do === "notify" && effect.event.kind === "check");
  return { about: "health", ...effect.event.mail };
}

function quorumMail(): Mail {
  const { effects } = settleQuorum(
    context,
    { quorum: "up", servers: [realServerState(["down"])], weightAlive: 0 },
    "running",
  );
  const mail = effects.flatMap((effect) =>
    effect.do === "notify" && effect.event.kind === "virtual-server" ? [effect.event.mail] : [],
  )[0];
  assert.ok(mail !== undefined);
  return { about: "health", ...mail };
}

test("the last word about each, how often it changed, quorums first", () => {
  const digest = new MailDigest();
  digest.add(serverMail("10.0.0.1", false, "=> TCP CHECK failed on service <="), T0);
  digest.add(serverMail("10.0.0.2", false, "=> TCP CHECK failed on service <="), T0 + 1);
  digest.add(quorumMail(), T0 + 2);
  digest.add(serverMail("10.0.0.2", true, "=> TCP CHECK succeed on service <="), T0 + 1500);
  assert.equal(digest.subject("lb1"), "[lb1] 4 alerts - 1 Realserver DOWN, 1 Virtualserver DOWN, 1 Realserver UP");
  assert.equal(
    [...digest.body()].join(""),
    [
      "4 alerts about 3 servers or instances, from 2026-03-01T09:44:08.000Z to 2026-03-01T09:44:09.500Z.",
      "",
      "       1  Realserver DOWN",
      "       1  Virtualserver DOWN",
      "       1  Realserver UP",
      "",
      "The last word about each:",
      "",
      "time                      changes  state  of, and why",
      `2026-03-01T09:44:08.002Z        1  DOWN   Virtualserver ${VS}: Lost quorum 1-0=1 > 0`,
      `2026-03-01T09:44:08.000Z        1  DOWN   Realserver [10.0.0.1]:tcp:80 of virtual server ${VS}: TCP CHECK failed on service`,
      `2026-03-01T09:44:09.500Z        2  UP     Realserver [10.0.0.2]:tcp:80 of virtual server ${VS}: TCP CHECK succeed on service`,
      "",
    ].join("\r\n"),
  );
});

test("instances and groups have their states", () => {
  const digest = new MailDigest();
  for (const name of ["VI_1", "VI - 2"]) digest.add(instanceMail("lb1", name, "MASTER"), T0);
  digest.add(instanceMail("lb1", "VI_1", "FAULT"), T0);
  digest.add(groupMail("lb1", "G", "MASTER"), T0);
  assert.equal(
    digest.subject("lb1"),
    "[lb1] 4 alerts - 1 VRRP Instance Entering MASTER state, 1 VRRP Instance Entering FAULT state, 1 VRRP Group Entering MASTER state",
  );
  const body = [...digest.body()].join("");
  assert.match(body, /2 {2}Entering FAULT state +VRRP Instance VI_1: VRRP Instance is no longer owning VRRP VIPs\r\n/);
  assert.match(body, /1 {2}Entering MASTER state +VRRP Instance VI - 2: VRRP Instance is now owning VRRP VIPs\r\n/);
});

test("more servers than a mail can hold: the rest is counted, and known ones still have their last word", () => {
  const digest = new MailDigest();
  const address = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  for (let i = 0; i < 20_003; i += 1) digest.add(serverMail(address(i), false, "=> x <="), T0);
  digest.add(serverMail(address(7), true, "=> x <="), T0);
  const body = [...digest.body()].join("");
  assert.equal(digest.subject("lb1"), "[lb1] 20004 alerts - 19999 Realserver DOWN, 1 Realserver UP");
  assert.match(body, / {7}3 {2}more alerts are not listed here: see the log\r\n/);
  assert.equal(body.split("Realserver [").length - 1, 20_000);
});
