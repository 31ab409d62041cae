import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { type Fake, Stage, until } from "./launcher-harness.js";

const timeout = 60_000;

/** A syslogd that is stopped, with a full queue. From its first line of input on it reads, and prints what came after that. */
const syslogd = `
import socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1])
filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
filler.setblocking(False)
queued = 0
try:
    while True:
        filler.sendto(b"filler", sys.argv[1])
        queued += 1
except BlockingIOError: print("full", flush=True)
sys.stdin.readline()
for _ in range(queued): log.recv(65536)
print("reads", flush=True)
while True: print(log.recv(65536).decode(), flush=True)
`;

class Syslogd implements AsyncDisposable {
  readonly path: string;
  readonly #process;
  readonly lines: string[] = [];

  private constructor(path: string) {
    this.path = path;
    this.#process = spawn("python3", ["-c", syslogd, path], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#process.stdout }).on("line", (line) => this.lines.push(line));
  }

  static async stopped(path: string): Promise<Syslogd> {
    const made = new Syslogd(path);
    await until("its queue is full", () => made.lines.shift() === "full");
    return made;
  }

  async goOn(): Promise<void> {
    this.#process.stdin.write("\n");
    await until("it reads", () => this.lines.shift() === "reads");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }
}

const parentOf = (pid: number): number =>
  Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

async function inBackground(stage: Stage, devLog: string): Promise<{ readonly fake: Fake; readonly launcher: number }> {
  const launched = stage.launch({ args: ["-D"], env: { HOLDFAST_DEV_LOG: devLog } });
  const fake = await stage.daemon();
  const launcher = parentOf(fake.hello.pid);
  stage.adopt(launcher);
  fake.say("ready");
  assert.equal(await launched.ended, 0);
  return { fake, launcher };
}

test("a syslogd that reads nothing keeps no crash from its answer, no signal from its way; what was dropped is counted", {
  timeout,
}, async () => {
  await using stage = await Stage.create();
  await using log = await Syslogd.stopped(stage.path("log"));
  const { fake, launcher } = await inBackground(stage, log.path);
  fake.do({ do: "exit", code: 3 });
  const second = await stage.daemon();
  second.say("ready");
  process.kill(launcher, "SIGHUP");
  assert.equal(await second.line(), "signal HUP");
  await log.goOn();
  const dropped =
    /^<28>[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} Keepalived\[(\d+)\]: 2 log messages of the launcher were dropped$/;
  second.say("nonsense");
  await until("it says what was lost, then the line", () => log.lines.length === 2);
  const [count = "", next = ""] = log.lines;
  assert.equal(Number(dropped.exec(count)?.[1]), launcher, count);
  assert.match(next, /: holdfast: the daemon sent an unknown message: nonsense$/);
});

test("lines of the launcher are those of syslog(3); without /dev/log it goes on", { timeout }, async () => {
  await using stage = await Stage.create();
  await using log = await Syslogd.stopped(stage.path("log"));
  await log.goOn();
  const { fake } = await inBackground(stage, log.path);
  fake.do({ do: "exit", code: 3 });
  await stage.daemon();
  await until("both lines", () => log.lines.length === 2);
  assert.match(log.lines[0] ?? "", /^<30>.{15} Keepalived\[\d+\]: Daemon exited with status 3$/);
  assert.match(log.lines[1] ?? "", /^<25>.{15} Keepalived\[\d+\]: Daemon child process\(\d+\) died: Respawning$/);

  const { fake: alone } = await inBackground(stage, stage.path("none"));
  alone.do({ do: "exit", code: 3 });
  const next = await stage.daemon();
  next.say("fork");
  assert.equal(await next.line(), "ok fork");
});

test("whoever holds standard error and does not read it holds up nothing", { timeout }, async () => {
  await using stage = await Stage.create();
  const launched = stage.launch();
  const fake = await stage.daemon();
  launched.process.stderr?.pause();
  for (let i = 0; i < 10_000; i++) fake.say("nonsense"); // a line of some 100 octets each: four times what a socket holds
  fake.say("fork");
  assert.equal(await fake.line(), "ok fork");
});
