import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { run } from "../harness/command.js";
import { holdfast, keepalived, type Program } from "../harness/daemon.js";
import { instanceText } from "../harness/instance-text.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { descendants, environmentOf } from "../harness/process-tree.js";
import { until } from "../harness/until.js";

/** A daemon that is started outside goes into the namespace that it is told; keepalived and ours have the same files there. */

const PATIENCE_MS = 15_000;
const vip = "192.0.2.51";

const config = (head: string): string => `${head}
${instanceText(vip)}`;

const options = { skip: needs("root", "netns", "native", "keepalived"), timeout: 90_000 };

/** A daemon in the network of this process, unless it goes elsewhere by itself. Its pid files are where they usually are. */
class Outside implements AsyncDisposable {
  readonly pid: number;
  readonly file: string;
  readonly logFile: string;
  readonly exit: Promise<unknown>;

  private constructor(pid: number, file: string, exit: Promise<unknown>) {
    this.pid = pid;
    this.file = file;
    this.logFile = `${file}.log`;
    this.exit = exit;
  }

  static async start(program: Program, dir: string, text: string, extra: readonly string[] = []): Promise<Outside> {
    const file = path.join(dir, `${program.name}.conf`);
    await writeFile(file, text);
    const [command = "", ...args] = [...program.argv, "-f", file, ...extra];
    const log = openSync(`${file}.log`, "a");
    const child = spawn(command, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    const exit = once(child, "exit");
    await once(child, "spawn");
    return new Outside(child.pid ?? 0, file, exit);
  }

  log(): Promise<string> {
    return readFile(this.logFile, "utf8");
  }

  async stop(): Promise<void> {
    try {
      process.kill(this.pid, "SIGTERM");
    } catch {
      return; // it has ended
    }
    await this.exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

for (const program of [keepalived, holdfast("memory")]) {
  test(
    `${program.name}: net_namespace and instance decide where it works and where its pid file is`,
    options,
    async () => {
      await using lan = await Lan.create(plainHosts("a"));
      const a = lan.host("a");
      const pidFile = `/run/keepalived/${a.namespace}/keepalived_one.pid`;
      await using daemon = await Outside.start(program, lan.dir, config(`net_namespace ${a.namespace}\ninstance one`));
      await until("it is master", PATIENCE_MS, () => a.hasAddress(vip));
      assert.equal((await readFile(pidFile, "utf8")).trim(), String(daemon.pid));
      await daemon.stop();
      assert.equal(await a.hasAddress(vip), false);
      assert.equal(existsSync(pidFile), false);
    },
  );
}

test("-s wins over net_namespace; a crash and a reload stay in the namespace", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  const text = config("net_namespace nowhere");
  await using daemon = await Outside.start(holdfast("memory"), lan.dir, text, ["-s", a.namespace]);
  await until("it is master", PATIENCE_MS, () => a.hasAddress(vip));
  const nodes = (spare: boolean): readonly number[] =>
    descendants(daemon.pid).filter(
      (pid) =>
        environmentOf(pid, "HOLDFAST_LAUNCHER") === "1" &&
        (environmentOf(pid, "HOLDFAST_STANDBY") !== undefined) === spare,
    );
  await until("there is a spare", PATIENCE_MS, () => nodes(true).length === 1);
  const [node = 0] = nodes(false);
  await until("it has begun", PATIENCE_MS, async () => (await daemon.log()).includes("Startup complete"));
  await new Promise((resolve) => setTimeout(resolve, 1000)); // the spare has loaded its code
  const [spare = 0] = nodes(true);
  process.kill(node, "SIGSEGV");
  const takenOver = async (): Promise<boolean> => (await daemon.log()).split("Startup complete").length === 3;
  await until("the spare has taken over", PATIENCE_MS, takenOver);
  assert.equal((await run(["ip", "netns", "identify", String(spare)])).trim(), a.namespace);
  assert.ok(existsSync(`/run/keepalived/${a.namespace}/keepalived.pid`));
  // On a busy machine the take-over is later than two adverts, and there is an election.
  await until("it is master there again", PATIENCE_MS, () => a.hasAddress(vip));

  process.kill(daemon.pid, "SIGHUP");
  await until("a reload", PATIENCE_MS, async () => (await daemon.log()).includes("Reload complete"));
  await writeFile(daemon.file, config("instance two"));
  process.kill(daemon.pid, "SIGHUP");
  const refused = "Cannot change instance name at a reload";
  await until("a reload that is refused", PATIENCE_MS, async () => (await daemon.log()).includes(refused));
  assert.ok(await a.hasAddress(vip));
});

test("a namespace that is not there ends the start, with one sentence", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  for (const [head, extra] of [
    ["net_namespace no-such", []],
    ["", ["-s", "no-such"]],
  ] as const) {
    await using daemon = await Outside.start(holdfast("memory"), lan.dir, config(head), extra);
    assert.deepEqual(await daemon.exit, [1, null]);
    assert.match((await daemon.log()).trimEnd().split("\n").at(-1) ?? "", /namespace no-such.*ip netns/);
  }
});
