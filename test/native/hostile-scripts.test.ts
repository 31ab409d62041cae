import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { checkId, ms } from "../../main/units.js";
import { until } from "../harness/until.js";
import { miscCheck } from "../unit/health-fixtures.js";
import { alive, ScriptStand } from "./script-stand.js";

/**
 * MISC_CHECK and scripts of every hostile kind: always one result, in time, which says what happened; nothing that could be found is
 * left running when the time is over, and no descriptor of ours stays open. Who may have written the file is looked at when the
 * configuration is read (unit/config-scripts).
 */

/** Of those that would go on, after they have set up what they are about: Python takes its time on a busy machine. */
const LIMIT_MS = 2000;
/** From SIGTERM to SIGKILL. */
const GRACE_MS = 2000;
/** What a machine with other work may add. */
const SLACK_MS = 6000;

interface Row {
  readonly name: string;
  /** `PIDS`: a file, to which it adds the processes that it starts. `HERE`: a folder of its own. */
  readonly text: string;
  readonly result: string;
  /** How long it takes, in ms. */
  readonly least?: number;
  /** What it has started goes on: it has ended by itself, as a notify script may that starts a server. */
  readonly leaves?: boolean;
}

const { SIGKILL, SIGTERM, SIGSEGV, SIGPIPE, SIGALRM } = constants.signals;
const sh = (text: string): string => `#!/bin/sh\n${text}\n`;
const python = (text: string): string => `#!/usr/bin/python3\nimport os, signal, sys, time\n${text}\n`;
const note = (who: string): string => `echo ${who} >> PIDS`;

