import assert from "node:assert/strict";
import { test } from "node:test";
import type { TrackProcessConfig } from "../../main/config/model-vrrp.js";
import { ms } from "../../main/units.js";
import { ProcessCensus } from "../../main/vrrp/process-census.js";
import { processEvents } from "../../main/vrrp/process-events.js";
import { counted, elapsed, hasQuorum, matches, type ProcessFacts, uncounted } from "../../main/vrrp/process-match.js";
import { type CountHandlers, ProcessMonitor } from "../../main/vrrp/process-monitor.js";
import { ProcessThread } from "../../main/vrrp/process-thread.js";
import { SimClock } from "../simulation/sim-clock.js";

const pattern = (changes: Partial<TrackProcessConfig> = {}): TrackProcessConfig => ({
  name: "p",
  command: "haproxy",
  parameters: [],
  match: "none",
  weight: 0,
  reverse: false,
  quorum: 1,
  quorumMax: undefined,
  forkDelay: ms(0),
  terminateDelay: ms(0),
  fullCommand: false,
  ...changes,
});

const words = (...argv: string[]): ProcessFacts => ({ comm: argv[0]?.slice(0, 15) ?? "", argv });
const two = { command: "/bin/x", parameters: ["-a", "file"], fullCommand: true } as const;

/** keepalived.conf(5) vrrp_track_process. */
const rows: readonly (readonly [name: string, Partial<TrackProcessConfig>, ProcessFacts, boolean])[] = [
  ["name", {}, words("haproxy", "-f"), true],
  ["another name", {}, words("haproxy2"), false],
  ["a path in the configuration", { command: "/usr/sbin/haproxy" }, words("haproxy"), true],
  [
    "names are cut after 15 characters",
    { command: "a-very-long-program" },
    { comm: "a-very-long-pro", argv: [] },
    true,
  ],
  ["whole command", { command: "/bin/x", fullCommand: true }, words("/bin/x", "y"), true],
  ["whole command, another path", { command: "/bin/x", fullCommand: true }, words("x", "y"), false],
  ["a thread of the kernel", { command: "kworker", fullCommand: true }, { comm: "kworker", argv: [] }, false],
  ["exact", { ...two, match: "exact" }, words("/bin/x", "-a", "file"), true],
  ["exact, one more", { ...two, match: "exact" }, words("/bin/x", "-a", "file", "b"), false],
  ["exact, one less", { ...two, match: "exact" }, words("/bin/x", "-a"), false],
  ["partial: more may follow", { ...two, match: "partial" }, words("/bin/x", "-a", "file", "b"), true],
  ["partial: words are whole", { ...two, match: "partial" }, words("/bin/x", "-a", "file2"), false],
  ["initial: the last may go on", { ...two, match: "initial" }, words("/bin/x", "-a", "file2"), true],
  ["initial: no more words", { ...two, match: "initial" }, words("/bin/x", "-a", "file", "b"), false],
  ["initial: only the last one", { ...two, match: "initial" }, words("/bin/x", "-ab", "file"), false],
  [
    "param_match without parameters: none may be there",
    { command: "/bin/x", match: "exact" },
    words("/bin/x", "y"),
    false,
  ],
];
for (const [name, changes, facts, expected] of rows) {
  test(`match: ${name}`, () => assert.equal(matches(pattern(changes), facts), expected));
}

test("quorum: enough, and not too many", () => {
  assert.deepEqual(
    [0, 1, 9].map((n) => hasQuorum({ quorum: 1, quorumMax: undefined }, n)),
    [false, true, true],
  );
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => hasQuorum({ quorum: 2, quorumMax: 3 }, n)),
    [false, true, true, false],
  );
  assert.deepEqual(
    [0, 1].map((n) => hasQuorum({ quorum: 1, quorumMax: 0 }, n)),
    [true, false],
  );
});

test("delays: fork_delay after one more, terminate_delay after one less, neither for the first count", () => {
  const config = pattern({ forkDelay: ms(100), terminateDelay: ms(500) });
  const first = counted(config, uncounted, 1, 0);
  assert.deepEqual(first, { count: 1, up: true, changesAt: undefined });
  const gone = counted(config, first, 0, 1000);
  assert.deepEqual(gone, { count: 0, up: true, changesAt: 1500 });
  assert.deepEqual(counted(config, gone, 1, 1200), { count: 1, up: true, changesAt: undefined }, "back in time");
  const down = elapsed(config, gone);
  assert.deepEqual(down, { count: 0, up: false, changesAt: undefined });
  assert.deepEqual(counted(config, down, 1, 2000), { count: 1, up: false, changesAt: 2100 });
});

