// Inside the guest: another version of holdfast in the place of one that runs, while a client stays connected and one server is down;
// and one that is broken. The versions lie side by side, as packages may, and a symbolic link says which is installed.
import assert from "node:assert/strict";
import { cpSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, webAddress } from "../../harness/cluster.js";
import { type Daemon, holdfast } from "../../harness/daemon.js";
import { hasDestination } from "../../harness/ipvs.js";
import { projectRoot } from "../../harness/project.js";
import { until } from "../../harness/until.js";
import { upgradeSteps } from "../steps.js";
import { Results } from "./results.js";
import { startScene, Undisturbed } from "./undisturbed.js";

const NEXT = "99.0.0";
/** At advert_int 1 and any priority, with some slack. */
const MASTER_DOWN_MS = 4500;

const results = new Results();
await using cluster = await Cluster.create();
const one = cluster.host("director1");
const installed = path.join(cluster.lan.dir, "installed");
install(projectRoot);
process.env["HOLDFAST_DAEMON_SCRIPT"] = path.join(installed, "dist/main/control/cli.js");
const { directors, capture } = await startScene(cluster, holdfast("kernel"));
const { director1, director2 } = directors;
let scene: Undisturbed | undefined;

const prepared = await results.step(upgradeSteps.prepare, async () => {
  scene = await Undisturbed.prepare(cluster, capture);
  for (const daemon of [director1, director2])
    await until("it has its spare", 120_000, () => daemon.sparePid !== undefined, 50);
  return undefined;
});

if (prepared) {
  await results.step(upgradeSteps.broken, () => {
    install(versionIn("broken", "98.0.0"));
    writeFileSync(path.join(installed, "dist/main/control/daemon.js"), "this is no program\n");
    const before = director1.nodePid;
    return unnoticed(async () => {
      const { code, stderr } = await upgrade(director1);
      assert.equal(code, 1);
      assert.match(stderr, /Not upgraded: it ended while it loaded its code \(exit code 1\).* goes on/);
      assert.equal(director1.nodePid, before);
    });
  });
  await results.step(upgradeSteps.unnoticed, async () => {
    install(versionIn("next", NEXT));
    const before = director1.nodePid;
    let took = 0;
    const figures = await unnoticed(async () => {
      const asked = performance.now();
      const { code, stdout, stderr } = await upgrade(director1);
      took = performance.now() - asked;
      assert.equal(code, 0, `${stderr}\n${await logs()}`);
      assert.ok(stdout.startsWith("Upgraded from ") && stdout.includes(`(pid ${before}) to ${NEXT} `), stdout);
      assert.notEqual(director1.nodePid, before);
    });
    assert.match(await director1.log(), new RegExp(`This is version ${NEXT.replaceAll(".", "\\.")}`));
    return `holdfast upgrade: ${took.toFixed(0)} ms; ${figures}`;
  });
  await results.step(upgradeSteps.backupToo, async () => {
    const before = (await director2.log()).length; // it was master until the other one had started
    const { code, stderr } = await upgrade(director2);
    assert.equal(code, 0, stderr);
    await sleep(MASTER_DOWN_MS);
    assert.doesNotMatch((await director2.log()).slice(before), /Entering MASTER STATE/);
    assert.equal(await cluster.master(), "director1");
    return undefined;
  });
  await results.step(upgradeSteps.goesOn, async () => {
    await cluster.startWeb("web2");
    const took = await until("web2 is back", 30_000, () => hasDestination(one, webAddress.web2), 50);
    return `a server that comes back is added after ${took.toFixed(0)} ms`;
  });
}

function unnoticed(change: () => Promise<void>): Promise<string> {
  assert.ok(scene !== undefined);
  return scene.during(change, logs);
}

/** Like a package manager: the link changes in one step. */
function install(tree: string): void {
  symlinkSync(tree, `${installed}.new`);
  renameSync(`${installed}.new`, installed);
}

/** A copy of this one that says that it is another version. */
function versionIn(name: string, version: string): string {
  const tree = path.join(cluster.lan.dir, name);
  for (const part of ["main", "workers", "native-bindings"])
    cpSync(path.join(projectRoot, "dist", part), path.join(tree, "dist", part), { recursive: true });
  const manifest = JSON.parse(readFileSync(path.join(projectRoot, "package.json"), "utf8")) as object;
  writeFileSync(path.join(tree, "package.json"), JSON.stringify({ ...manifest, version }));
  for (const shared of ["node_modules", "build"]) symlinkSync(path.join(projectRoot, shared), path.join(tree, shared));
  return tree;
}

/** The command as a user types it. */
function upgrade({ files }: Daemon): ReturnType<typeof one.attempt> {
  const argv = [path.join(projectRoot, "bin/holdfast"), "upgrade", "--control-socket", files.controlSocket];
  return one.attempt(argv, { timeoutMs: 90_000 }); // two starts of Node, in a guest with one slow processor
}

async function logs(): Promise<string> {
  return (await Promise.all([director1, director2].map(async (d) => `${d.files.log}:\n${await d.log()}`))).join("\n");
}
