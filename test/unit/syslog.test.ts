import assert from "node:assert/strict";
import test from "node:test";
import { syslogLine } from "../../main/observe/log-format.js";
import type { LogRecord } from "../../main/observe/log-record.js";
import { SyslogSink } from "../../main/observe/log-syslog.js";
import type { UnixDatagram } from "../../native-bindings/datagram.js";

const record: LogRecord = {
  time: new Date(2026, 2, 1, 9, 4, 8).getTime(),
  level: "info",
  ident: "Keepalived_vrrp",
  event: "vrrp.transition",
  sentence: "(VI_1) Entering MASTER STATE",
  fields: {},
};

test("lines are RFC 3164 with keepalived's idents", () => {
  const rows = [
    [record, 3, "<30>Mar  1 09:04:08 Keepalived_vrrp[42]: (VI_1) Entering MASTER STATE"],
    [{ ...record, level: "alert" }, 3, "<25>Mar  1 09:04:08 Keepalived_vrrp[42]: (VI_1) Entering MASTER STATE"],
    [
      { ...record, level: "warning", ident: "Keepalived" },
      16,
      "<132>Mar  1 09:04:08 Keepalived[42]: (VI_1) Entering MASTER STATE",
    ],
    [{ ...record, level: "debug" }, 23, "<191>Mar  1 09:04:08 Keepalived_vrrp[42]: (VI_1) Entering MASTER STATE"],
  ] as const;
  for (const [r, facility, want] of rows) assert.equal(syslogLine(r, facility, 42), want);
});

interface FakeSocket extends UnixDatagram {
  readonly sent: [path: string, line: string][];
}

/** Answers `verdicts` in turn, then 0. */
function socket(...verdicts: number[]): FakeSocket {
  const sent: [string, string][] = [];
  const send = (path: string, bytes: Uint8Array): number => {
    const errno = verdicts.shift() ?? 0;
    if (errno === 0) sent.push([path, Buffer.from(bytes).toString()]);
    return errno;
  };
  return { sent, send, close() {}, [Symbol.dispose]() {} };
}

const EAGAIN = 11;
const EMSGSIZE = 90;
const ECONNREFUSED = 111;
const ENOENT = 2;

test("what happens when syslogd does not take a line", (t) => {
  let now = 0;
  t.mock.method(performance, "now", () => now++); // its patience is a number of attempts, wherever the machine is between them
  const rows = [
    { name: "taken", verdicts: [], sent: 1, lost: 0 },
    { name: "full for a moment", verdicts: [EAGAIN, EAGAIN], sent: 1, lost: 0 },
    {
      name: "full for longer than its patience",
      verdicts: Array.from({ length: 10_000 }, () => EAGAIN),
      sent: 0,
      lost: 1,
    },
    { name: "not running", verdicts: [ECONNREFUSED], sent: 0, lost: 1 },
    { name: "not installed", verdicts: [ENOENT], sent: 0, lost: 0 },
    { name: "too long, then cut", verdicts: [EMSGSIZE], sent: 1, lost: 0 },
  ];
  for (const { name, verdicts, sent, lost } of rows) {
    const fake = socket(...verdicts);
    const sink = new SyslogSink({ facility: 3, pid: 42 }, fake);
    sink.write(record);
    assert.deepEqual({ name, sent: fake.sent.length, lost: sink.lost }, { name, sent, lost });
  }
});

test("every line goes to /dev/log by name, so that a restarted syslogd gets it", () => {
  const fake = socket();
  const sink = new SyslogSink({ facility: 3, pid: 42 }, fake);
  sink.write(record);
  sink.write({ ...record, sentence: "é" });
  assert.deepEqual(
    fake.sent.map(([path, line]) => [path, line.slice(-3)]),
    [
      ["/dev/log", "ATE"],
      ["/dev/log", ": é"],
    ],
  );
});
