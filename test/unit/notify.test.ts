import assert from "node:assert/strict";
import test from "node:test";
import type { VrrpNotifyConfig } from "../../main/config/model.js";
import type { Mail } from "../../main/notify/mail.js";
import { type FifoOutlets, Notifier, type NotifyEvent } from "../../main/notify/notifier.js";
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
  const told: string[] = [];
  const fifos: FifoOutlets = { tell: (side, line, kind) => told.push(`${side} ${kind}: ${line}`) };
  const notifier = new Notifier(runner, { routerId: "lb1", send: (mail) => mails.push(mail) }, log, clock, fifos);
  return { told, notifier, started, mails, lines, clock, ends };
}

const instance = (
  state: "MASTER" | "BACKUP" | "FAULT" | "STOP" | "DELETED",
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
  [
    "DELETED",
    instance("DELETED", { deletedScript: script("/deleted") }),
    ["/deleted", "/all own INSTANCE VI_1 DELETED 150"],
    ["[lb1] VRRP Instance VI_1 - Deleted", notOwning],
  ],
  [
    "a group",
    { kind: "group", name: "G 1", state: "MASTER", notify: allScripts, smtpAlert: true },
    ["/master", "/all own GROUP G 1 MASTER 0"],
    ["[lb1] VRRP Group G 1 - Entering MASTER state", "=> All VRRP group instances are now in MASTER state <="],
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
      up: false,
      script: script("/down", "x"),
    },
    ["/down x"],
    [],
  ],
  ["no notify_up", { kind: "real-server", realServer: "R", virtualServer: "V", up: true, script: undefined }, [], []],
  [
    "quorum lost",
    { kind: "virtual-server", virtualServer: "V", up: false, script: script("/quorum_down") },
    ["/quorum_down"],
    [],
  ],
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
    notifier.notify({ kind: "virtual-server", virtualServer: "V", up: false, script: script("/quorum") });
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

/** Lines of FIFOs as keepalived.conf(5) has them; `chatter` may be left out by a slow reader's pipe. */
const fifoRows: readonly (readonly [NotifyEvent, line: string])[] = [
  [instance("MASTER"), 'vrrp state: INSTANCE "VI_1" MASTER 150'],
  [instance("DELETED"), 'vrrp state: INSTANCE "VI_1" DELETED 150'],
  [{ kind: "group", name: "G", state: "FAULT", notify: noScripts, smtpAlert: false }, 'vrrp state: GROUP "G" FAULT 0'],
  [
    { kind: "lower-priority", name: "VI_1", priority: 150, script: undefined },
    'vrrp chatter: INSTANCE "VI_1" MASTER_RX_LOWER_PRI 150',
  ],
  [
    { kind: "priority", name: "VI_1", isMaster: true, priority: 90 },
    'vrrp chatter: INSTANCE "VI_1" MASTER_PRIORITY 90',
  ],
  [
    { kind: "priority", name: "VI_1", isMaster: false, priority: 90 },
    'vrrp chatter: INSTANCE "VI_1" BACKUP_PRIORITY 90',
  ],
  [
    { kind: "state", type: "INSTANCE", name: "VI_1", state: "BACKUP", priority: 90 },
    'vrrp state: INSTANCE "VI_1" BACKUP 90',
  ],
  [{ kind: "state", type: "GROUP", name: "G", state: "BACKUP", priority: 90 }, 'vrrp state: GROUP "G" BACKUP 0'],
  [
    {
      kind: "real-server",
      realServer: "[192.0.2.2]:tcp:80",
      virtualServer: "[192.0.2.1]:tcp:80",
      up: false,
      script: undefined,
    },
    "lvs state: RS [192.0.2.2]:tcp:80 [192.0.2.1]:tcp:80 DOWN",
  ],
  [
    { kind: "virtual-server", virtualServer: "[192.0.2.1]:tcp:80", up: true, script: undefined },
    "lvs state: VS [192.0.2.1]:tcp:80 UP",
  ],
];

for (const [event, line] of fifoRows) {
  test(`FIFO line: ${line}`, () => {
    const { notifier, told } = setUp();
    notifier.notify(event);
    assert.deepEqual(told, [`${line}\n`]);
  });
}

test("lower priority heard: one script at a time, apart from those of states", () => {
  const { notifier, started, told, ends } = setUp(false, "goes on");
  const heard: NotifyEvent = { kind: "lower-priority", name: "VI_1", priority: 150, script: script("/lower") };
  for (let i = 0; i < 100; i += 1) notifier.notify(heard);
  notifier.notify(instance("BACKUP", { notify: { ...noScripts, backup: script("/backup") } }));
  assert.deepEqual([started, told.length], [["/lower", "/backup"], 101]);
  ends[0]?.();
  notifier.notify(heard);
  assert.equal(started.at(-1), "/lower");
});

test("no_email_faults: no mail of FAULT, and the next mail is not held back", () => {
  const { notifier, mails } = setUp();
  notifier.configure(false);
  for (const state of ["FAULT", "BACKUP"] as const) notifier.notify(instance(state));
  assert.deepEqual(
    mails.map(({ subject }) => subject),
    ["[lb1] VRRP Instance VI_1 - Entering BACKUP state"],
  );
});
