import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** What the kernel says of each thread of the daemon, and of a script. */

const options = { skip: needs("root", "netns", "native"), timeout: 60_000 };

const config = (globals: string, script = ""): string => `
global_defs {
  script_user root
  ${globals}
}
${script}
vrrp_instance V {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 200
  advert_int 1
  ${script === "" ? "" : "track_script { writes }"}
  virtual_ipaddress { 192.0.2.100/24 }
}
virtual_server 192.0.2.100 80 {
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 127.0.0.1 9 { TCP_CHECK { connect_timeout 1 } }
}
`;

interface ThreadReading {
  readonly id: number;
  /** proc_pid_stat(5): 0 SCHED_OTHER, 2 SCHED_RR. */
  readonly policy: number;
  readonly realTimePriority: number;
  readonly nice: number;
  readonly cpus: string;
}

function readThread(pid: number, id: number): ThreadReading {
  const base = `/proc/${pid}/task/${id}`;
  const fields = readFileSync(`${base}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
  const cpus = /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync(`${base}/status`, "latin1"))?.[1] ?? "";
  const [nice, realTimePriority, policy] = [16, 37, 38].map((i) => Number(fields[i]));
  return { id, nice: nice ?? Number.NaN, realTimePriority: realTimePriority ?? 0, policy: policy ?? Number.NaN, cpus };
}

/** Without those that end while they are read: threads come and go. */
const threadsOf = (pid: number): readonly ThreadReading[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((id) => {
    try {
      return [readThread(pid, Number(id))];
    } catch (error) {
      if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return [];
      throw error;
    }
  });

/**
 * Until one look at all threads shows just this: for a moment a checker thread has the main thread's class while it posts to it, and the
 * main thread has all processors while it starts a thread.
 */
async function showsOnce<T>(what: string, look: () => T, wanted: T): Promise<void> {
  const isSo = (): boolean => isDeepStrictEqual(look(), wanted);
  await until(what, 10_000, isSo, 20).catch(() => assert.deepEqual(look(), wanted, what));
}

const classOf = ({ policy, realTimePriority }: ThreadReading): string => `${policy}:${realTimePriority}`;

test("only the threads that are configured leave the usual class, and a reload gives it back", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  const seen = `${lan.dir}/script-ran-as`;
  const file = `${lan.dir}/writes`;
  await writeFile(file, `#!/bin/sh\nchrt -p $$ >${seen}.new; mv ${seen}.new ${seen}\n`, { mode: 0o755 });
  const script = `vrrp_script writes {\n script ${file}\n interval 1\n}`;
  const threads = "checker_threads 1";
  const daemon = await host.start(
    holdfast("memory"),
    config(`vrrp_rt_priority 50\n vrrp_rlimit_rttime 10000\n vrrp_cpu_affinity 0\n vrrp_no_swap\n ${threads}`, script),
  );
  await until("it serves", 20_000, () => host.hasAddress("192.0.2.100"));
  const pid = daemon.nodePid ?? assert.fail("it has no Node process");
  const checkers = (): readonly ThreadReading[] => threadsOf(pid).filter(({ nice }) => nice === 5);
  await until("the checker thread is there", 10_000, () => checkers().length > 0);

  const all = readThread(daemon.pid, daemon.pid).cpus;
  assert.equal(all === "0", availableParallelism() === 1);
  const look = () => {
    const threads = threadsOf(pid);
    const others = threads.filter(({ id }) => id !== pid);
    return {
      main: threads.filter(({ id }) => id === pid).map((main) => `${classOf(main)} on ${main.cpus}`),
      others: new Set(others.map((thread) => `${classOf(thread)} on ${thread.cpus}`)),
      helpers: others.filter((thread) => classOf(thread) === "2:1").length >= 4,
      checkers: threads.filter(({ nice }) => nice === 5).map(classOf),
    };
  };
  await showsOnce("all of ours are usual, Node's own, with V8's four helpers, lowest", look, {
    main: ["2:50 on 0"],
    others: new Set([`0:0 on ${all}`, `2:1 on ${all}`]),
    helpers: true,
    checkers: ["0:0"],
  });
  await until("the spare is there", 10_000, () => daemon.sparePid !== undefined);
  assert.deepEqual([...new Set(threadsOf(daemon.sparePid ?? 0).map(classOf))], ["0:0"]);
  const limits = readFileSync(`/proc/${pid}/limits`, "latin1");
  assert.match(limits, /Max realtime timeout\s+100000\s+200000/);
  await daemon.says("vrrp_rlimit_rttime 10000 is raised to 200000");
  await until("the script ran", 10_000, () => existsSync(seen));
  assert.match(readFileSync(seen, "latin1"), /SCHED_OTHER/);
  const locked = /^VmLck:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  assert.equal(Number(locked), 8192, "the state that outlives a crash");

  const next = `vrrp_priority -7\n checker_rt_priority 3\n checker_cpu_affinity 0\n ${threads}`;
  await writeFile(daemon.files.config, config(next));
  daemon.signal("SIGHUP");
  await until("the reload is over", 10_000, async () => /Reload complete/.test(await daemon.log()));
  const lookAgain = () => {
    const threads = threadsOf(pid);
    const others = threads.filter(({ id }) => id !== pid);
    return {
      main: threads.filter(({ id }) => id === pid).map((main) => [classOf(main), main.nice, main.cpus]),
      checkers: others.filter(({ nice }) => nice === 5).map((thread) => `${classOf(thread)} on ${thread.cpus}`),
      others: new Set(others.filter(({ nice }) => nice !== 5).map(classOf)),
    };
  };
  await showsOnce("the classes after the reload", lookAgain, {
    main: [["0:0", -7, all]],
    checkers: ["2:3 on 0"],
    others: new Set(["0:0"]),
  });
  const unlimited = /Max realtime timeout\s+unlimited\s+unlimited/.test(readFileSync(`/proc/${pid}/limits`, "latin1"));
  const refused = /child process cannot set realtime rlimit \(EPERM\)/.test(await daemon.log());
  assert.ok(unlimited !== refused, "a hard limit is raised with CAP_SYS_RESOURCE only");
});

