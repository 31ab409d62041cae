import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { Stage } from "./launcher-harness.js";

const timeout = 60_000;

/** systemd's side: prints each datagram as a JSON string. Node has no Unix datagram sockets to receive with. */
const receiver = `
import json, socket, sys
address = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0" + address[1:] if address[0] == "@" else address)
print("bound", flush=True)
while True: print(json.dumps(s.recv(4096).decode()), flush=True)
`;

class Manager implements Disposable {
  readonly #child;
  readonly #lines: AsyncIterator<string>;

  private constructor(address: string) {
    this.#child = spawn("python3", ["-c", receiver, address], { stdio: ["ignore", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  static async listen(address: string): Promise<Manager> {
    const manager = new Manager(address);
    assert.equal((await manager.#lines.next()).value, "bound");
    return manager;
  }

  async next(): Promise<string> {
    const { value } = await this.#lines.next();
    return JSON.parse(value) as string;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

test("readiness, reload, status and stop, over a path and an abstract address", { timeout }, async () => {
  for (const abstract of [false, true]) {
    await using stage = await Stage.create();
    const address = abstract ? `@holdfast-test-${process.pid}` : stage.path("notify");
    using manager = await Manager.listen(address);
    const launched = stage.launch({ env: { NOTIFY_SOCKET: address } });
    const fake = await stage.daemon();
    fake.say("ready");
    assert.equal(await manager.next(), `READY=1\nMAINPID=${launched.pid}`);
    fake.say("status 3 of 4 servers up");
    assert.equal(await manager.next(), "STATUS=3 of 4 servers up");
    fake.say("reloading");
    const reloading = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(await manager.next());
    const now = Number(process.hrtime.bigint() / 1000n); // CLOCK_MONOTONIC as well
    assert.ok(Math.abs(now - Number(reloading?.[1])) < 10_000_000, "within 10 s of now: the same clock");
    fake.say("reloaded");
    assert.equal(await manager.next(), "READY=1");
    fake.say("stopping");
    assert.equal(await manager.next(), "STOPPING=1");
    fake.do({ do: "exit", code: 0 });
    assert.equal(await launched.ended, 0);
  }
});

test("permanent errors carry an errno", { timeout }, async () => {
  for (const [code, errno] of [
    [2, 22],
    [4, 1],
  ] as const) {
    await using stage = await Stage.create();
    using manager = await Manager.listen(stage.path("notify"));
    stage.launch({ env: { NOTIFY_SOCKET: stage.path("notify") } });
    const fake = await stage.daemon();
    fake.say("ready");
    await manager.next();
    fake.do({ do: "exit", code });
    assert.equal(await manager.next(), `ERRNO=${errno}`);
  }
});

test("the watchdog is fed by heart beats only, and not by each", { timeout }, async () => {
  await using stage = await Stage.create();
  using manager = await Manager.listen(stage.path("notify"));
  // A third of the period is 20 s: one feed at the start and none for the beats of this test.
  stage.launch({ env: { NOTIFY_SOCKET: stage.path("notify"), WATCHDOG_USEC: "60000000" } });
  const fake = await stage.daemon();
  assert.equal(await manager.next(), "WATCHDOG=1");
  for (let i = 0; i < 10; i++) fake.say("alive");
  fake.say("status end");
  assert.equal(await manager.next(), "STATUS=end");
});

test("each beat feeds when a third of the period has passed", { timeout }, async () => {
  await using stage = await Stage.create();
  using manager = await Manager.listen(stage.path("notify"));
  stage.launch({ env: { NOTIFY_SOCKET: stage.path("notify"), WATCHDOG_USEC: "3000" } });
  const fake = await stage.daemon();
  assert.equal(await manager.next(), "WATCHDOG=1", "at its start");
  fake.say("status x");
  assert.equal(await manager.next(), "STATUS=x", "1 ms has passed long since, but nothing beats");
  fake.say("alive");
  assert.equal(await manager.next(), "WATCHDOG=1");
});

test("a watchdog meant for another process is left alone", { timeout }, async () => {
  await using stage = await Stage.create();
  using manager = await Manager.listen(stage.path("notify"));
  stage.launch({ env: { NOTIFY_SOCKET: stage.path("notify"), WATCHDOG_USEC: "3000", WATCHDOG_PID: "1" } });
  const fake = await stage.daemon();
  fake.say("alive");
  fake.say("status x");
  assert.equal(await manager.next(), "STATUS=x");
});

test("from the background the caller names its successor", { timeout }, async () => {
  await using stage = await Stage.create();
  using manager = await Manager.listen(stage.path("notify"));
  const launched = stage.launch({ args: [], env: { NOTIFY_SOCKET: stage.path("notify") } });
  const fake = await stage.daemon();
  fake.say("ready");
  const launcher = Number(/MAINPID=(\d+)/.exec(await manager.next())?.[1]);
  stage.adopt(launcher);
  assert.equal(await manager.next(), `MAINPID=${launcher}\nREADY=1`);
  assert.equal(await launched.ended, 0);
  fake.do({ do: "exit", code: 2 });
  await fake.closed;
});
