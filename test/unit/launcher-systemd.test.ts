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
if len(sys.argv) > 2:
    fillers, sent = [], 1
    while sent > 0:  # until one that has sent nothing yet is refused: each may only fill its own buffer
        fillers.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        fillers[-1].setblocking(False)
        sent = 0
        try:
            while True: sent += fillers[-1].sendto(b"FILLED=1", s.getsockname())
        except BlockingIOError: pass
print("bound", flush=True)
if len(sys.argv) > 2: sys.stdin.readline()
while True: print(json.dumps(s.recv(4096).decode()), flush=True)
`;

class Manager implements Disposable {
  readonly #child;
  readonly #lines: AsyncIterator<string>;

  private constructor(address: string, full: boolean) {
    const args = ["-c", receiver, address, ...(full ? ["full"] : [])];
    this.#child = spawn("python3", args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  static listen(address: string): Promise<Manager> {
    return Manager.#open(address, false);
  }

  /** Its socket is full, and it reads nothing until `resume`. */
  static busy(address: string): Promise<Manager> {
    return Manager.#open(address, true);
  }

  static async #open(address: string, full: boolean): Promise<Manager> {
    const manager = new Manager(address, full);
    assert.equal((await manager.#lines.next()).value, "bound");
    return manager;
  }

  resume(): void {
    this.#child.stdin.write("\n");
  }

  async next(): Promise<string> {
    const { value } = await this.#lines.next();
    return JSON.parse(value) as string;
  }

  /** The next one of a daemon's. */
  async nextReal(): Promise<string> {
    for (;;) {
      const text = await this.next();
      if (text !== "FILLED=1") return text;
    }
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

/** Longer than it takes to pass on a word, and three attempts to. */
const waited = (): Promise<string> => new Promise((resolve) => setTimeout(() => resolve("waits"), 500));

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

test("a manager that is busy hears of readiness all the same, and the latest of each kind", { timeout }, async () => {
  await using stage = await Stage.create();
  using manager = await Manager.busy(stage.path("notify"));
  const launched = stage.launch({ env: { NOTIFY_SOCKET: stage.path("notify") } });
  const fake = await stage.daemon();
  fake.say(`pidfile ${stage.path("a.pid")}`);
  for (const line of ["ready", "status 1 of 4 servers up", "status 2 of 4 servers up"]) fake.say(line);
  fake.say(`pidfile ${stage.path("b.pid")}`);
  for (const name of ["a.pid", "b.pid"]) assert.equal(await fake.line(), `ok pidfile ${stage.path(name)}`); // all was taken in
  manager.resume();
  assert.equal(await manager.nextReal(), `READY=1\nMAINPID=${launched.pid}`);
  assert.equal(await manager.nextReal(), "STATUS=2 of 4 servers up");
  fake.say("status 3 of 4 servers up");
  assert.equal(await manager.nextReal(), "STATUS=3 of 4 servers up");
});

test("so does the one that the caller of the background tells", { timeout }, async () => {
  await using stage = await Stage.create();
  using manager = await Manager.busy(stage.path("notify"));
  const launched = stage.launch({ args: [], env: { NOTIFY_SOCKET: stage.path("notify") } });
  const fake = await stage.daemon();
  fake.say("ready");
  assert.equal(await Promise.race([launched.ended, waited()]), "waits", "its caller stays until it is heard");
  manager.resume();
  const heard = new Set([await manager.nextReal(), await manager.nextReal()]); // in whichever order
  const launcher = Number(/MAINPID=(\d+)/.exec([...heard].join())?.[1]);
  stage.adopt(launcher);
  assert.deepEqual(heard, new Set([`MAINPID=${launcher}\nREADY=1`, `READY=1\nMAINPID=${launcher}`]));
  assert.equal(await launched.ended, 0);
  fake.do({ do: "exit", code: 2 });
  await fake.closed;
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
