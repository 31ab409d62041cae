import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { secretsOf } from "../../main/control/log-secrets.js";
import { openLog } from "../../main/observe/create-log.js";
import { LineWriter } from "../../main/observe/line-writer.js";
import { consoleLine, fileLine } from "../../main/observe/log-format.js";
import { LogPump } from "../../main/observe/log-pump.js";
import { decodeRecord, encodeRecord, type LogRecord, tidyRecord } from "../../main/observe/log-record.js";
import { createRing, RingReader, RingWriter } from "../../main/observe/log-ring.js";
import { logFileFor, type Sink } from "../../main/observe/log-sinks.js";
import { oneLine, Redactor } from "../../main/observe/log-text.js";
import { instanceConfig } from "../harness/config-fixtures.js";

const record = (sentence: string, extra: Partial<LogRecord> = {}): LogRecord => ({
  time: new Date(2026, 2, 1, 9, 4, 8, 7).getTime(),
  level: "info",
  ident: "Keepalived_vrrp",
  event: "vrrp.transition",
  sentence,
  fields: {},
  ...extra,
});

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "holdfast-log-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("a sentence stays one bounded, printable line", () => {
  const rows: readonly [string, string][] = [
    ["plain (VI_1) Entering MASTER STATE", "plain (VI_1) Entering MASTER STATE"],
    ["a\nb\r\tc", "a\\nb\\r\\tc"],
    ["\u001b[31mred\u0000", "\\x1b[31mred\\x00"],
    ["\u0085next\u2028line", "\\x85next\\u2028line"],
    ["Grüße, 世界", "Grüße, 世界"],
  ];
  for (const [text, want] of rows) assert.equal(oneLine(text), want);
  assert.equal(oneLine("x".repeat(1000)).length, 1000);
  assert.equal(oneLine("x".repeat(5_000_000)), `${"x".repeat(997)}...`);
  assert.equal(oneLine("\u0001".repeat(1000)).length, 1000);
  assert.equal(oneLine(`${"x".repeat(996)}😀tail`), `${"x".repeat(996)}...`);
});

test("secrets are never logged", () => {
  const redactor = new Redactor();
  redactor.setSecrets(["s3cr.t", "1111", "", "long secret"]);
  const rows: readonly [string, string][] = [
    ["auth_pass=hunter2 refused", "auth_pass=******** refused"],
    ["password: 'a b' ok", "password: ******** ok"],
    ['auth_pass "x y"', "auth_pass ********"],
    ["the auth_pass is too long", "the auth_pass is too long"],
    ["bad word s3cr.t, s3crXt", "bad word ********, s3crXt"],
    ["pid 21111 and 1111", "pid 21111 and ********"],
    ["my long secret here", "my ******** here"],
  ];
  for (const [text, want] of rows) assert.equal(redactor.text(text), want);
  const tidy = tidyRecord(record("x 1111", { fields: { auth_pass: "other", note: "s3cr.t", n: 1 } }), redactor);
  assert.deepEqual(tidy.fields, { auth_pass: "********", note: "********", n: 1 });
  assert.equal(tidy.sentence, "x ********");
});

test("records survive the queue; foreign bytes do not", () => {
  const r = record("ü", { fields: { from: "BACKUP", prio: 100, ok: true } });
  assert.deepEqual(decodeRecord(encodeRecord(r)), r);
  const odd = tidyRecord(record("x", { fields: { nan: Number.NaN, none: undefined } }), new Redactor());
  assert.deepEqual(decodeRecord(encodeRecord(odd))?.fields, { nan: "NaN" });
  for (const text of ["", "{", "null", "[]", '[1,"loud","Keepalived","e","s",{}]', '[1,"info","x","e","s",{}]'])
    assert.equal(decodeRecord(Buffer.from(text)), undefined, text);
});

test("console and file lines are keepalived's", () => {
  assert.equal(consoleLine(record("msg")), "Sun Mar  1 09:04:08 2026: msg\n");
  assert.equal(fileLine(record("msg")), "Sun Mar  1 09:04:08.007000000 2026: msg\n");
  const rows = [
    ["/tmp/keepalived.log", "Keepalived", "/tmp/keepalived.log"],
    ["/tmp/keepalived.log", "Keepalived_vrrp", "/tmp/keepalived_vrrp.log"],
    ["/keepalived", "Keepalived_healthcheckers", "/keepalived_check"],
  ] as const;
  for (const [path, ident, want] of rows) assert.equal(logFileFor(path, ident), want);
});

