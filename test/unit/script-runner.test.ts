import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { scriptEnvironment } from "../../main/notify/script-environment.js";
import { HostScriptRunner, type RunningScript } from "../../main/notify/script-runner.js";
import { ms } from "../../main/units.js";
import type { ScriptResult } from "../../main/vrrp/ports.js";
import type { OnExit, ScriptOptions, ScriptProcess } from "../../native-bindings/process.js";
import { ManualClock, script } from "./notify-support.js";

/** Processes that end when the test says so, and what was done to them. */
class FakeHost {
  readonly started: ScriptOptions[] = [];
  readonly signals: string[] = [];
  readonly exits: OnExit[] = [];
  readonly env = ["PATH=/bin"];
  failure: Error | undefined;

  readonly spawn = (options: ScriptOptions, onExit: OnExit): ScriptProcess => {
    if (this.failure !== undefined) throw this.failure;
    const pid = 100 + this.started.push(options);
    this.exits.push(onExit);
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

test("a script that cannot be started: the errno, in a later turn", async () => {
  const { host, run, results, runner } = setUp(1000);
  host.failure = Object.assign(new Error("execve EACCES"), { code: "EACCES", errno: -13, syscall: "execve" });
  run();
  assert.deepEqual(results, []);
  await nextTurn();
  assert.deepEqual(results, [{ kind: "not-started", value: 13 }]);
  assert.equal(runner.running, 0);
});

test("a script that is no program goes to the shell, with all its words", () => {
  const { host, clock } = setUp();
  const spawn = (options: ScriptOptions, onExit: OnExit): ScriptProcess => {
    if (options.argv[0] !== "/bin/sh") throw Object.assign(new Error("execve"), { errno: -8, syscall: "execve" });
    return host.spawn(options, onExit);
  };
  const { killGroup, env } = host;
  new HostScriptRunner({ spawn, killGroup, env }, clock).run(script("/x", "a"), ["b c"], ms(0), () => undefined);
  assert.deepEqual(host.started[0]?.argv, ["/bin/sh", "/x", "a", "b c"]);
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
