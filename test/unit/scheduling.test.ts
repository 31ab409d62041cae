import assert from "node:assert/strict";
import { constants } from "node:os";
import test from "node:test";
import type { ChildConfig, ProcessesConfig } from "../../main/config/model-global.js";
import { realTimeLimit, Scheduling, type SchedulingHost } from "../../main/control/scheduling.js";
import { swapUse } from "../../main/control/swap.js";
import type { Log } from "../../main/observe/log.js";
import { ms } from "../../main/units.js";

const child: ChildConfig = {
  name: undefined,
  priority: undefined,
  noSwap: false,
  realTimePriority: 0,
  realTimeLimit: undefined,
  cpus: [],
};

type Change = Partial<Omit<ProcessesConfig, "vrrp" | "checker">> & {
  readonly vrrp?: Partial<ChildConfig>;
  readonly checker?: Partial<ChildConfig>;
};

const processes = ({ vrrp, checker, ...rest }: Change = {}): ProcessesConfig => ({
  name: undefined,
  vrrp: { ...child, ...vrrp },
  checker: { ...child, ...checker },
  bfd: child,
  maxAutoPriority: 0,
  minAutoPriorityDelay: ms(1000),
  lateTimerWarning: ms(300),
  umask: 0o177,
  ...rest,
});

const MAIN = 100;

/** A host that writes down what it is asked; `refuse` answers EPERM to calls of this name. */
function stand(refuse: readonly string[] = []) {
  const calls: string[] = [];
  const lines: string[] = [];
  const answer = (name: string, ...args: readonly unknown[]): number => {
    calls.push([name, ...args.map((arg) => (Array.isArray(arg) ? arg.join() : String(arg)))].join(" "));
    return refuse.includes(name) ? constants.errno.EPERM : 0;
  };
  const host: SchedulingHost = {
    threadId: () => MAIN,
    threadCpus: () => [0, 1, 2, 3],
    setThreadClass: (...args) => answer("class", ...args),
    setNiceOfThread: (...args) => answer("nice", ...args),
    setThreadCpus: (...args) => answer("cpus", ...args),
    setRealTimeLimit: (...args) => answer("limit", ...args),
    nap: () => void calls.push("nap"),
    takeBreaks: (when) => void answer("breaks", when),
  };
  const log: Log = Object.assign(
    (level: string, _event: string, sentence: string) => void lines.push(`${level}: ${sentence}`),
    {
      detail: false,
    },
  );
  return {
    scheduling: new Scheduling(log, host, []),
    host,
    calls: () => calls.splice(0),
    lines: () => lines.splice(0),
  };
}

test("nothing configured: nothing is changed", () => {
  const { scheduling, calls, lines } = stand();
  scheduling.configure(processes());
  scheduling.checkerStarted(0, 200);
  scheduling.wasLate(ms(60_000));
  assert.equal(
    scheduling.unpinned(() => 7),
    7,
  );
  assert.deepEqual([calls(), lines()], [[], []]);
});

test("a real-time class leaves the nice value alone; a reload gives everything back", () => {
  const { scheduling, calls, lines } = stand();
  scheduling.configure(processes({ vrrp: { realTimePriority: 50, priority: -10, cpus: [1] } }));
  assert.deepEqual(calls(), ["cpus 100 1", "class 100 50", "breaks true"]);
  scheduling.configure(processes({ vrrp: { realTimePriority: 40, cpus: [1] } }));
  assert.deepEqual(calls(), ["class 100 40"]);
  scheduling.configure(processes({ vrrp: { realTimePriority: 40, cpus: [1] } }));
  assert.deepEqual(calls(), []);
  scheduling.configure(processes());
  assert.deepEqual(calls(), ["cpus 100 0,1,2,3", "class 100 0", "breaks false"]);
  scheduling.configure(processes({ vrrp: { priority: -10 } }));
  assert.deepEqual(calls(), ["class 100 0", "nice 100 -10"], "reset on fork: threads that it starts are usual");
  scheduling.configure(processes());
  assert.deepEqual(calls(), ["nice 100 0"]);
  assert.deepEqual(lines(), []);
});

test("threads of Node follow the main thread into the lowest real-time priority, and back", () => {
  const { calls, host } = stand();
  const log: Log = Object.assign(() => undefined, { detail: false });
  const scheduling = new Scheduling(log, host, [101, 102]);
  scheduling.configure(processes({ vrrp: { realTimePriority: 50 } }));
  assert.deepEqual(calls(), ["class 100 50", "class 101 1", "class 102 1", "breaks true"]);
  scheduling.configure(processes({ vrrp: { realTimePriority: 60 } }));
  assert.deepEqual(calls(), ["class 100 60"]);
  scheduling.configure(processes());
  assert.deepEqual(calls(), ["class 100 0", "class 101 0", "class 102 0", "breaks false"]);
});

test("on a single processor they share its priority: one that waits for the other without a pause leaves it turns", () => {
  const { calls, host } = stand();
  const log: Log = Object.assign(() => undefined, { detail: false });
  const scheduling = new Scheduling(log, { ...host, threadCpus: () => [2] }, [101]);
  scheduling.configure(processes({ vrrp: { realTimePriority: 50 } }));
  scheduling.configure(processes({ vrrp: { realTimePriority: 99 } }));
  scheduling.configure(processes());
  assert.deepEqual(
    calls().filter((call) => call.startsWith("class 101")),
    ["class 101 50", "class 101 99", "class 101 0"],
  );
});