test("census: children count like their parents until they run something else", () => {
  const running = new Map([
    [10, words("haproxy")],
    [20, words("sh")],
  ]);
  const census = new ProcessCensus([pattern()], (pid) => running.get(pid));
  census.take(running.keys());
  assert.deepEqual(census.counts, [1]);
  census.forked(10, 11);
  census.forked(20, 21);
  assert.deepEqual(census.counts, [2]);
  running.set(11, words("sh"));
  census.changed(11);
  running.set(21, words("haproxy"));
  census.changed(21);
  assert.deepEqual(census.counts, [2]);
  census.gone(10);
  census.gone(10);
  assert.deepEqual(census.counts, [1]);
  running.delete(21);
  census.take([20]);
  assert.deepEqual(census.counts, [0]);
});

/** As Linux 6.18 sent it for a fork: nlmsghdr, cn_msg, proc_event with fork_proc_event. */
const fork =
  "4c00000003000000010000000000000001000000010000000100000000000000280000000100000001000000c52e740f3d1f0000967b0000967b0000bf7b0000bf7b00000000000000000000";

test("events of the kernel are read; threads and rubbish are not", () => {
  const bytes = Buffer.from(fork, "hex");
  assert.deepEqual([...processEvents(bytes)], [{ kind: "fork", parent: 0x7b96, pid: 0x7bbf }]);
  const thread = Buffer.from(bytes);
  thread.writeUInt32LE(0x7bc0, 60); // child_pid is not its thread group
  assert.deepEqual([...processEvents(thread)], []);
  const exec = Buffer.from(bytes);
  exec.writeUInt32LE(2, 36);
  assert.deepEqual([...processEvents(exec)], [{ kind: "changed", pid: 0x7b96 }]);
  const exit = Buffer.from(bytes);
  exit.writeUInt32LE(0x80000000, 36);
  assert.deepEqual([...processEvents(exit)], [{ kind: "exit", pid: 0x7b96 }]);
  for (let length = 0; length < bytes.length; length++) [...processEvents(bytes.subarray(0, length))];
  assert.deepEqual(
    [...processEvents(Buffer.alloc(76))].filter(({ kind }) => kind !== "ack"),
    [],
  );
});

test("monitor: init until counted, edges as the quorum moves, what did not change is kept at a reload", () => {
  const clock = new SimClock();
  const edges: string[] = [];
  const logs: string[] = [];
  const handlers: CountHandlers[] = [];
  const log = Object.assign((_l: string, _e: string, sentence: string) => void logs.push(sentence), { detail: false });
  const monitor = new ProcessMonitor({
    clock,
    log,
    processes: {
      count: (_patterns, on) => {
        handlers.push(on);
        return { [Symbol.dispose]: () => undefined };
      },
    },
    onEdge: (name) => edges.push(name),
  });
  monitor.update([pattern({ terminateDelay: ms(500) })]);
  assert.equal(monitor.standing("p"), "init");
  handlers[0]?.onCount("p", 1);
  assert.equal(monitor.standing("p"), "up");
  handlers[0]?.onCount("p", 0);
  clock.advance(499);
  assert.equal(monitor.standing("p"), "up");
  clock.advance(1);
  assert.equal(monitor.standing("p"), "down");
  assert.deepEqual(logs, ["Quorum lost for tracked process p"]);
  assert.deepEqual(edges, ["p", "p"]);
  monitor.update([pattern({ terminateDelay: ms(500) }), pattern({ name: "q" })]);
  assert.deepEqual([monitor.standing("p"), monitor.standing("q"), handlers.length], ["down", "init", 2]);
  monitor.update([pattern({ quorumMax: 0 }), pattern({ name: "q" })]);
  assert.equal(monitor.standing("p"), "down", "what was known counts until the next count");
  handlers[2]?.onCount("p", 0);
  assert.equal(monitor.standing("p"), "up");
  monitor.update([]);
  assert.equal(monitor.standing("p"), "up");
});

test("the thread that counts is started the way the daemon starts threads", () => {
  let begun = 0;
  const begin = <T>(start: () => T): T => {
    begun += 1;
    return start();
  };
  using _counting = new ProcessThread(new SimClock(), begin).count([], {
    onCount: () => undefined,
    onProblem: () => undefined,
  });
  assert.equal(begun, 1);
});
