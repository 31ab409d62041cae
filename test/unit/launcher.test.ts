import assert from "node:assert/strict";
import { readFileSync, symlinkSync } from "node:fs";
import { constants } from "node:os";
import { test } from "node:test";
import { binPath, deliver, Stage, until } from "./launcher-harness.js";

const timeout = 60_000;

/** glibc's numbers (native-bindings/launcher/signals.cc); the exporter of gen2brain sends 36 too. */
const SIGRTMIN_2 = 36;
const SIGRTMAX = 64;

test("environment, arguments and name of the daemon", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({
    args: ["-n", "-f", "a b", "--", "é"],
    env: { HOLDFAST_NAME: "x", NOTIFY_SOCKET: "/n" },
  });
  const { hello } = await stage.daemon();
  assert.deepEqual(hello.args, ["-n", "-f", "a b", "--", "é"]);
  assert.equal(hello.cwd, stage.dir);
  assert.equal(hello.env["HOLDFAST_LAUNCHER"], "1");
  assert.equal(hello.env["HOLDFAST_RESTARTS"], "0");
  assert.equal(hello.env["HOLDFAST_NAME"], "holdfast");
  assert.equal(hello.env["HOLDFAST_STANDBY"], undefined);
  assert.equal(hello.env["NOTIFY_SOCKET"], undefined, "systemd's socket is the launcher's business");
  assert.equal(readFileSync(`/proc/${launched.pid}/comm`, "utf8"), "holdfast-launch\n", "comm holds 15 characters");
});

test("bin/holdfast under the name keepalived", { timeout }, async () => {
  await using stage = await Stage.create();
  const link = stage.path("keepalived");
  symlinkSync(binPath, link);
  const launched = stage.launch({ file: link });
  const { hello } = await stage.daemon();
  assert.equal(hello.env["HOLDFAST_NAME"], "keepalived");
  assert.equal(hello.env["HOLDFAST_ARGV0"], undefined);
  for (const pid of [launched.pid, hello.pid])
    assert.equal(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0], link, "argv[0] is what was started");
  assert.equal(readFileSync(`/proc/${launched.pid}/comm`, "utf8"), "keepalived\n");
});

test("signals before the daemon's first message are kept in order", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  // One at a time: two pending standard signals of different numbers have no order of arrival.
  const sent = ["SIGUSR2", "SIGHUP", "SIGUSR1"] as const;
  for (const signal of sent) {
    await deliver(launched.pid, signal);
  }
  fake.say("alive");
  assert.deepEqual(
    [await fake.line(), await fake.line(), await fake.line()],
    ["signal USR2", "signal HUP", "signal USR1"],
  );
});

test("every signal has its name", { timeout }, async () => {
  const rows: readonly (readonly [number, string])[] = [
    [constants.signals.SIGHUP, "HUP"],
    [constants.signals.SIGUSR1, "USR1"],
    [constants.signals.SIGUSR2, "USR2"],
    [SIGRTMIN_2, "JSON"],
    [SIGRTMAX - 1, "STATS_CLEAR"],
    [SIGRTMAX, "TDUMP"],
    [constants.signals.SIGINT, "INT"],
    [constants.signals.SIGTERM, "TERM"],
  ];
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  fake.say("alive");
  for (const [signal, name] of rows) {
    process.kill(launched.pid, signal);
    assert.equal(await fake.line(), `signal ${name}`);
  }
});

test("exit before ready is the launcher's own", { timeout }, async () => {
  for (const code of [0, 1, 2, 3, 4, 6]) {
    await using stage = await Stage.create();
    const launched = stage.launch();
    (await stage.daemon()).do({ do: "exit", code });
    assert.equal(await launched.ended, code);
  }
});

test("death by a signal before ready is 128 + its number", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  (await stage.daemon()).do({ do: "signal", signal: "SIGKILL" });
  assert.equal(await launched.ended, 128 + constants.signals.SIGKILL);
});

test("without Node the launcher says so", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch({ env: { HOLDFAST_NODE: stage.path("no-such-node") } });
  assert.equal(await launched.ended, 70);
  await until("a sentence", () => launched.stderr().includes("set HOLDFAST_NODE"));
});

test("stopping makes any exit final", { timeout }, async () => {
  for (const code of [0, 7]) {
    await using stage = await Stage.create();
    const launched = stage.launch();
    const fake = await stage.daemon();
    for (const line of ["ready", "stopping"]) fake.say(line);
    fake.do({ do: "exit", code });
    assert.equal(await launched.ended, code);
  }
});

test("TERM asks the daemon, and its exit is final even without `stopping`", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  fake.say("ready");
  process.kill(launched.pid, "SIGTERM");
  assert.equal(await fake.line(), "signal TERM");
  fake.do({ do: "exit", code: 9 });
  assert.equal(await launched.ended, 9);
});

test("a second TERM reaches a daemon that never spoke as a real signal", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  await deliver(launched.pid, "SIGTERM");
  process.kill(launched.pid, "SIGTERM");
  assert.equal(await fake.signal(), "SIGTERM");
});

test("the first TERM reaches a short job, which never speaks", { timeout }, async () => {
  for (const args of [["-t"], ["status"], ["servers"], ["upgrade"], ["give-way"]]) {
    await using stage = await Stage.create();
    const launched = stage.launch({ args });
    const fake = await stage.daemon();
    process.kill(launched.pid, "SIGTERM");
    assert.equal(await fake.signal(), "SIGTERM");
  }
});

test("permanent errors after ready are final", { timeout }, async () => {
  for (const [code, name] of [
    [1, "FATAL"],
    [2, "CONFIG"],
    [4, "missing permission"],
  ] as const) {
    await using stage = await Stage.create();
    const launched = stage.launch();
    const fake = await stage.daemon();
    fake.say("ready");
    fake.do({ do: "exit", code });
    assert.equal(await launched.ended, code);
    await until("the sentence", () => launched.stderr().includes(`exited with permanent error ${name}. Terminating`));
  }
});

test("when the launcher dies the daemon gets SIGTERM", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  process.kill(launched.pid, "SIGKILL");
  assert.equal(await fake.signal(), "SIGTERM");
});

test("torn, joined, endless and unknown messages", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  fake.do({ do: "send", bytes: "fo" });
  fake.do({ do: "send", bytes: "rk\nfork\n" });
  assert.deepEqual([await fake.line(), await fake.line()], ["ok fork", "ok fork"]);
  fake.do({ do: "send", bytes: `status ${"x".repeat(100_000)}\n\nready now\nstatus\nfork\n` });
  assert.equal(await fake.line(), "ok fork");
  await until("complaints", () => launched.stderr().split("unknown message").length - 1 === 3);
});

test("the daemon names the launcher, and gives the name back", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  const comm = (): string => readFileSync(`/proc/${launched.pid}/comm`, "utf8").trimEnd();
  const before = comm();
  fake.say("name lb-parent");
  await until("it has the name", () => comm() === "lb-parent");
  fake.say("name -");
  await until("it has its own name again", () => comm() === before);
});

test("a namespace that is not there, or is no name of one", { timeout }, async () => {
  await using stage = await Stage.create();
  stage.launch();
  const fake = await stage.daemon();
  fake.say("namespace holdfast-no-such");
  assert.equal(await fake.line(), `no-namespace ${constants.errno.ENOENT} holdfast-no-such`);
  fake.say("namespace ../../proc/1/ns/net");
  assert.equal(await fake.line(), `no-namespace ${constants.errno.EINVAL} ../../proc/1/ns/net`);
});
