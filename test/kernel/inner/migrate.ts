// Inside the guest: keepalived on both directors, then holdfast in its place, while a client stays connected and one server is down.
import assert from "node:assert/strict";
import { Cluster, type DirectorName, webAddress } from "../../harness/cluster.js";
import { type Daemon, holdfast, keepalived } from "../../harness/daemon.js";
import { hasDestination } from "../../harness/ipvs.js";
import { until } from "../../harness/until.js";
import { migrateSteps } from "../steps.js";
import { Results } from "./results.js";
import { startScene, Undisturbed } from "./undisturbed.js";

const results = new Results();
await using cluster = await Cluster.create();
const one = cluster.host("director1");
const { directors: former, capture } = await startScene(cluster, keepalived);
const started: Daemon[] = [];
let scene: Undisturbed | undefined;

const prepared = await results.step(migrateSteps.prepare, async () => {
  scene = await Undisturbed.prepare(cluster, capture);
  return undefined;
});

if (prepared) {
  const present: Partial<Record<DirectorName, Daemon>> = {};
  await results.step(migrateSteps.toHoldfast, () => {
    assert.ok(scene !== undefined);
    return scene.during(async () => {
      present.director1 = await inPlace("director1");
    }, logs);
  });
  await results.step(migrateSteps.backupToo, async () => {
    present.director2 = await inPlace("director2");
    await present.director2.says("Entering BACKUP STATE");
    assert.doesNotMatch(await present.director2.log(), /Entering MASTER STATE/);
    return undefined;
  });
  await results.step(migrateSteps.goesOn, async () => {
    await cluster.startWeb("web2");
    const took = await until("web2 is back", 30_000, () => hasDestination(one, webAddress.web2), 50);
    await cluster.stopWeb("web2");
    await until("web2 is out again", 30_000, async () => !(await hasDestination(one, webAddress.web2)), 50);
    return `a server that comes back is added after ${took.toFixed(0)} ms`;
  });
}

/** Starts holdfast with the file and the pid file of the keepalived that runs there. */
async function inPlace(name: DirectorName): Promise<Daemon> {
  const keepalivedPid = former[name].files.config.replace(/\.conf$/, ".pid");
  const daemon = await cluster.startDirector(name, holdfast("kernel"), ["-p", keepalivedPid, "--take-over"]);
  started.push(daemon);
  const ready = async (): Promise<boolean> => (await daemon.log()).includes("Startup complete");
  await until(`holdfast is ready on ${name}`, 120_000, ready, 50);
  assert.equal(former[name].running, false, "keepalived has ended");
  return daemon;
}

async function logs(): Promise<string> {
  const all = [...Object.values(former), ...started];
  return (await Promise.all(all.map(async (d) => `${d.files.log}:\n${await d.log()}`))).join("\n");
}