test("losses are counted, reported once, and reported at the end", () => {
  const shared = createRing(256);
  const writer = new RingWriter(shared);
  const lines: string[] = [];
  const sink: Sink = { name: "test", lost: 0, write: (r) => lines.push(r.sentence), flush() {}, [Symbol.dispose]() {} };
  let now = 5000;
  const pump = new LogPump(new RingReader(shared), [sink], () => now);
  for (let i = 0; i < 6; i++) writer.push(encodeRecord(record(`line ${i}`)));
  pump.drain();
  assert.deepEqual(lines.splice(0), [
    "line 0",
    "line 1",
    "line 2",
    "3 log messages were dropped (since start: queue 3)",
  ]);
  for (let i = 0; i < 4; i++) writer.push(encodeRecord(record(`line ${i}`)));
  pump.drain();
  assert.deepEqual(lines.splice(0), ["line 0", "line 1", "line 2"], "not again within a second");
  now += 1000;
  pump.reportLosses(false);
  assert.deepEqual(lines.splice(0), ["1 log messages were dropped (since start: queue 4)"]);
  pump.reportLosses(true);
  assert.deepEqual(lines, []);
});

test("a log file that is a symbolic link is refused", (t) => {
  const dir = directory(t);
  symlinkSync("/dev/null", join(dir, "planted"));
  assert.throws(() => LineWriter.open(join(dir, "planted")), { code: "ELOOP" });
});

test("a reader that is too slow loses whole lines, never parts of one", async (t) => {
  const path = join(directory(t), "pipe");
  assert.equal(spawnSync("mkfifo", [path]).status, 0);
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  const writer = new LineWriter(openSync(path, O_WRONLY | O_NONBLOCK), true);
  const total = 3000;
  let text = "";
  const buffer = Buffer.alloc(10_007); // odd, so that lines are cut at all places
  for (let i = 0; i < total; i++) {
    writer.write(`line ${i} ${"x".repeat(i % 97)}\n`);
    if (i % 1000 === 999) writer.flush();
    if (i % 1000 === 500) text += buffer.toString("utf8", 0, i > 1000 ? readSync(reader, buffer) : 0);
  }
  const drain = (): void => {
    for (let n = 1; n > 0; ) {
      try {
        n = readSync(reader, buffer);
        text += buffer.toString("utf8", 0, n);
      } catch {
        n = 0; // EAGAIN: empty
      }
    }
  };
  drain();
  writer.flush();
  writer.write("the end\n");
  writer[Symbol.dispose]();
  drain();
  closeSync(reader);
  const lines = text.split("\n").slice(0, -1);
  assert.equal(lines.pop(), "the end");
  for (const line of lines) assert.match(line, /^line \d+ x*$/);
  assert.ok(writer.lost > 0, "the pipe was full");
  assert.equal(lines.length + writer.lost, total);
});

test("lines logged before the thread is up reach every sink, in order", async (t) => {
  const dir = directory(t);
  const file = join(dir, "keepalived.log");
  const json = join(dir, "log.json");
  const log = openLog({ console: false, file, flushFile: false, syslogFacility: undefined, json, detail: false });
  const vrrp = log.log("Keepalived_vrrp");
  log.setSecrets(["topsecret"]);
  log.log("Keepalived")("notice", "start", "Starting Keepalived v2.4.3", { restarts: 0 });
  for (let i = 0; i < 500; i++) vrrp("info", "vrrp.transition", `(VI_${i}) Entering MASTER STATE`);
  vrrp("debug", "x", "not without -D");
  vrrp("error", "secret", "wrong password topsecret\nforged line");
  await log.flush();
  const lines = readFileSync(join(dir, "keepalived_vrrp.log"), "utf8").trimEnd().split("\n");
  assert.equal(lines.length, 501);
  assert.match(lines[499] ?? "", /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d\.\d{9} \d{4}: \(VI_499\) Entering MASTER STATE$/);
  assert.match(lines[500] ?? "", /: wrong password \*{8}\\nforged line$/);
  await log.close();
  vrrp("info", "late", "after close"); // neither throws nor blocks
  const first: unknown = JSON.parse(readFileSync(json, "utf8").split("\n")[0] ?? "");
  assert.ok(typeof first === "object" && first !== null);
  const { time, ...rest } = first as Record<string, unknown>;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(rest, {
    level: "notice",
    pid: process.pid,
    ident: "Keepalived",
    event: "start",
    fields: { restarts: 0 },
    msg: "Starting Keepalived v2.4.3",
  });
  assert.equal(log.dropped(), 0);
  assert.equal(statSync(file).mode & 0o777, 0o666 & ~process.umask());
});

