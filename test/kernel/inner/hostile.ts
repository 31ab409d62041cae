// Inside the guest: what can go wrong between the daemon and the IPVS of a real kernel.
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../harness/command.js";
import { type Daemon, holdfast, type Program } from "../../harness/daemon.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { Lan, plainHosts } from "../../harness/lan.js";
import { until } from "../../harness/until.js";
import { hostileSteps } from "../steps.js";
import { Results } from "./results.js";

/** A start in a guest with one slow processor; and a namespace that is missing is looked for every 30 s. */
const PATIENCE_MS = 120_000;
const NAMESPACE = `hf${process.pid}late`;
const RIVAL_MS = 8000;
/** The kernel makes at least 2,304 bytes of it: SOCK_MIN_RCVBUF of linux/net/sock.h. */
const SMALLEST_BUFFER = 1;

interface Server {
  readonly port?: number;
  readonly scheduler?: string;
  readonly lines?: string;
  readonly weight?: number;
  readonly reals?: number;
}

/** No checks: what has none is in service from the start. */
function virtualServer({ port = 80, scheduler = "rr", lines = "", weight = 1, reals = 2 }: Server): string {
  const servers = Array.from(
    { length: reals },
    (_, i) => `  real_server 10.1.${i >> 8}.${i & 255} ${port} {\n    weight ${weight}\n  }\n`,
  );
  return `virtual_server 10.0.0.1 ${port} {\n  lb_algo ${scheduler}\n  lb_kind DR\n  protocol TCP\n  ${lines}\n${servers.join("")}}\n`;
}

/** As fast as ipvsadm goes: what we add is there already, what we change is gone, and all of it at times. As long as his file is there. */
const rivalScript = `while [ -e "$0" ]; do
  for port in 80 81 82; do
    service="-t 10.0.0.1:$port"
    ipvsadm -d $service -r 10.1.0.1:$port
    ipvsadm -D $service
    ipvsadm -A $service -s sh
    ipvsadm -a $service -r 10.1.0.0:$port -g -w 7
    ipvsadm -e $service -r 10.1.0.0:$port -g -w 8
  done
  ipvsadm -C
  sleep 0.1
done`;

const results = new Results();
await using lan = await Lan.create(plainHosts("director", "other"));
const [director, other] = [lan.host("director"), lan.host("other")];
await loadIpvs(director);
const read = async (): Promise<string> => (await savedTable(director)).join("\n");

const late = await other.start(
  { ...holdfast("kernel"), argv: holdfast("kernel").argv.slice(0, -2) } satisfies Program,
  `net_namespace_ipvs ${NAMESPACE}\n${virtualServer({})}`,
  ["--check"],
);

await results.step(hostileSteps.missing, async () => {
  const config = [
    virtualServer({}),
    virtualServer({ port: 81, scheduler: "twos" }),
    virtualServer({ port: 82, lines: "persistence_engine odd\n  persistence_timeout 60" }),
    virtualServer({ port: 83 }),
  ];
  await using daemon = await startOnEmptyTable(config.join(""));
  await becomes(daemon, [...table(80, "rr", 1), ...table(83, "rr", 1)]);
  let lines: readonly string[] = [];
  await until("both are said", PATIENCE_MS, async () => {
    lines = (await daemon.log()).split("\n").filter((line) => /no lb_algo|no persistence_engine/.test(line));
    return lines.length > 1;
  });
  assert.equal(lines.length, 2, lines.join("\n"));
  assert.match(lines.join("\n"), /:81\b.*no lb_algo twos \(module ip_vs_twos\)/);
  assert.match(lines.join("\n"), /:82\b.*no persistence_engine odd \(ip_vs_pe_odd\)/);
  await daemon.stop();
  assert.equal(await read(), "");
  return lines.join("; ");
});

await results.step(hostileSteps.reload, async () => {
  await using daemon = await startOnEmptyTable(virtualServer({}));
  await becomes(daemon, table(80, "rr", 1));
  await reload(daemon, virtualServer({ scheduler: "twos", weight: 2 }) + virtualServer({ port: 83 }));
  await until("it says so", PATIENCE_MS, async () => (await daemon.log()).includes("no lb_algo twos"), 50);
  await until("the other service is there", PATIENCE_MS, async () => (await read()).includes(":83"), 50);
  const kept = (await read()).split("\n").filter((line) => !line.includes(":83"));
  assert.match(kept.join("\n"), /^-A -t 10\.0\.0\.1:80 -s rr$/m);
  assert.equal(kept.length, 3, "the service and both of its servers");
  await reload(daemon, virtualServer({ scheduler: "wrr", weight: 3 }));
  await becomes(daemon, table(80, "wrr", 3));
  await daemon.stop();
  return kept.join("; ");
});

await results.step(hostileSteps.overrun, async () => {
  // With that buffer the end takes its time too, and a usual child_wait_time ends it halfway on a busy machine.
  const globals = `lvs_netlink_cmd_rcv_bufs ${SMALLEST_BUFFER}\n  child_wait_time ${PATIENCE_MS / 1000}`;
  const config = `global_defs {\n  ${globals}\n}\n${virtualServer({ reals: 2000 })}`;
  // One answer says that a whole pack went well, and each refusal has its own: a kernel that takes no destination (EINVAL of
  // ip_vs_new_dest, for what its routes call a broadcast address) has 2,000 of them.
  await unreachable("add");
  await using daemon = await startOnEmptyTable(config);
  await until("answers are lost", PATIENCE_MS, async () => (await droppedAnswers()) > 0, 100).finally(() =>
    unreachable("del"),
  );
  const lost = await droppedAnswers();
  await becomes(daemon, table(80, "rr", 1, 2000));
  await director.exec(["ipvsadm", "-C"]);
  await becomes(daemon, table(80, "rr", 1, 2000));
  daemon.signal("SIGTERM");
  const stopped = await until("it has ended", PATIENCE_MS, () => !daemon.running, 20);
  assert.equal(await read(), "");
  return `${lost} times the kernel had no room for an answer; the stop took ${stopped.toFixed(0)} ms`;
});

