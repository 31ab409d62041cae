// Inside the guest: a native fault of the master's daemon (not of its launcher) while one of two web servers is down.
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, vip, webAddress } from "../../harness/cluster.js";
import { holdfast } from "../../harness/daemon.js";
import type { Advert } from "../../harness/frames.js";
import { hasDestination, loadIpvs, savedTable } from "../../harness/ipvs.js";
import { signal } from "../../harness/process-tree.js";
import { compiled } from "../../harness/project.js";
import { until } from "../../harness/until.js";
import { crashSteps } from "../steps.js";
import { Results } from "./results.js";

/** Three master down intervals at advert_int 1: a transition that the crash causes shows within one. */
const WATCH_MS = 3 * 3610;
/** Of director1 in examples/lvs-dr. */
const MASTER_PRIORITY = 100;
const LOOK_EVERY_MS = 20;
const LOOKS = 100;
/** Two daemons start in a guest with one slow processor. */
const START_MS = 120_000;

const results = new Results();
await using cluster = await Cluster.create();
const one = cluster.host("director1");
const connectionLog = path.join(cluster.lan.dir, "long-client.log");
await loadIpvs(one);
await Promise.all([cluster.startWeb("web1"), cluster.startWeb("web2")]);
const director2 = await cluster.startDirector("director2", holdfast("kernel"));
const director1 = await cluster.startDirector("director1", holdfast("kernel"));
const capture = await cluster.lan.capture();

const prepared = await results.step(crashSteps.prepare, async () => {
  await until("director1 is master", START_MS, async () => (await cluster.master()) === "director1", 50);
  await until(
    "both are in service",
    START_MS,
    async () => (await hasDestination(one, webAddress.web1)) && (await hasDestination(one, webAddress.web2)),
    50,
  );
  await cluster.stopWeb("web2");
  await until("web2 leaves the table", 30_000, async () => !(await hasDestination(one, webAddress.web2)), 50);
  const out = openSync(connectionLog, "w");
  const argv = [process.execPath, compiled("test/kernel/inner/long-client.ts"), vip, "80"];
  await cluster.host("client").spawn(argv, { stdio: ["ignore", out, out] });
  closeSync(out);
  await until("the client is answered", 60_000, () => lines("ok ").length > 2, 50);
  // On the guest's one CPU two daemons have just started, and their spares load at nice 19: a crash meets a machine at rest.
  await until(
    "the spares have loaded",
    START_MS,
    async () => (await director1.spareRests()) && (await director2.spareRests()),
  );
  return undefined;
});

if (prepared) await crashAndJudge();

async function crashAndJudge(): Promise<void> {
  const before = { frames: (await capture.frames()).length, log: (await director1.log()).length };
  const transitionsBefore = transitions(await director2.log());
  const victim = director1.nodePid;
  assert.ok(victim !== undefined, "a daemon runs behind the launcher");
  signal(victim, "SIGSEGV");
  const seen = await watch();
  const story = `director1 after the crash:\n${(await director1.log()).slice(before.log)}\ndirector2:\n${await director2.log()}`;

  await results.step(crashSteps.noTransition, async () => {
    const all = await capture.frames();
    const adverts = all.slice(before.frames - 1).filter((frame): frame is Advert => frame.kind === "advert");
    const foreign = adverts.filter(({ priority }) => priority !== MASTER_PRIORITY);
    assert.equal(foreign.length, 0, `somebody else advertised ${foreign.length} times\n${story}`);
    assert.equal(transitions(await director2.log()), transitionsBefore, story);
    assert.ok(!/Entering (BACKUP|FAULT) STATE/.test((await director1.log()).slice(before.log)), story);
    assert.equal(seen.addressMissing, 0, `the virtual IP was away from director1\n${story}`);
    const gaps = adverts.slice(1).map((advert, i) => advert.at - (adverts[i]?.at ?? advert.at));
    assert.ok(gaps.length > 0, `director1 advertises again\n${story}`);
    return `longest gap between adverts: ${Math.max(...gaps).toFixed(0)} ms`;
  });

  await results.step(crashSteps.neverAdded, () => {
    assert.equal(seen.deadServer, 0, `the dead server was in ${seen.deadServer} of ${seen.looks} looks at the table`);
    assert.ok(seen.looks > LOOKS, `only ${seen.looks} looks at the table`);
    return `${seen.looks} looks at the table`;
  });

  await results.step(crashSteps.connection, async () => {
    assert.deepEqual(lines("lost"), [], story);
    assert.equal(new Set(lines("ok ")).size, 1, "one local port: one connection");
    const count = lines("ok ").length;
    await until("the connection still answers", 20_000, () => lines("ok ").length > count, 50);
    return undefined;
  });

  await results.step(crashSteps.alive, async () => {
    assert.notEqual(director1.nodePid, victim, "another process took over");
    await cluster.startWeb("web2");
    const back = (): Promise<boolean> => hasDestination(one, webAddress.web2);
    const took = await until("web2 is back in the table", 30_000, back, 50).catch(async (error: unknown) => {
      throw new Error(`${(await savedTable(one)).join("\n")}\n${await director1.log()}`, { cause: error });
    });
    return `after ${took.toFixed(0)} ms`;
  });
}

interface Seen {
  readonly looks: number;
  /** Looks that found the dead server in the table, or the virtual IP missing. */
  readonly deadServer: number;
  readonly addressMissing: number;
}

/**
 * Looks at director1 again and again, through /proc of its launcher, which shows the namespace that the process is in: to start
 * `ipvsadm` and `ip` each time would take the guest's one CPU away from the directors.
 */
async function watch(): Promise<Seen> {
  const seen = { looks: 0, deadServer: 0, addressMissing: 0 };
  const deadServer = hexAddress(webAddress.web2);
  const net = (file: string): string => readFileSync(`/proc/${director1.pid}/net/${file}`, "latin1");
  const [end, limit] = [performance.now() + WATCH_MS, performance.now() + 4 * WATCH_MS];
  while (performance.now() < end || (seen.looks <= LOOKS && performance.now() < limit)) {
    seen.looks++;
    if (net("ip_vs").includes(deadServer)) seen.deadServer++;
    if (!net("fib_trie").includes(vip)) seen.addressMissing++;
    await sleep(LOOK_EVERY_MS);
  }
  return seen;
}

/** As /proc/net/ip_vs prints it: `C0A85B67`. */
function hexAddress(address: string): string {
  return Buffer.from(address.split(".").map(Number)).toString("hex").toUpperCase();
}

/** Number of lines about a change of state. */
function transitions(log: string): number {
  return log.split("\n").filter((line) => /Entering (MASTER|BACKUP|FAULT) STATE/.test(line)).length;
}

/** What the connected client wrote, by the first word of the line. */
function lines(word: "ok " | "lost"): readonly string[] {
  return readFileSync(connectionLog, "utf8")
    .split("\n")
    .filter((line) => line.startsWith(word));
}
