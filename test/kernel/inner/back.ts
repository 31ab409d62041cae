// Inside the guest: from holdfast back to keepalived, in place, while a client stays connected and one server is down: with holdfast
// running beside it until keepalived serves (docs/migrating.md), and with a holdfast that is killed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Cluster } from "../../harness/cluster.js";
import { type Daemon, holdfast, keepalived } from "../../harness/daemon.js";
import { projectRoot } from "../../harness/project.js";
import { until } from "../../harness/until.js";
import { backSteps } from "../steps.js";
import { Results } from "./results.js";
import { startScene, Undisturbed } from "./undisturbed.js";

/** keepalived takes the address away when it starts, and it is put back: 60 ms. */
const PUT_BACK_LOOKS = 3;

const results = new Results();
await using cluster = await Cluster.create();
const one = cluster.host("director1");
const { directors, capture } = await startScene(cluster, holdfast("kernel"));
const { director1, director2 } = directors;
let scene: Undisturbed | undefined;
let present: Daemon | undefined;

const prepared = await results.step(backSteps.prepare, async () => {
  scene = await Undisturbed.prepare(cluster, capture);
  return undefined;
});

if (prepared) {
  await results.step(backSteps.giveWay, () => {
    assert.ok(scene !== undefined);
    return scene.during(giveWay, logs, { putsBack: PUT_BACK_LOOKS });
  });
}

/** As docs/migrating.md says. */
async function giveWay(): Promise<void> {
  const { files } = director1;
  const word = [path.join(projectRoot, "bin/holdfast"), "give-way", "--control-socket", files.controlSocket];
  const { code, stdout, stderr } = await one.attempt(word, { timeoutMs: 60_000 }); // Node starts slowly here
  assert.equal(code, 0, stderr);
  assert.match(stdout, /start keepalived within 60 s/);
  present = await one.start(keepalived, withAlpha(), ["-p", files.config.replace(/\.conf$/, ".pid")]);
  const isMaster = async (): Promise<boolean> => ((await present?.log()) ?? "").includes("Entering MASTER STATE");
  await until("keepalived is master", 60_000, isMaster, 50);
  await until("holdfast has left", 60_000, () => !director1.running, 50);
}

/** Nothing is added unchecked. */
function withAlpha(): string {
  const file = path.join(projectRoot, "examples/lvs-dr/director1.conf");
  return readFileSync(file, "utf8").replaceAll(/^virtual_server .*\{$/gm, "$&\n    alpha");
}

async function logs(): Promise<string> {
  const all = [director1, director2, ...(present ? [present] : [])];
  return (await Promise.all(all.map(async (d) => `${d.files.log}:\n${await d.log()}`))).join("\n");
}