await results.step(hostileSteps.rival, async () => {
  const servers = (weight: number): string => [80, 81, 82].map((port) => virtualServer({ port, weight })).join("");
  await using daemon = await startOnEmptyTable(servers(1));
  const whole = (weight: number): readonly string[] => [80, 81, 82].flatMap((port) => table(port, "rr", weight));
  await becomes(daemon, whole(1));
  const complaints = path.join(lan.dir, "rival");
  const hisErrors = openSync(complaints, "w");
  const goesOn = path.join(lan.dir, "rival-goes-on");
  await writeFile(goesOn, "");
  const rival = await director.spawn(["sh", "-c", rivalScript, goesOn], { stdio: ["ignore", "ignore", hisErrors] });
  closeSync(hisErrors);
  const victim = daemon.nodePid;
  let weight = 1;
  const met = (what: RegExp): number => readFileSync(complaints, "utf8").split(what).length - 1;
  const haveMet = (): number => met(/already exists/);
  const [end, limit] = [performance.now() + RIVAL_MS, performance.now() + PATIENCE_MS];
  for (; performance.now() < end || (haveMet() === 0 && performance.now() < limit); await sleep(300))
    await reload(daemon, servers(++weight));
  await rm(goesOn);
  await until("the rival is gone", PATIENCE_MS, () => rival.exitCode !== null, 20);
  const found = (await read()).split("\n").length;
  await reload(daemon, servers(99));
  await becomes(daemon, whole(99));
  assert.equal(daemon.nodePid, victim, "it is the same daemon");
  const [exists, missing] = [haveMet(), met(/No such|not defined/)];
  assert.ok(exists > 0, "between his deletion and his addition we have put it back");
  const repairs = (await daemon.log()).split("\n").filter((line) => /again|surpris|contested/.test(line)).length;
  await daemon.stop();
  assert.equal(await read(), "");
  return `${weight} reloads, he left ${found} lines, met ours ${exists} times and missed his ${missing} times, ${repairs} lines of ours about it`;
});

await results.step(hostileSteps.namespace, async () => {
  const lines = (await late.log()).split("\n").filter((line) => line.includes(NAMESPACE));
  assert.equal(lines.length, 1, await late.log());
  await run(["ip", "netns", "add", NAMESPACE]); // not by `ip netns exec`, whose mounts are its own
  await run(["ip", "-n", NAMESPACE, "link", "set", "lo", "up"]);
  await run(["ip", "-n", NAMESPACE, "route", "add", "10.1.0.0/16", "dev", "lo"]); // no destination without a route (ip_vs_ctl.c)
  try {
    const itsTable = (): Promise<string> => run(["ip", "netns", "exec", NAMESPACE, "ipvsadm", "-Sn"]);
    const took = await until("its table", PATIENCE_MS, async () => (await itsTable()).split("\n").length === 4, 200);
    await late.stop();
    assert.equal(await itsTable(), "");
    return `${lines[0]}; after ${took.toFixed(0)} ms`;
  } catch (error) {
    throw new Error(`${String(error)}\n${await late.log()}`, { cause: error });
  } finally {
    await run(["ip", "netns", "del", NAMESPACE]);
  }
});

function unreachable(how: "add" | "del"): Promise<string> {
  return director.exec(["ip", "route", how, "table", "local", "broadcast", "10.1.0.0/16", "dev", "eth0"]);
}

/** Whatever the step before has left. */
async function startOnEmptyTable(config: string): Promise<Daemon> {
  await director.exec(["ipvsadm", "-C"]);
  return director.start(holdfast("kernel"), config, ["--check"]);
}

/** Of the sockets of generic netlink in the director's namespace: column Drops of /proc/net/netlink. */
async function droppedAnswers(): Promise<number> {
  const sockets = (await director.exec(["cat", "/proc/net/netlink"]))
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const drops = sockets[0]?.indexOf("Drops") ?? -1;
  const generic = sockets.filter(([, protocol]) => protocol === "16");
  return generic.reduce((sum, columns) => sum + Number(columns[drops]), 0);
}

function table(port: number, scheduler: string, weight: number, reals = 2): readonly string[] {
  const service = `-t 10.0.0.1:${port}`;
  const servers = Array.from(
    { length: reals },
    (_, i) => `-a ${service} -r 10.1.${i >> 8}.${i & 255}:${port} -g -w ${weight}`,
  );
  return [`-A ${service} -s ${scheduler}`, ...servers];
}

async function becomes(daemon: Daemon, wanted: readonly string[]): Promise<void> {
  const sorted = [...wanted].sort((a, b) => (a < b ? -1 : 1)).join("\n");
  let found = "";
  const equal = async (): Promise<boolean> => {
    found = await read();
    return found === sorted;
  };
  await until("the table is whole", PATIENCE_MS, equal, 100).catch(async (error: unknown) => {
    const lacks = found.length > 2000 ? `${found.split("\n").length} lines` : found;
    throw new Error(`${String(error)}\n${lacks}\n${(await daemon.log()).slice(-4000)}`, { cause: error });
  });
}

async function reload(daemon: Daemon, config: string): Promise<void> {
  const story = (await daemon.log()).length;
  await writeFile(daemon.files.config, config);
  daemon.signal("SIGHUP");
  const done = async (): Promise<boolean> => (await daemon.log()).slice(story).includes("Reload complete");
  await until("it has reloaded", PATIENCE_MS, done, 50);
}
