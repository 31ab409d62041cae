import assert from "node:assert/strict";
import test from "node:test";
import type { VrrpNotifyConfig } from "../../main/config/model.js";
import type { Mail } from "../../main/notify/mail.js";
import { Notifier, type NotifyEvent } from "../../main/notify/notifier.js";
import { ms } from "../../main/units.js";
import type { ScriptResult, ScriptRunner } from "../../main/vrrp/ports.js";
import { ManualClock, recordingLog, script } from "./notify-support.js";

const noScripts: VrrpNotifyConfig = {
  all: undefined,
  master: undefined,
  backup: undefined,
  fault: undefined,
  stop: undefined,
};
const allScripts: VrrpNotifyConfig = {
  all: script("/all", "own"),
  master: script("/master"),
  backup: script("/backup"),
  fault: script("/fault"),
  stop: script("/stop"),
};

function setUp(detail = false, result: ScriptResult | "goes on" = { kind: "exited", value: 0 }) {
  const clock = new ManualClock();
  const { log, lines } = recordingLog(detail);
  const started: string[] = [];
  const mails: Mail[] = [];
  const ends: (() => void)[] = [];
  const runner: ScriptRunner = {
    run: ({ argv }, extra, timeout, done) => {
      started.push([...argv, ...extra].join(" "));
      assert.equal(timeout, 0, "notify scripts have no time limit");
      if (result === "goes on") ends.push(() => done({ kind: "exited", value: 0 }));
      else done(result);
    },
  };
  const notifier = new Notifier(runner, { routerId: "lb1", send: (mail) => mails.push(mail) }, log, clock);
  return { notifier, started, mails, lines, clock, ends };
}

const instance = (
  state: "MASTER" | "BACKUP" | "FAULT" | "STOP",
  more: Partial<Extract<NotifyEvent, { kind: "instance" }>> = {},
): NotifyEvent => ({
  kind: "instance",
  name: "VI_1",
  state,
  priority: 150,
  notify: allScripts,
  smtpAlert: true,
  ...more,
});

const owning = "=> VRRP Instance is now owning VRRP VIPs <=";
const notOwning = "=> VRRP Instance is no longer owning VRRP VIPs <=";

/** Scripts and mails of one event: keepalived's arguments, subjects and bodies. */
const rows: readonly (readonly [what: string, NotifyEvent, scripts: readonly string[], mail: readonly string[]])[] = [
  [
    "MASTER",
    instance("MASTER"),
    ["/master", "/all own INSTANCE VI_1 MASTER 150"],
    ["[lb1] VRRP Instance VI_1 - Entering MASTER state", owning],
  ],
  [
    "BACKUP",
    instance("BACKUP"),
    ["/backup", "/all own INSTANCE VI_1 BACKUP 150"],
    ["[lb1] VRRP Instance VI_1 - Entering BACKUP state", notOwning],
  ],
  [
    "FAULT",
    instance("FAULT"),
    ["/fault", "/all own INSTANCE VI_1 FAULT 150"],
    ["[lb1] VRRP Instance VI_1 - Entering FAULT state", notOwning],
  ],
  [
    "STOP",
    instance("STOP"),
    ["/stop", "/all own INSTANCE VI_1 STOP 150"],
    ["[lb1] VRRP Instance VI_1 - Stopping", notOwning],
  ],
  ["nothing configured", instance("MASTER", { notify: noScripts, smtpAlert: false }), [], []],
  [
    "notify alone",
    instance("MASTER", { notify: { ...noScripts, all: script("/all") }, smtpAlert: false, priority: 255 }),
    ["/all INSTANCE VI_1 MASTER 255"],
    [],
  ],
  [
    "a real server is down",
    {
      kind: "real-server",
      realServer: "[192.0.2.2]:tcp:80",
      virtualServer: "[192.0.2.1]:tcp:80",
      script: script("/down", "x"),
    },
    ["/down x"],
    [],
  ],
  ["no notify_up", { kind: "real-server", realServer: "R", virtualServer: "V", script: undefined }, [], []],
  ["quorum lost", { kind: "virtual-server", virtualServer: "V", script: script("/quorum_down") }, ["/quorum_down"], []],
];

