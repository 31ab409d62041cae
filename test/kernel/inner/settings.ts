// Inside the guest: two directors of ours in the cluster; their sync daemons, timeouts, and a scheduler that this kernel lacks.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { Cluster, directorDevice, vip, webAddress } from "../../harness/cluster.js";
import { type Daemon, holdfast } from "../../harness/daemon.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { signal } from "../../harness/process-tree.js";
import { compiled } from "../../harness/project.js";
import { until } from "../../harness/until.js";
import { settingsSteps } from "../steps.js";
import { Results } from "./results.js";

/** Two daemons start in a guest with one slow processor. */
const PATIENCE = 120_000;

interface Wish {
  readonly priority: number;
  readonly sync?: string;
  readonly timeouts?: string;
}

const config = ({ priority, sync = "", timeouts = "" }: Wish): string => `global_defs {
  ${sync}
  ${timeouts}
}
vrrp_instance VI_1 {
  interface ${directorDevice}
  state BACKUP
  virtual_router_id 51
  priority ${priority}
  advert_int 1
  virtual_ipaddress {
    ${vip}/24
  }
}
virtual_server ${vip} 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server ${webAddress.web1} 80 {
  }
}
virtual_server ${vip} 81 {
  lb_algo twos
  lb_kind DR
  protocol TCP
  real_server ${webAddress.web1} 81 {
  }
}
`;
const follow = `lvs_sync_daemon ${directorDevice} inst VI_1`;

const results = new Results();
await using cluster = await Cluster.create();
const [one, two] = [cluster.host("director1"), cluster.host("director2")];
await loadIpvs(one);
await cluster.startWeb("web1");
const first = await one.start(
  holdfast("kernel"),
  config({ priority: 200, sync: follow, timeouts: "lvs_timeouts udp 44" }),
);
const second = await two.start(
  holdfast("kernel"),
  config({ priority: 100, sync: follow, timeouts: "lvs_timeouts udp 44" }),
);

await results.step(settingsSteps.roles, async () => {
  await syncs("director1", "master sync daemon", "syncid=51");
  await syncs("director2", "backup sync daemon", "syncid=51");
  return undefined;
});

await results.step(settingsSteps.missing, async () => {
  await until("the other service is there", PATIENCE, async () => (await savedTable(one)).length === 2, 100);
  await first.says("no lb_algo twos");
  const lines = (await first.log()).split("\n").filter((line) => line.includes("no lb_algo twos"));
  assert.equal(lines.length, 1, lines.join("\n"));
  return lines[0];
});

await results.step(settingsSteps.copied, async () => {
  const argv = [process.execPath, compiled("test/kernel/inner/long-client.ts"), vip, "80"];
  await cluster.host("client").spawn(argv);
  const copied = async (): Promise<boolean> =>
    /ESTABLISHED.*192\.168\.91\.50/.test(await two.exec(["ipvsadm", "-Lnc"]));
  await until("the backup knows the connection", PATIENCE, copied, 100);
  return undefined;
});

await results.step(settingsSteps.stopped, async () => {
  await one.exec(["ipvsadm", "--stop-daemon", "master"]);
  const took = await until("it runs again", PATIENCE, async () => (await state("director1")) !== "", 100);
  return `after ${took.toFixed(0)} ms`;
});

// Of the backup, which is BACKUP again after any crash; a master in a slow guest may not be back in time to go on as one.
await results.step(settingsSteps.crash, async () => {
  const victim = second.nodePid;
  assert.ok(victim !== undefined, "a daemon runs behind the launcher");
  const story = (await second.log()).length;
  signal(victim, "SIGSEGV");
  const after = async (): Promise<string> => (await second.log()).slice(story);
  await until("another daemon serves", PATIENCE, async () => (await after()).includes("Startup complete"), 100);
  await syncs("director2", "backup sync daemon", "syncid=51");
  assert.doesNotMatch(await after(), /IPVS sync daemon|timeouts are/);
  assert.match(await two.exec(["ipvsadm", "-l", "--timeout"]), / 44$/m);
  return undefined;
});

await results.step(settingsSteps.reload, async () => {
  await reload(second, config({ priority: 100, sync: `${follow} id 9`, timeouts: "lvs_timeouts tcp 333" }));
  await syncs("director2", "backup sync daemon", "syncid=9");
  await until(
    "timeouts are set",
    PATIENCE,
    async () => /: 333 /.test(await two.exec(["ipvsadm", "-l", "--timeout"])),
    100,
  );
  await reload(second, config({ priority: 100 }));
  await until("it is stopped", PATIENCE, async () => (await state("director2")) === "", 100);
  await until(
    "timeouts are back",
    PATIENCE,
    async () => /: 900 120 300$/m.test(await two.exec(["ipvsadm", "-l", "--timeout"])),
    100,
  );
  return undefined;
});

await results.step(settingsSteps.later, async () => {
  await reload(second, config({ priority: 100, sync: "lvs_sync_daemon sync0 inst VI_1" }));
  await until("it says so", PATIENCE, async () => (await second.log()).includes("there is no interface sync0"), 100);
  await two.exec(["ip", "link", "add", "sync0", "type", "dummy"]);
  await two.exec(["ip", "addr", "add", "10.99.0.2/24", "dev", "sync0"]);
  await two.exec(["ip", "link", "set", "sync0", "up"]);
  await syncs("director2", "backup sync daemon", "mcast=sync0");
  return undefined;
});

await results.step(settingsSteps.failover, async () => {
  await first.stop();
  await syncs("director2", "master sync daemon", "mcast=sync0");
  assert.equal(await state("director1"), "");
  assert.match(await one.exec(["ipvsadm", "-l", "--timeout"]), / 300$/m);
  await second.stop();
  assert.equal(await state("director2"), "");
  return undefined;
});

async function state(name: "director1" | "director2"): Promise<string> {
  return (await cluster.host(name).exec(["ipvsadm", "-l", "--daemon"])).trim();
}

async function syncs(name: "director1" | "director2", ...words: readonly string[]): Promise<void> {
  const daemon = name === "director1" ? first : second;
  try {
    await until(`${name}: ${words.join(" ")}`, PATIENCE, async () => fits(await state(name), words), 100);
  } catch (error) {
    throw new Error(`${String(error)}: ${await state(name)}\n${await daemon.log()}`, { cause: error });
  }
}

/** One line, with all of `words`. */
function fits(shown: string, words: readonly string[]): boolean {
  return !shown.includes("\n") && words.every((word) => shown.includes(word));
}

function count(text: string, sentence: string): number {
  return text.split(sentence).length - 1;
}

async function reload(daemon: Daemon, text: string): Promise<void> {
  const before = count(await daemon.log(), "Reload complete");
  await writeFile(daemon.files.config, text);
  daemon.signal("SIGHUP");
  await until("it has reloaded", PATIENCE, async () => count(await daemon.log(), "Reload complete") > before, 100);
}