const rows: readonly Row[] = [
  {
    name: "leaves a child that holds its output",
    text: sh(`sleep 60 & ${note("$!")}\nexit 3`),
    result: "exit-status 3",
    leaves: true,
  },
  { name: "leaves a daemon", text: sh(`(setsid sleep 60 & ${note("$!")})\nexit 0`), result: "up 0", leaves: true },
  { name: "closes all that it has", text: sh("exec 0<&- 1>&- 2>&-\nexit 4"), result: "exit-status 4" },
  {
    name: "opens all that it can",
    text: python("while True:\n  try: os.dup(1)\n  except OSError: sys.exit(5)"),
    result: "exit-status 5",
  },
  {
    name: "a line without end",
    text: sh("tr '\\0' x < /dev/zero | head -c 30000000\nexit 6"),
    result: "exit-status 6",
  },
  { name: "writes garbage as errors", text: sh("head -c 3000000 /dev/urandom >&2\nexit 7"), result: "exit-status 7" },
  ...[SIGKILL, SIGTERM, SIGSEGV, SIGPIPE, SIGALRM].map(
    (signal): Row => ({ name: `ends by signal ${signal}`, text: sh(`kill -${signal} $$`), result: `signal ${signal}` }),
  ),
  { name: "is empty", text: "", result: "up 0" },
  { name: "no text and no program", text: "\x7fELF\x02\x01\x01\0\0\0\0\0", result: "exit-status 127" },
  { name: "an interpreter that is a folder", text: "#!/etc\n", result: "not-started 13" },
  { name: "its own interpreter", text: "#!HERE/check\n", result: "not-started 40" },
  { name: "an interpreter with a line end of Windows", text: "#!/bin/sh\r\nexit 0\r\n", result: "not-started 2" },
  {
    name: "goes on, and heeds SIGTERM",
    text: sh(`${note("$$")}\nexec sleep 60`),
    result: "timeout 0",
    least: LIMIT_MS,
  },
  {
    name: "says that all is well when it is told to end",
    text: sh(`${note("$$")}\ntrap "exit 0" TERM\nwhile :; do sleep 0.1; done`),
    result: "timeout 0",
    least: LIMIT_MS,
  },
  {
    name: "ignores SIGTERM",
    text: sh(`${note("$$")}\ntrap "" TERM\nwhile :; do sleep 1; done`),
    result: "timeout 0",
    least: LIMIT_MS + GRACE_MS,
  },
  {
    name: "stops itself",
    text: sh(`${note("$$")}\nkill -STOP $$`),
    result: "timeout 0",
    least: LIMIT_MS + GRACE_MS,
  },
  {
    name: "ignores every signal there is",
    text: python(
      `open("PIDS", "a").write(f"{os.getpid()}\\n")\nfor n in range(1, 65):\n  try: signal.signal(n, signal.SIG_IGN)\n  except (OSError, ValueError): pass\nwhile True: time.sleep(1)`,
    ),
    result: "timeout 0",
    least: LIMIT_MS + GRACE_MS,
  },
  {
    name: "a child in another group",
    text: sh(`set -m\nsleep 60 & ${note("$!")}\n${note("$$")}\nwait`),
    result: "timeout 0",
    least: LIMIT_MS,
  },
  {
    name: "a child in another session that ignores SIGTERM",
    text: sh(`setsid sh -c 'trap "" TERM; ${note("$$")}; while :; do sleep 1; done' &\n${note("$$")}\nwait`),
    result: "timeout 0",
    least: LIMIT_MS,
  },
  {
    name: "a child in another session, whose parent has ended, that ignores SIGTERM",
    text: sh(
      `(setsid sh -c 'trap "" TERM; ${note("$$")}; while :; do sleep 1; done' &)\n${note("$$")}\nsleep 60 & ${note("$!")}\nwait`,
    ),
    result: "timeout 0",
    least: LIMIT_MS,
  },
  {
    name: "daemons that start daemons, while it ignores SIGTERM",
    text: python(
      `signal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen("PIDS", "a").write(f"{os.getpid()}\\n")\nwhile True:\n  if os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n    open("PIDS", "a").write(f"{os.getpid()}\\n")\n    time.sleep(60)\n  os.wait()\n  time.sleep(0.1)`,
    ),
    result: "timeout 0",
    least: LIMIT_MS + GRACE_MS,
  },
  {
    name: "joins the group of its child",
    text: python(
      `child = os.fork()\nif child == 0: os.setpgid(0, 0)\nopen("PIDS", "a").write(f"{os.getpid()}\\n")\nif child:\n  os.setpgid(child, child)\n  os.setpgid(0, child)\ntime.sleep(60)`,
    ),
    result: "timeout 0",
    least: LIMIT_MS,
  },
  {
    name: "joins the group of who started it",
    text: python(
      `open("PIDS", "a").write(f"{os.getpid()}\\n")\nos.setpgid(0, os.getpgid(os.getppid()))\ntime.sleep(60)`,
    ),
    result: "timeout 0",
    least: LIMIT_MS,
  },
  {
    name: "starts more and more",
    text: sh(`${note("$$")}\nwhile :; do sleep 60 & ${note("$!")}\nsleep 0.02; done`),
    result: "timeout 0",
    least: LIMIT_MS,
  },
];

const openFiles = (): number => readdirSync("/proc/self/fd").length;

for (const { name, text, result, least = 0, leaves = false } of rows)
  test(`MISC_CHECK: ${name}`, { timeout: 60_000 }, async (t) => {
    const stand = new ScriptStand(t);
    await stand.once({}, 99); // what the first run of all opens stays open
    const before = openFiles();
    const pids = path.join(stand.dir, "pids");
    const file = stand.script("check", text.replaceAll("PIDS", pids).replaceAll("HERE", stand.dir));
    const { outcome, status, latency } = await stand.once({ argv: [file], timeout: ms(least > 0 ? LIMIT_MS : 20_000) });
    assert.equal(`${outcome} ${status}`, result);
    assert.ok(latency >= least - 1 && latency < least + SLACK_MS, `${latency} ms`);
    const started = existsSync(pids) ? readFileSync(pids, "latin1").trim().split("\n").map(Number) : [];
    if (leaves) for (const pid of started) process.kill(pid, "SIGKILL");
    await until("nothing runs", 10_000, () => stand.prober.running === 0 && !started.some(alive));
    await until("all descriptors are closed", 20_000, () => openFiles() <= before);
  });