test("a sink that cannot be opened is reported by the others", async (t) => {
  const dir = directory(t);
  const json = join(dir, "log.json");
  const file = join(dir, "missing", "keepalived.log");
  const log = openLog({ console: false, file, flushFile: true, syslogFacility: undefined, json, detail: true });
  log.log("Keepalived")("debug", "x", "still here");
  await log.close();
  assert.match(
    readFileSync(json, "utf8"),
    /Unable to open log file .*ENOENT.* - logging goes on without it.*\n.*still here/s,
  );
});

test("a planted log file is not followed, whichever process name it is for", async (t) => {
  const dir = directory(t);
  const json = join(dir, "log.json");
  symlinkSync(json, join(dir, "keepalived_vrrp.log"));
  const file = join(dir, "keepalived.log");
  const log = openLog({ console: false, file, flushFile: true, syslogFacility: undefined, json, detail: false });
  log.log("Keepalived_vrrp")("info", "x", "still here");
  await log.close();
  assert.match(readFileSync(json, "utf8"), /Unable to open log file .*ELOOP.*\n.*still here/s);
});

test("a full queue drops, never blocks", async (t) => {
  const json = join(directory(t), "log.json");
  const log = openLog({
    console: false,
    file: undefined,
    flushFile: false,
    syslogFacility: undefined,
    json,
    detail: false,
    ringBytes: 1024,
  });
  const write = log.log("Keepalived");
  for (let i = 0; i < 1000; i++) write("info", "storm", `line ${i}`); // the thread needs longer than this to start
  assert.ok(log.dropped() > 900);
  await log.close();
  const text = readFileSync(json, "utf8");
  assert.match(text, /"event":"log.dropped"/);
  // One report, or several where the thread came up while this one was held up.
  const reported = [...text.matchAll(/(\d+) log messages were dropped/g)].map(([, count]) => Number(count));
  assert.equal(
    reported.reduce((sum, count) => sum + count, 0),
    log.dropped(),
  );
  assert.match(text, new RegExp(`\\(since start: queue ${log.dropped()}\\)`));
});

const stormScript = `
  const { openLog } = await import(${JSON.stringify(new URL("../../main/observe/create-log.js", import.meta.url).href)});
  const log = openLog({ console: true, file: undefined, flushFile: false, syslogFacility: undefined, json: undefined, detail: false });
  const write = log.log("Keepalived");
  const start = performance.now();
  for (let i = 0; i < 3000; i++) write("info", "storm", "x".repeat(200)); // 600 kB; a pipe holds 64
  process.stdout.write(String(performance.now() - start));
  await log.close();
  process.exit(7);
`;

for (const kind of ["pipe", "socket"] as const) {
  test(`a console (${kind}) that nobody reads keeps the daemon neither waiting nor alive`, {
    timeout: 30_000,
  }, async (t) => {
    const path = join(directory(t), "pipe");
    assert.equal(spawnSync("mkfifo", [path]).status, 0);
    const { O_RDWR, O_NONBLOCK } = constants;
    const fifo = openSync(path, O_RDWR | O_NONBLOCK); // held open for both ends, never read
    t.after(() => closeSync(fifo));
    const child = spawn(process.execPath, ["--input-type=module", "-e", stormScript], {
      stdio: ["ignore", "pipe", kind === "pipe" ? fifo : "pipe"], // Node's own "pipe" is a socket pair
    });
    assert.ok(child.stdout !== null);
    child.stderr?.pause();
    const [[logging], [code]] = await Promise.all([once(child.stdout, "data"), once(child, "exit")]);
    assert.equal(code, 7);
    // 3,000 lines at some 10 microseconds each, with slack for a loaded machine; waiting for a reader would be for ever.
    assert.ok(Number(logging) < 2000, `logging took ${logging} ms`);
  });
}

test("keys of auth_hmac are hidden as text and as digits, however these are written", () => {
  const bytes = Buffer.from("a key of thirty-two octets: 0123");
  const config = instanceConfig();
  const hmac = { keys: [{ id: 1, bytes }] } as unknown as NonNullable<typeof config.wire.hmac>;
  const redactor = new Redactor();
  redactor.setSecrets(secretsOf({ authPass: undefined, wire: { ...config.wire, hmac } }));
  const digits = bytes.toString("hex");
  for (const key of [bytes.toString(), digits, digits.toUpperCase()])
    assert.ok(!redactor.text(`key 1 hex:${key} is short`).includes(key));
});

test("keys of heartbeats are hidden", () => {
  const config = instanceConfig();
  const key = "a key of heartbeats";
  const guard = { heartbeats: [{ key }, {}] } as unknown as NonNullable<typeof config.guard>;
  const redactor = new Redactor();
  redactor.setSecrets(secretsOf({ ...config, guard }));
  assert.equal(redactor.text(`key "${key}"`).includes(key), false);
});