test("checker threads get theirs when they start, and at a reload", () => {
  const { scheduling, calls } = stand();
  scheduling.configure(processes({ vrrp: { cpus: [0] }, checker: { realTimePriority: 3 } }));
  calls();
  scheduling.checkerStarted(0, 200);
  assert.deepEqual(calls(), ["cpus 200 0,1,2,3", "class 200 3"], "not the main thread's processors");
  scheduling.checkerStarted(0, 200);
  assert.deepEqual(calls(), [], "once");
  scheduling.configure(processes({ vrrp: { cpus: [0] }, checker: { priority: 10, cpus: [2, 3] } }));
  assert.deepEqual(calls(), ["cpus 200 2,3", "class 200 0", "nice 200 10"]);
  scheduling.checkerStarted(0, 201);
  assert.deepEqual(calls(), ["cpus 201 2,3", "nice 201 10"], "another thread in its place");
});

test("threads that the main thread starts are not bound to its processors", () => {
  const { scheduling, calls } = stand();
  scheduling.configure(processes({ vrrp: { cpus: [1] } }));
  calls();
  scheduling.unpinned(() => assert.deepEqual(calls(), ["cpus 100 0,1,2,3"]));
  assert.deepEqual(calls(), ["cpus 100 1"]);
  assert.throws(() => scheduling.unpinned(() => assert.fail("no thread")));
  assert.deepEqual(calls(), ["cpus 100 0,1,2,3", "cpus 100 1"]);
});

test("what is refused is said once, with a remedy, and nothing fails", () => {
  const { scheduling, lines } = stand(["class", "nice", "cpus", "limit"]);
  const wanted = processes({
    vrrp: { realTimePriority: 50, cpus: [1], realTimeLimit: ms(500) },
    checker: { priority: -5 },
  });
  scheduling.configure(wanted);
  for (const thread of [200, 201]) scheduling.checkerStarted(thread, thread);
  const said = lines();
  assert.equal(said.length, 5, said.join("\n"));
  assert.ok(
    said.every((line) => /^warning: .*\(EPERM\) - .*(CAP_|Cpus_allowed)/.test(line)),
    said.join("\n"),
  );
  assert.match(
    said.join("\n"),
    /child process: cannot raise priority \(EPERM\) - grant CAP_SYS_NICE, or LimitRTPRIO=50/,
  );
});

test("the limit of real-time: none by default, 200 ms at least, one for all", () => {
  assert.equal(realTimeLimit(processes()), undefined);
  assert.equal(realTimeLimit(processes({ vrrp: { realTimeLimit: ms(10) } })), 200);
  assert.equal(
    realTimeLimit(processes({ vrrp: { realTimeLimit: ms(300) }, checker: { realTimeLimit: ms(900) } })),
    900,
  );
  const { scheduling, calls, lines } = stand();
  scheduling.configure(processes({ vrrp: { realTimeLimit: ms(10) } }));
  assert.deepEqual(calls(), ["limit 100000 200000"]);
  assert.match(lines().join(), /^notice: vrrp_rlimit_rttime 10000 is raised to 200000: /);
  scheduling.onLimit(ms(0));
  assert.deepEqual(calls(), ["nap", "limit 100000 200000"], "the kernel had raised the soft one");
  assert.match(lines().join(), /has used too much CPU time, vrrp_rlimit_rttime may need to be increased/);
  scheduling.onLimit(ms(500));
  assert.deepEqual(lines(), [], "a line now and then");
  calls();
  scheduling.configure(processes());
  assert.deepEqual(calls(), ["limit 0 0"]);
});

test("max_auto_priority: one step with each late timer, up to the highest", () => {
  const { scheduling, calls, lines } = stand();
  scheduling.configure(processes({ maxAutoPriority: 2, minAutoPriorityDelay: ms(250) }));
  scheduling.wasLate(ms(250));
  assert.deepEqual(calls(), []);
  for (let i = 0; i < 4; i++) scheduling.wasLate(ms(251));
  assert.deepEqual(calls(), ["class 100 1", "breaks true", "class 100 2"]);
  assert.deepEqual(lines(), ["info: Set realtime priority 1", "info: Set realtime priority 2"]);
});

test("no_swap: what cannot be locked is said; a hint where there is swap", () => {
  const { scheduling, lines } = stand();
  const own = [new Uint8Array(8)];
  scheduling.keepInMemory(processes(), own, () => assert.fail("not asked for"), "possible");
  const noSwap = processes({ vrrp: { noSwap: true } });
  scheduling.keepInMemory(noSwap, own, () => 0, "none");
  assert.deepEqual(lines(), []);
  scheduling.keepInMemory(noSwap, own, () => constants.errno.ENOMEM, "possible");
  assert.match(lines().join("\n"), /ENOMEM\) - vrrp_no_swap: grant CAP_IPC_LOCK.*\n.*MemorySwapMax=0/);
});

test("where swap is possible", () => {
  const heading = "Filename\tType\tSize\tUsed\tPriority\n";
  assert.equal(swapUse(heading, undefined), "none");
  assert.equal(swapUse(`${heading}/swapfile file 1 0 -2\n`, undefined), "possible");
  assert.equal(swapUse(`${heading}/swapfile file 1 0 -2\n`, "max\n"), "possible");
  assert.equal(swapUse(`${heading}/swapfile file 1 0 -2\n`, "0\n"), "none");
});