/** What the path leads to. */
const paths: readonly (readonly [name: string, make: (dir: string) => string, result: string])[] = [
  ["a link to elsewhere", (dir) => linked(dir, write(dir, "target", "#!/bin/sh\nexit 9\n", 0o755)), "exit-status 9"],
  ["a link that leads nowhere", (dir) => linked(dir, path.join(dir, "none")), "not-started 2"],
  ["a link to itself", (dir) => linked(dir, path.join(dir, "link")), "not-started 40"],
  [
    "a link to a file that may not be run",
    (dir) => linked(dir, write(dir, "plain", "#!/bin/sh\n", 0o644)),
    "not-started 13",
  ],
  ["a folder", (dir) => dir, "not-started 13"],
  ["below a file", (dir) => path.join(write(dir, "plain", "#!/bin/sh\n", 0o755), "check"), "not-started 20"],
  ["nothing", (dir) => path.join(dir, "none"), "not-started 2"],
  ["a name that is too long", (dir) => path.join(dir, "x".repeat(300)), "not-started 36"],
  ["a file that everybody may write", (dir) => write(dir, "open", "#!/bin/sh\nexit 8\n", 0o777), "exit-status 8"],
  ["a device", () => "/dev/null", "not-started 13"],
];

function linked(dir: string, target: string): string {
  const link = path.join(dir, "link");
  symlinkSync(target, link);
  return link;
}

function write(dir: string, name: string, text: string, mode: number): string {
  const file = path.join(dir, name);
  writeFileSync(file, text, { mode });
  return file;
}

for (const [name, make, result] of paths)
  test(`MISC_CHECK: the path is ${name}`, async (t) => {
    const stand = new ScriptStand(t);
    const dir = path.join(stand.dir, "own");
    mkdirSync(dir);
    const { outcome, status } = await stand.once({ argv: [make(dir)] });
    assert.equal(`${outcome} ${status}`, result);
  });

test("MISC_CHECK: a program that somebody is writing to, and then not any more", async (t) => {
  const stand = new ScriptStand(t);
  const file = stand.script("check", readFileSync("/bin/true", "latin1"));
  writeFileSync(file, readFileSync("/bin/true"));
  const busy = openSync(file, "r+");
  const before = await stand.once({ argv: [file] }, 1);
  closeSync(busy);
  const after = await stand.once({ argv: [file] }, 2);
  assert.deepEqual([before.outcome, before.status, after.outcome], ["not-started", 26, "up"]);
});

test("MISC_CHECK: a program that disappears between two runs, and one that is put in its place", async (t) => {
  const stand = new ScriptStand(t);
  const file = stand.script("check", "#!/bin/sh\nrm $0\n");
  stand.prober.add(checkId(1), miscCheck({ argv: [file] }), []);
  const run = async (arming: number): Promise<string> => {
    stand.prober.arm(checkId(1), arming, ms(0));
    await until("a result", 30_000, () => stand.results.length === arming);
    const { outcome, status } = stand.results.at(-1) ?? assert.fail();
    return `${outcome} ${status}`;
  };
  assert.deepEqual([await run(1), await run(2)], ["up 0", "not-started 2"]);
  stand.script("check", "#!/bin/sh\nexit 3\n");
  assert.equal(await run(3), "exit-status 3");
});

/** All of them at once, as many as may run at a time. */
async function statuses(t: TestContext, dynamic: boolean): Promise<readonly string[]> {
  const stand = new ScriptStand(t);
  const file = stand.script("check", "#!/bin/sh\nexit $1\n");
  for (let code = 0; code <= 255; code++) {
    stand.prober.add(checkId(code + 1), miscCheck({ argv: [file, String(code)], dynamic }), []);
    stand.prober.arm(checkId(code + 1), 1, ms(0));
  }
  await until("all results", 60_000, () => stand.results.length === 256);
  const inOrder = stand.results.toSorted((a, b) => a.id - b.id);
  return inOrder.map(({ outcome, status }) => `${outcome} ${status}`);
}

for (const dynamic of [false, true])
  test(`MISC_CHECK: every exit status, ${dynamic ? "with" : "without"} misc_dynamic`, {
    timeout: 90_000,
  }, async (t) => {
    const wanted = Array.from({ length: 256 }, (_, code) => {
      const passes = code === 0 || (dynamic && code >= 2);
      return `${passes ? "up" : "exit-status"} ${code}`;
    });
    assert.deepEqual(await statuses(t, dynamic), wanted);
  });
