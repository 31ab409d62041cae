import assert from "node:assert/strict";
import { test } from "node:test";
import { isRunning, Stage, shortest, until } from "./launcher-harness.js";

const timeout = 90_000;

test("upgrade: a process that has loaded its code goes on when the daemon makes way, with the state, at once", {
  timeout: 5 * timeout,
}, async (t) => {
  const took = await shortest(200, daemonMakesWay);
  t.diagnostic(`from the kill to go: ${took} ms`);
  assert.ok(took < 200, `took ${took} ms`); // as in a crash with a spare
});

/** @returns ms from the kill to go */
async function daemonMakesWay(): Promise<number> {
  await using stage = await Stage.create();
  const launched = stage.launch({ spare: true });
  const { daemon, spare, candidate } = await asking(stage);
  assert.equal(candidate.hello.env["HOLDFAST_UPGRADE"], "1");
  assert.equal(candidate.hello.env["HOLDFAST_PROTOCOL"], "1");
  daemon.do({ do: "poke", text: "master since 17" });
  assert.equal(await daemon.peek(15), "master since 17");
  candidate.say("loaded 9.9.9");
  assert.equal(await daemon.line(), `upgrade-to ${candidate.hello.pid} 9.9.9`);
  assert.ok(isRunning(daemon.hello.pid), "it decides when");
  const made = Date.now();
  process.kill(daemon.hello.pid, "SIGKILL");
  const took = (await candidate.lineAt("go")) - made;
  assert.equal(await candidate.peek(15), "master since 17");
  await spare.closed; // of the version before
  const sentence = `was upgraded: process ${candidate.hello.pid} goes on`; // said when it goes on already
  await until(sentence, () => launched.stderr().includes(sentence));
  assert.doesNotMatch(launched.stderr(), /died: Respawning/);
  candidate.say("ready");
  assert.equal((await stage.daemon("spare")).hello.env["HOLDFAST_UPGRADE"], undefined);
  return took;
}

test("upgrade: without a spare, and with -R, too", { timeout }, async () => {
  await using stage = await Stage.create();
  stage.launch({ args: ["-nR"] });
  const daemon = await stage.daemon();
  daemon.say("ready");
  daemon.say("upgrade");
  const candidate = await stage.daemon("spare");
  candidate.say("loaded 2");
  assert.match(await daemon.line(), /^upgrade-to \d+ 2$/);
  process.kill(daemon.hello.pid, "SIGKILL");
  assert.equal(await candidate.line(), "go");
});

test("upgrade: one that ends, or says that it is unfit, is refused; daemon and spare go on, and it can be asked again", {
  timeout,
}, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({ spare: true });
  const { daemon, spare, candidate } = await asking(stage);
  candidate.do({ do: "print", text: "SyntaxError: Unexpected token\n" });
  candidate.do({ do: "exit", code: 1 });
  assert.match(await daemon.line(), /^no-upgrade it ended while it loaded its code \(exit code 1\)/);
  await until("the sentence", () => /Upgrade refused: .*The daemon goes on/.test(launched.stderr()));
  daemon.say("upgrade");
  const second = await stage.daemon("spare");
  daemon.say("upgrade");
  assert.equal(await daemon.line(), "no-upgrade another upgrade is under way");
  second.say("unfit it needs another launcher");
  assert.equal(await daemon.line(), "no-upgrade it needs another launcher");
  await second.closed;
  assert.ok(isRunning(daemon.hello.pid) && isRunning(spare.hello.pid));
  daemon.do({ do: "exit", code: 3 });
  assert.equal(await spare.line(), "go", "a crash is answered by the version that works");
});

test("upgrade: a daemon that crashes while the other loads is followed by its spare", { timeout }, async () => {
  await using stage = await Stage.create();
  stage.launch({ spare: true });
  const { daemon, spare, candidate } = await asking(stage);
  daemon.do({ do: "exit", code: 3 });
  assert.equal(await spare.line(), "go");
  await candidate.closed;
});

test("upgrade: a stop meanwhile is a stop", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({ spare: true });
  const { daemon, candidate } = await asking(stage);
  candidate.say("loaded 2");
  assert.match(await daemon.line(), /^upgrade-to/);
  process.kill(launched.pid, "SIGTERM");
  assert.equal(await daemon.line(), "signal TERM");
  daemon.say("stopping");
  daemon.do({ do: "exit", code: 0 });
  assert.equal(await launched.ended, 0);
  await candidate.closed;
});

test("upgrade: one that hangs is given up after 30 s", { timeout }, async () => {
  await using stage = await Stage.create();
  stage.launch({ spare: true });
  const { daemon, candidate } = await asking(stage);
  await new Promise((resolve) => setTimeout(resolve, 25_000)); // the stage waits for a line for 20 s
  assert.equal(await daemon.line(), "no-upgrade it did not load its code within 30 s");
  await candidate.closed;
});

type Cast = Record<"daemon" | "spare" | "candidate", Awaited<ReturnType<Stage["daemon"]>>>;

/** A daemon that has asked for an upgrade, its spare, and the process that loads. */
async function asking(stage: Stage): Promise<Cast> {
  const daemon = await stage.daemon();
  daemon.say("ready");
  const spare = await stage.daemon("spare");
  daemon.say("upgrade");
  return { daemon, spare, candidate: await stage.daemon("spare") };
}
