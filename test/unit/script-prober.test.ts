import assert from "node:assert/strict";
import { test } from "node:test";
import { valueOfBucket } from "../../main/health/latency-report.js";
import { checkId, ms } from "../../main/units.js";
import type { OnExit } from "../../native-bindings/process.js";
import { bucketOf } from "../../workers/latency-counter.js";
import { ScriptProber, type ScriptResult } from "../../workers/script-prober.js";
import { scriptText } from "../../workers/script-text.js";
import { miscCheck } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";

interface Started {
  readonly argv: readonly string[];
  readonly exit: OnExit;
  readonly signals: number[];
}

function setUp(atMost = 2) {
  const clock = new HandClock();
  const started: Started[] = [];
  const results: ScriptResult[] = [];
  let refusal: readonly [syscall: string, errno: number] | undefined;
  const prober = new ScriptProber({
    clock,
    atMost,
    environment: [],
    onResult: (result) => results.push(result),
    host: {
      spawn: ({ argv }, exit, onNotStarted) => {
        if (refusal !== undefined) {
          const [syscall, errno] = refusal;
          clock.after(ms(0), () => onNotStarted(errno, syscall));
        }
        const signals: number[] = [];
        started.push({ argv, exit, signals });
        const killGroup = (signal: number): number => signals.push(signal) * 0;
        return { pid: 1000 + started.length, killGroup, close: () => {}, [Symbol.dispose]: () => {} };
      },
      descendantsOf: () => [],
      markedProcesses: () => [],
      signalMember: () => {},
      signalProcess: () => {},
      nextTurn: (fn) => clock.after(ms(0), fn),
    },
  });
  const refuse = (syscall: string, errno: number): void => void (refusal = [syscall, errno]);
  const add = (id: number, over: Parameters<typeof miscCheck>[0] = {}): void => {
    prober.add(checkId(id), miscCheck({ argv: [`/bin/check${id}`], ...over }), []);
    prober.arm(checkId(id), 1, ms(0));
    clock.advance(0);
  };
  return { clock, started, results, prober, refuse, add };
}

test("a program that SIGKILL does not end: its check is told of, is not started again meanwhile, and goes on afterwards", () => {
  const { clock, started, results, prober, add } = setUp();
  add(1, { timeout: ms(1000) });
  clock.advance(1000);
  assert.deepEqual(started[0]?.signals, [15]);
  assert.equal(results.length, 0);
  clock.advance(2000);
  assert.deepEqual(started[0]?.signals, [15, 9]);
  assert.deepEqual(
    results.map(({ outcome, latency }) => [outcome, latency]),
    [["timeout", 3000]],
  );
  prober.arm(checkId(1), 2, ms(4000));
  clock.advance(30_000);
  assert.deepEqual([started.length, prober.running], [1, 1]);
  assert.deepEqual(started[0]?.signals, [15, 9, 9, 9, 9]); // every 10 s
  started[0]?.exit(-1, 9);
  clock.advance(0);
  assert.equal(started.length, 2);
  started[1]?.exit(0, -1);
  assert.deepEqual(
    results.map(({ arming, outcome }) => [arming, outcome]),
    [
      [1, "timeout"],
      [2, "up"],
    ],
  );
});

test("a result that comes after SIGTERM is a time-out, whatever the status", () => {
  const { clock, started, results, add } = setUp();
  add(1, { timeout: ms(1000) });
  clock.advance(1000);
  started[0]?.exit(0, -1);
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ["timeout"],
  );
});

test("the rest waits in order, and who is given up does not", () => {
  const { clock, started, prober, add } = setUp(2);
  for (let id = 1; id <= 6; id++) add(id);
  assert.deepEqual([prober.running, prober.queued], [2, 4]);
  assert.deepEqual(prober.waiting, { checks: 4, longest: 0 });
  clock.advance(300);
  assert.deepEqual(prober.waiting, { checks: 4, longest: 300 });
  prober.remove(checkId(4));
  for (let i = 0; i < 5; i++) {
    started[i]?.exit(0, -1);
    clock.advance(0);
  }
  assert.deepEqual(
    started.map(({ argv }) => argv[0]),
    [1, 2, 3, 5, 6].map((n) => `/bin/check${n}`),
  );
  assert.equal(prober.waiting.checks, 0);
});

test("no process to be had says nothing of the server; a file that does not run does", () => {
  const { clock, results, prober, refuse, add } = setUp();
  const rows = [
    ["clone", 11],
    ["execve", 12],
    ["setuid", 1],
    ["execve", 13],
  ] as const;
  for (const [i, [syscall, errno]] of rows.entries()) {
    refuse(syscall, errno);
    add(i + 1);
  }
  clock.advance(0);
  const found = results.map(({ outcome, status }) => `${outcome} ${status}`);
  assert.deepEqual(found, ["no-resources 11", "no-resources 12", "no-resources 1", "not-started 13"]);
  assert.equal(prober.running, 0);
});

test("sentences of failed runs go on as keepalived's do", () => {
  const up = (failures: number) => ({ at: "up", url: 0, failures }) as const;
  const said = [
    scriptText({ outcome: "exit-status", status: 1 }, up(1), 2),
    scriptText({ outcome: "exit-status", status: 1 }, up(2), 2),
    scriptText({ outcome: "signal", status: 11 }, up(2), 3),
    scriptText({ outcome: "timeout", status: 0 }, up(1), 3),
    scriptText({ outcome: "not-started", status: 13 }, up(1), 1),
  ];
  assert.deepEqual(said, [
    "failed, will do 2 retries (exited with status 1)",
    "failed on retry 1/2 (exited with status 1)",
    "failed on retry 1/3 (due to signal 11)",
    "timed out, will do 3 retries",
    "failed, will do 1 retries (not started: EACCES)",
  ]);
});

test("latencies of programs fall into the buckets of the engine", () => {
  for (const us of [0, 1, 127, 128, 255, 256, 257, 1000, 65_535, 1_000_000, 599_999_999]) {
    const bucket = bucketOf(us);
    assert.ok(valueOfBucket(bucket) <= us && us < valueOfBucket(bucket + 1), `${us} µs in ${bucket}`);
  }
});
