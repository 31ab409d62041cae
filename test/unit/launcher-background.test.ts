import assert from "node:assert/strict";
import { readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { isRunning, Stage, until } from "./launcher-harness.js";

const timeout = 60_000;

/** The launcher in the background: the parent of its daemon. */
function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

test("the caller returns with 0 after ready; nothing holds its terminal or directory", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({ args: ["-lD"] });
  const fake = await stage.daemon();
  const launcher = parentOf(fake.hello.pid);
  stage.adopt(launcher);
  assert.notEqual(launcher, launched.pid);
  fake.do({ do: "print", text: "a warning of the start\n" });
  await until("the caller sees it", () => launched.stderr().includes("a warning of the start"));
  fake.say("fork");
  assert.equal(await fake.line(), "ok fork");
  fake.say(`pidfile ${stage.path("x.pid")}`);
  assert.match(await fake.line(), /^ok pidfile /);
  assert.equal(readFileSync(stage.path("x.pid"), "utf8"), `${launcher}\n`);
  assert.equal(launched.process.exitCode, null, "not before ready");
  fake.say("ready");
  assert.equal(await launched.ended, 0);
  await until("the launcher let go", () => readlinkSync(`/proc/${launcher}/cwd`) === "/");
  for (const fd of [0, 1, 2]) assert.equal(readlinkSync(`/proc/${launcher}/fd/${fd}`), "/dev/null");
  assert.equal(readlinkSync(`/proc/${fake.hello.pid}/fd/0`), "/dev/null");
  assert.equal(sessionOf(launcher), launcher);
  process.kill(launcher, "SIGTERM");
  assert.equal(await fake.line(), "signal TERM");
  fake.do({ do: "exit", code: 0 });
  await until("the launcher ends", () => !isRunning(launcher));
});

test("a restarted daemon finds itself in the first one's directory", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({ args: ["-G"] });
  const first = await stage.daemon();
  stage.adopt(parentOf(first.hello.pid));
  first.say("ready");
  assert.equal(await launched.ended, 0);
  first.do({ do: "exit", code: 3 });
  const second = await stage.daemon();
  assert.equal(second.hello.cwd, stage.dir);
  second.do({ do: "exit", code: 2 });
  await second.closed;
});

test("an end before ready is the caller's exit code, with what was printed", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({ args: ["-f", "-n"] });
  const fake = await stage.daemon();
  fake.do({ do: "print", text: "cannot read the file" });
  fake.do({ do: "exit", code: 6 });
  assert.equal(await launched.ended, 6);
  await until("the text", () => launched.stderr().includes("cannot read the file"));
});

test("a signal to the waiting caller reaches the daemon", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({ args: [] });
  const fake = await stage.daemon();
  process.kill(launched.pid, "SIGTERM");
  fake.say("alive");
  assert.equal(await fake.line(), "signal TERM");
  fake.do({ do: "exit", code: 0 });
  assert.equal(await launched.ended, 0);
});

test("a launcher that is killed before ready counts as a failure", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({ args: [] });
  const fake = await stage.daemon();
  process.kill(parentOf(fake.hello.pid), "SIGKILL");
  assert.equal(await launched.ended, 1);
  assert.equal(await fake.signal(), "SIGTERM");
});

/** Field 6 of proc(5) stat. */
function sessionOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
}
