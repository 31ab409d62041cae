// Inside the guest: checks that fail while the real servers do well, as when it is the director that is in trouble.
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, directorDevice, vip, webNames } from "../../harness/cluster.js";
import { type Daemon, holdfast } from "../../harness/daemon.js";
import { destinations, loadIpvs, savedTable } from "../../harness/ipvs.js";
import { signal } from "../../harness/process-tree.js";
import { compiled } from "../../harness/project.js";
import { until } from "../../harness/until.js";
import { faultSteps } from "../steps.js";
import { Results } from "./results.js";

/** A start in a guest with one slow processor. */
const PATIENCE_MS = 90_000;
/** Longer than what is done meanwhile: looks, a crash and a start. */
const CONFIRM_S = 45;
/** Two addresses on each web server. */
const servers = [102, 103, 104, 105] as const;
/** How long the table is looked at while nothing is to happen in it. */
const WATCH_MS = 4000;

const results = new Results();
await using cluster = await Cluster.create();
const director = cluster.host("director1");
const dir = cluster.lan.dir;
const connectionLog = path.join(dir, "long-client.log");
await loadIpvs(director);
await director.exec(["ip", "addr", "add", `${vip}/32`, "dev", directorDevice]);
await director.exec(["ip", "link", "add", "uplink", "up", "type", "dummy"]);
for (const [i, web] of webNames.entries()) {
  await cluster.host(web).exec(["ip", "addr", "add", `192.168.91.${104 + i}/24`, "dev", "eth0"]);
  await cluster.startWeb(web);
}

await pass();
let daemon = await start("", `removal_floor 50% confirm ${CONFIRM_S}`);
/** The last look at more than the half began, and the first one at the half had ended. */
let moreSeen = 0;
let heldSince = 0;

await results.step(faultSteps.hold, async () => {
  await becomes(4);
  await until("the spare has loaded", PATIENCE_MS, () => daemon.spareRests());
  await fail();
  await becomes(2, (began) => (moreSeen = began));
  heldSince = performance.now();
  await connectForLong();
  const looks = await stays(2);
  return `${looks} looks and requests; ${await held()}`;
});

await results.step(faultSteps.crash, async () => {
  const before = await held();
  const victim = daemon.nodePid;
  signal(victim ?? 0, "SIGKILL");
  await until("the next daemon is ready", PATIENCE_MS, async () => {
    assert.equal(await held(), before);
    return (await daemon.log()).split("Startup complete").length > 2;
  });
  assert.equal(await held(), before);
  return before;
});

await results.step(faultSteps.release, async () => {
  await until(
    "a table without servers",
    CONFIRM_S * 1000 + PATIENCE_MS,
    async () => (await weights()).length === 0,
    50,
  );
  const now = performance.now();
  const seconds = (now - heldSince) / 1000;
  assert.ok((now - moreSeen) / 1000 > CONFIRM_S - 1 && seconds < CONFIRM_S + 10, `after ${seconds.toFixed(1)} s`);
  assert.equal(await cluster.request(), undefined, "nobody serves");
  const answers = readFileSync(connectionLog, "latin1").split("\n");
  const answered = answers.filter((line) => line.startsWith("ok ")).length;
  assert.ok(
    answered > 10,
    `the connection through the held half was answered ${answered} times: ${answers.join("; ")}`,
  );
  return `after ${seconds.toFixed(1)} s; a connection through the half was answered ${answered} times`;
});

await results.step(faultSteps.recover, async () => {
  await pass();
  await becomes(4);
  await stays(4);
  await daemon.stop();
  assert.deepEqual(await savedTable(director), []);
  return undefined;
});

await results.step(faultSteps.selfCheck, async () => {
  daemon = await start("self_check interface uplink hold 120", "");
  await becomes(4);
  await director.exec(["ip", "link", "set", "uplink", "down"]);
  await until("it is noticed", PATIENCE_MS, async () => (await daemon.log()).includes("uplink uplink is down"), 50);
  await fail();
  await until("all are held", PATIENCE_MS, async () => (await daemon.log()).split("Holding back").length === 5, 50);
  const looks = await stays(4);
  await director.exec(["ip", "link", "set", "uplink", "up"]);
  await becomes(0);
  await pass();
  await becomes(4);
  await daemon.stop();
  return `${looks} looks and requests`;
});

function start(globals: string, ofService: string): Promise<Daemon> {
  const reals = servers.map(
    (last) => `  real_server 192.168.91.${last} 80 {
    weight ${last}
    MISC_CHECK {
      misc_path "/usr/bin/test -e ${dir}/${last}"
      misc_timeout 30
    }
  }
`,
  );
  const config = `global_defs {
  script_user root
  ${globals}
}
virtual_server ${vip} 80 {
  delay_loop 1
  retry 0
  warmup 0
  lb_algo rr
  lb_kind DR
  protocol TCP
  ${ofService}
${reals.join("")}}
`;
  return director.start(holdfast("kernel"), config, ["--check"]);
}

async function pass(): Promise<void> {
  for (const last of servers) await writeFile(path.join(dir, String(last)), "");
}

async function fail(): Promise<void> {
  for (const last of servers) await rm(path.join(dir, String(last)));
}

async function weights(): Promise<readonly number[]> {
  return destinations(await savedTable(director)).map(({ weight }) => weight);
}

async function held(): Promise<string> {
  return (await savedTable(director)).join("; ");
}

/** @param notYet hears when a look began that finds another number */
async function becomes(count: number, notYet: (began: number) => void = () => undefined): Promise<void> {
  const isSo = async (): Promise<boolean> => {
    const began = performance.now();
    const is = (await weights()).length === count;
    if (!is) notYet(began);
    return is;
  };
  await until(`${count} servers`, PATIENCE_MS, isSo, 20).catch(async (error: unknown) => {
    throw new Error(`${String(error)}\n${await held()}\n${await daemon.log()}`, { cause: error });
  });
}

/** The same, with the weights that they had, at each look, and a new client is answered each time. @returns number of looks */
async function stays(count: number): Promise<number> {
  const before = await weights();
  assert.equal(before.length, count);
  let looks = 0;
  for (const end = performance.now() + WATCH_MS; performance.now() < end; looks++) {
    assert.deepEqual(await weights(), before, await daemon.log());
    assert.match(String(await cluster.request(vip, 10)), /^web[12]$/, `request ${looks} is answered`);
    await sleep(100);
  }
  return looks;
}

async function connectForLong(): Promise<void> {
  const out = openSync(connectionLog, "w");
  const argv = [process.execPath, compiled("test/kernel/inner/long-client.ts"), vip, "80"];
  await cluster.host("client").spawn(argv, { stdio: ["ignore", out, out] });
  closeSync(out);
}
