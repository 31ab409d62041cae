import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { scriptEnvironment } from "../../main/notify/script-environment.js";
import { HostScriptRunner, type RunningScript } from "../../main/notify/script-runner.js";
import { ms } from "../../main/units.js";
import type { ScriptResult } from "../../main/vrrp/ports.js";
import type { OnExit, OnNotStarted, ScriptOptions, ScriptProcess } from "../../native-bindings/process.js";
import { needs } from "../harness/needs.js";
import { ManualClock, script } from "./notify-support.js";

/** Processes that end when the test says so, and what was done to them. */
class FakeHost {
  readonly started: ScriptOptions[] = [];
  readonly signals: string[] = [];
  readonly exits: OnExit[] = [];
  readonly refusals: OnNotStarted[] = [];
  readonly env = ["PATH=/bin"];
  failure: Error | undefined;

  readonly spawn = (options: ScriptOptions, onExit: OnExit, onNotStarted: OnNotStarted): ScriptProcess => {
    if (this.failure !== undefined) throw this.failure;
    const pid = 100 + this.started.push(options);
    this.exits.push(onExit);
    this.refusals.push(onNotStarted);
    const killGroup = (signal: number): number => {
      this.signals.push(`group ${pid} gets ${signal}`);
      return 0;
    };
    return { pid, killGroup, close: () => undefined, [Symbol.dispose]: () => undefined };
  };

  readonly killGroup = (pid: number, signal: number): void => {
    this.signals.push(`what is left of ${pid} gets ${signal}`);
  };

  exit(which: number, status: number, signal = -1): void {
    this.exits[which]?.(status, signal);
  }
}

function setUp(timeout = 0) {
  const host = new FakeHost();
  const clock = new ManualClock();
  const runner = new HostScriptRunner(host, clock);
  const results: ScriptResult[] = [];
  const run = (): RunningScript =>
    runner.run(script("/x", "a"), ["b c"], ms(timeout), (result) => results.push(result));
  return { host, clock, runner, results, run };
}

test("arguments are appended, credentials and environment handed over", () => {
  const { host, runner } = setUp();
  const command = { argv: ["/x", "a"], user: { name: "u", uid: 7, gid: 8 } } as const;
  runner.run(command, ["INSTANCE", "V I"], ms(0), () => undefined);
  const want = { argv: ["/x", "a", "INSTANCE", "V I"], env: ["PATH=/bin"], uid: 7, gid: 8, groups: [] };
  assert.deepEqual(host.started, [want]);
});

const endings: readonly (readonly [what: string, status: number, signal: number, want: ScriptResult])[] = [
  ["success", 0, -1, { kind: "exited", value: 0 }],
  ["failure", 3, -1, { kind: "exited", value: 3 }],
  ["killed", -1, 9, { kind: "signalled", value: 9 }],
];

for (const [what, status, signal, want] of endings) {
  test(`result: ${what}`, () => {
    const { host, run, results, clock, runner } = setUp(1000);
    run();
    assert.equal(runner.running, 1);
    host.exit(0, status, signal);
    assert.deepEqual(results, [want]);
    assert.deepEqual([runner.running, clock.armed, host.signals], [0, 0, []]);
  });
}

test("a time-out: SIGTERM, 2 s, SIGKILL, then SIGKILL every 10 s", () => {
  const { host, run, results, clock } = setUp(1500);
  run();
  const term = "group 101 gets 15";
  const kill = "group 101 gets 9";
  for (const [at, want] of [
    [1499, []],
    [1500, [term]],
    [3499, [term]],
    [3500, [term, kill]],
    [13499, [term, kill]],
    [13500, [term, kill, kill]],
    [23500, [term, kill, kill, kill]],
  ] as const) {
    clock.advance(at - clock.now());
    assert.deepEqual(host.signals, want, `after ${at} ms`);
  }
  assert.deepEqual(results, []);
  host.exit(0, -1, 9);
  assert.deepEqual(results, [{ kind: "timed-out", value: 9 }]);
  assert.equal(clock.armed, 0);
});