test("without the right to it the daemon says so and serves", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  const program = holdfast("memory");
  const dropping = ["setpriv", "--bounding-set", "-sys_nice,-sys_resource", "--inh-caps", "-sys_nice,-sys_resource"];
  const daemon = await host.start(
    { ...program, argv: [...dropping, ...program.argv] },
    config("vrrp_rt_priority 50\n checker_priority -5\n checker_threads 1"),
  );
  await until("it serves", 20_000, () => host.hasAddress("192.0.2.100"));
  await daemon.says(
    /child process: cannot raise priority \(EPERM\) - grant CAP_SYS_NICE, or LimitRTPRIO=50/,
    /Unable to set process priority to -5 \(EACCES\) - checker_priority: grant CAP_SYS_NICE/,
  );
});

test("a stopped process says afterwards that it was stopped", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  const daemon = await host.start(
    holdfast("memory"),
    config("late_timer_warning 100000\n max_auto_priority 3\n min_auto_priority_delay 100000"),
  );
  await until("it serves", 20_000, () => host.hasAddress("192.0.2.100"));
  const pid = daemon.nodePid ?? assert.fail("it has no Node process");
  process.kill(pid, "SIGSTOP");
  await sleep(1500); // an advert a second
  const before = (await daemon.log()).length; // a slow start was late too, and was not stopped
  process.kill(pid, "SIGCONT");
  const long = /A thread timer expired (?:0\.[4-9]|[1-9]\.)\d* seconds ago.*was stopped/;
  await until("a timer was late", 20_000, async () => long.test((await daemon.log()).slice(before)));
  await daemon.says("Set realtime priority 1");
  assert.match(classOf(readThread(pid, pid)), /^2:[123]$/);
});
