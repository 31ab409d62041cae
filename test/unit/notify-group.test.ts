import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScriptCommand } from "../../main/config/model.js";
import type { Mail } from "../../main/notify/mail.js";
import { Notifier } from "../../main/notify/notifier.js";
import { SimClock } from "../simulation/sim-clock.js";

/** What scripts and people hear of a sync group. */

const command = (program: string): ScriptCommand => ({ argv: [program], user: { name: "root", uid: 0, gid: 0 } });

test("notify_master, notify with GROUP NAME STATE 0, and one mail for each new state", () => {
  const runs: string[] = [];
  const mails: Mail[] = [];
  const runner: ConstructorParameters<typeof Notifier>[0] = {
    run: ({ argv }, args, _timeout, done) => {
      runs.push([...argv, ...args].join(" "));
      done({ kind: "exited", value: 0 });
    },
  };
  const clock = new SimClock();
  const log = Object.assign(() => undefined, { detail: false });
  const notifier = new Notifier(runner, { routerId: "lb1", send: (mail) => mails.push(mail) }, log, clock);
  const notify = { all: command("/all"), master: command("/m"), backup: undefined, fault: undefined, stop: undefined };
  for (const state of ["BACKUP", "MASTER", "MASTER"] as const) {
    notifier.notify({ kind: "group", name: "G", state, notify, smtpAlert: true });
  }
  clock.advance(1000); // scripts start a few at a time
  assert.deepEqual(runs, ["/all GROUP G BACKUP 0", "/m", "/all GROUP G MASTER 0", "/m", "/all GROUP G MASTER 0"]);
  assert.deepEqual(
    mails.map(({ subject }) => subject),
    ["[lb1] VRRP Group G - Entering BACKUP state", "[lb1] VRRP Group G - Entering MASTER state"],
  );
  assert.equal(mails[1]?.body, "=> All VRRP group instances are now in MASTER state <=");
});