test("what a script started is killed too when it obeyed SIGTERM", () => {
  const { host, run, results, clock } = setUp(1000);
  run();
  clock.advance(1000);
  host.exit(0, 0);
  assert.deepEqual(host.signals, ["group 101 gets 15", "what is left of 101 gets 9"]);
  assert.deepEqual(results, [{ kind: "timed-out", value: 0 }]);
});

test("without a time limit nothing is ever sent", () => {
  const { host, run, clock } = setUp(0);
  run();
  clock.advance(1e9);
  assert.deepEqual(host.signals, []);
});

test("no descriptor for a script: the errno, in a later turn", async () => {
  const { host, run, results, runner } = setUp(1000);
  host.failure = Object.assign(new Error("eventfd EMFILE"), { code: "EMFILE", errno: -24, syscall: "eventfd" });
  run();
  assert.deepEqual(results, []);
  await nextTurn();
  assert.deepEqual(results, [{ kind: "not-started", value: 24 }]);
  assert.equal(runner.running, 0);
});

test("a script that cannot be started, as a thread found later: the errno, and its time is over for nobody", () => {
  const { host, run, results, runner, clock } = setUp(1000);
  run();
  host.refusals[0]?.(13, "execve");
  assert.deepEqual(results, [{ kind: "not-started", value: 13 }]);
  assert.deepEqual([runner.running, clock.armed, host.signals], [0, 0, []]);
});

test("a bug is not taken for a script that cannot be started", () => {
  const { host, run } = setUp();
  host.failure = new TypeError("new ScriptProcess(argv: string[], ...)");
  assert.throws(run, TypeError);
});

test("stop: SIGTERM to all, SIGKILL a second later to those that are left", async () => {
  const { host, run, clock, runner } = setUp(0);
  run();
  run();
  const stopped = runner.stop();
  assert.deepEqual(host.signals, ["group 101 gets 15", "group 102 gets 15"]);
  host.exit(0, -1, 15);
  clock.advance(1000);
  await nextTurn();
  assert.deepEqual(host.signals.slice(2), ["group 102 gets 9"]);
  host.exit(1, -1, 9);
  await stopped;
  assert.equal(clock.armed, 0);
  await runner.stop(); // nothing runs: resolves at once
});

test("the environment is cleaned of what the linker, the shell or the launcher act on", () => {
  const env = {
    PATH: "/bin",
    IFS: "x",
    LD_PRELOAD: "/tmp/x.so",
    LD_LIBRARY_PATH: "/tmp",
    HOLDFAST_LAUNCHER: "1",
    LANG: "C=1",
    NONE: undefined,
  };
  assert.deepEqual(scriptEnvironment(env), ["PATH=/bin", "LANG=C=1"]);
});

test("one that is ended before its time is over leaves no timer", () => {
  const { host, run, results, clock } = setUp(60_000);
  const running = run();
  running.end();
  host.exit(0, -1, 15);
  assert.deepEqual(results, [{ kind: "timed-out", value: 15 }]);
  assert.equal(clock.armed, 0);
});

/** Nothing that it started may be ended: it goes on as another user. */
const withoutCapKill = `
  import { DeadlineClock } from "${new URL("../../main/deadline-clock.js", import.meta.url)}";
  import { openScriptRunner } from "${new URL("../../main/notify/open-script-runner.js", import.meta.url)}";
  const clock = new DeadlineClock();
  const command = { argv: ["/bin/sh", "-c", "sleep 4 & sleep 2"], user: { name: "", uid: 65534, gid: 65534 } };
  await new Promise((done) => openScriptRunner(clock).run(command, [], 100, ({ kind }) => done(console.log(kind))));
  process.exit();
`;

test("without CAP_KILL a script that is late is told of, and ends nobody", {
  skip: needs("root", "native"),
  timeout: 20_000,
}, () => {
  const node = [process.execPath, "--input-type=module", "-e", withoutCapKill];
  const { stdout, stderr } = spawnSync("setpriv", ["--bounding-set", "-kill", "--inh-caps", "-kill", ...node], {
    encoding: "utf8",
    timeout: 15_000,
  });
  assert.equal(stdout, "timed-out\n", stderr);
});
