// Inside the guest: the kernel's IPVS goes and comes back while the daemon runs.
import assert from "node:assert/strict";
import { run } from "../../harness/command.js";
import { type Daemon, holdfast, type Program } from "../../harness/daemon.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { Lan, plainHosts } from "../../harness/lan.js";
import { until } from "../../harness/until.js";
import { comingSteps } from "../steps.js";
import { Results } from "./results.js";

/** A start. The guest has one slow processor. */
const PATIENCE_MS = 120_000;
/** A look every second, and the table; without it nothing would ever come back. */
const SECONDS_MS = 20_000;
const NAMESPACE = `hf${process.pid}again`;
const inNamespace = (...command: readonly string[]): Promise<string> =>
  run(["ip", "netns", "exec", NAMESPACE, ...command]);

const servers = `virtual_server 10.0.0.1 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 10.1.0.1 80 {
    weight 1
  }
}
`;
const settings = `net_namespace_ipvs ${NAMESPACE}
global_defs {
  lvs_timeouts tcp 1234
}
${servers}`;

const results = new Results();
await using lan = await Lan.create(plainHosts("director", "other"));
const [director, other] = [lan.host("director"), lan.host("other")];
await loadIpvs(director);
/** Who writes the log is another thread than the one that acts. */
const saidOnce = async (daemon: Daemon, what: RegExp): Promise<string> => {
  await daemon.says(what);
  const lines = (await daemon.log()).split("\n").filter((line) => what.test(line));
  assert.equal(lines.length, 1, await daemon.log());
  return lines[0] ?? "";
};

await results.step(comingSteps.unloaded, async () => {
  await using daemon = await director.start(holdfast("kernel"), servers, ["--check"]);
  const whole = async (): Promise<boolean> => (await savedTable(director)).length === 2;
  await until("the first table", PATIENCE_MS, whole, 100);
  const victim = daemon.nodePid;
  assert.ok(victim !== undefined);
  await until("the module is unloaded", PATIENCE_MS, () => unload(victim), 100);
  process.kill(victim, "SIGCONT");
  const took = await until("its table", SECONDS_MS, async () => whole().catch(() => false), 100).catch(
    async (error: unknown) => {
      throw new Error(`${String(error)}\n${await daemon.log()}`, { cause: error });
    },
  );
  assert.equal(daemon.nodePid, victim, "it is the same daemon");
  const said = await saidOnce(daemon, /was unloaded from the kernel/);
  await daemon.stop();
  assert.deepEqual(await savedTable(director), []);
  return `${said}; after ${took.toFixed(0)} ms`;
});

/** While `daemon` stands still, which would repair the table before. In the middle of a reading it holds the module: then not this time. */
async function unload(daemon: number): Promise<boolean> {
  process.kill(daemon, "SIGSTOP");
  await director.exec(["ipvsadm", "-C"]);
  try {
    await director.exec(["modprobe", "-r", "ip_vs_rr", "ip_vs_wrr", "ip_vs_wlc", "ip_vs_sh", "ip_vs"]);
    return true;
  } catch {
    process.kill(daemon, "SIGCONT");
    return false;
  }
}

async function makeNamespace(): Promise<void> {
  await run(["ip", "netns", "add", NAMESPACE]);
  await run(["ip", "-n", NAMESPACE, "link", "set", "lo", "up"]);
  await run(["ip", "-n", NAMESPACE, "route", "add", "10.1.0.0/16", "dev", "lo"]); // no destination without a route (ip_vs_ctl.c)
}

async function isWhole(): Promise<boolean> {
  const table = (await inNamespace("ipvsadm", "-Sn")).trim().split("\n");
  const timeouts = await inNamespace("ipvsadm", "-L", "--timeout");
  return table.length === 2 && timeouts.includes("1234");
}

await results.step(comingSteps.namespace, async () => {
  const program = { ...holdfast("kernel"), argv: holdfast("kernel").argv.slice(0, -2) } satisfies Program;
  await makeNamespace();
  await using daemon = await other.start(program, settings, ["--check"]);
  try {
    await until("the first table", PATIENCE_MS, isWhole, 200);
    await run(["ip", "netns", "del", NAMESPACE]);
    await until("it says so", SECONDS_MS, async () => (await daemon.log()).includes("has been deleted"), 100);
    await makeNamespace();
    const took = await until("the new one has the table", SECONDS_MS, isWhole, 200);
    const gone = await saidOnce(daemon, /has been deleted/);
    const back = await saidOnce(daemon, /another one than before/);
    await daemon.stop();
    assert.equal((await inNamespace("ipvsadm", "-Sn")).trim(), "");
    return `${gone}; ${back}; after ${took.toFixed(0)} ms`;
  } catch (error) {
    throw new Error(`${String(error)}\n${await daemon.log()}`, { cause: error });
  } finally {
    await run(["ip", "netns", "del", NAMESPACE]);
  }
});