for (const [what, event, scripts, mail] of rows) {
  test(what, () => {
    const { notifier, started, mails } = setUp();
    notifier.notify(event);
    assert.deepEqual(started, scripts);
    assert.deepEqual(
      mails.flatMap(({ subject, body }) => [subject, body]),
      mail,
    );
  });
}

test("scripts of one instance run one after another, those of another do not wait", () => {
  const { notifier, started, ends } = setUp(false, "goes on");
  const notify = { ...noScripts, master: script("/master"), backup: script("/backup") };
  for (const state of ["MASTER", "BACKUP"] as const) notifier.notify(instance(state, { notify }));
  notifier.notify(instance("MASTER", { notify, name: "VI_2" }));
  assert.deepEqual(started, ["/master", "/master"]);
  ends[0]?.();
  assert.deepEqual(started.slice(2), ["/backup"]);
});

test("a script that goes on for ever holds up the next for 10 s, and is named", () => {
  const { notifier, started, lines, clock } = setUp(false, "goes on");
  notifier.notify(instance("MASTER"));
  clock.advance(9999);
  assert.deepEqual(started, ["/master"]);
  clock.advance(1);
  assert.equal(started.length, 2);
  assert.match(lines[0]?.sentence ?? "", /notify script \/master of VRRP instance VI_1 runs for more than 10 s/);
});

test("flapping: old transitions are skipped and logged, the last one runs", () => {
  const { notifier, started, lines, ends, clock } = setUp(false, "goes on");
  const notify = { ...noScripts, all: script("/all") };
  for (let i = 0; i < 40; i += 1)
    notifier.notify(instance(i % 2 === 0 ? "MASTER" : "BACKUP", { notify, priority: i + 1 }));
  for (let i = 0; i < ends.length; i += 1) {
    ends[i]?.();
    clock.advance(5); // starts are spread
  }
  assert.equal(started.at(-1), "/all INSTANCE VI_1 BACKUP 40");
  assert.equal(lines.length, 40 - started.length);
  assert.equal(lines[0]?.event, "notify.dropped");
});

test("no second mail for the same state", () => {
  const { notifier, mails } = setUp();
  for (const state of ["MASTER", "MASTER", "BACKUP", "MASTER"] as const) notifier.notify(instance(state));
  assert.deepEqual(
    mails.map(({ subject }) => subject.split(" ").at(-2)),
    ["MASTER", "BACKUP", "MASTER"],
  );
});

/** How a script ended, whether with -D, what is logged. */
const reports: readonly (readonly [ScriptResult, detail: boolean, RegExp | undefined])[] = [
  [{ kind: "exited", value: 1 }, false, undefined],
  [{ kind: "exited", value: 1 }, true, /^notify script \/quorum exited with status 1$/],
  [{ kind: "signalled", value: 9 }, true, /ended due to signal 9/],
  [{ kind: "exited", value: 0 }, true, undefined],
  [{ kind: "not-started", value: 13 }, false, /\/quorum cannot be started as user root: EACCES: check/],
];

for (const [result, detail, sentence] of reports) {
  test(`${result.kind} ${result.value}${detail ? " with -D" : ""}`, () => {
    const { notifier, lines } = setUp(detail, result);
    notifier.notify({ kind: "virtual-server", virtualServer: "V", script: script("/quorum") });
    if (sentence === undefined) assert.deepEqual(lines, []);
    else assert.match(lines[0]?.sentence ?? "", sentence);
  });
}

test("settle waits for the scripts, but not for ever", async () => {
  const { notifier, clock, ends } = setUp(false, "goes on");
  notifier.notify(instance("STOP", { notify: { ...noScripts, stop: script("/stop") } }));
  const settled = notifier.settle(ms(1000));
  ends[0]?.();
  await settled;
  notifier.notify(instance("STOP", { notify: { ...noScripts, stop: script("/stop") } }));
  const late = notifier.settle(ms(1000));
  clock.advance(1000);
  await late;
});
