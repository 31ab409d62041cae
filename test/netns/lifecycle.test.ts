import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { holdfast, keepalived, type Program } from "../harness/daemon.js";
import { HungDisk } from "../harness/hung-disk.js";
import { instanceText } from "../harness/instance-text.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { descendants } from "../harness/process-tree.js";
import { until } from "../harness/until.js";

/** What happens before a daemon begins and after it has ended is the same with keepalived and with us. */

const PATIENCE_MS = 15_000;

/** @param endUser 2.2.7 ends at once when a line of shutdown_script names a user */
const config = (dir: string, endUser: string): string => `global_defs {
  router_id test
  script_user root
  enable_script_security
  startup_script "${dir}/told start"
  shutdown_script "${dir}/told end" ${endUser}
  process_name lb_parent
  process_names
}
${instanceText()}`;

/** Writes one line: its word, its user, and whether the virtual address is there. */
async function makeScript(dir: string, body: string): Promise<string> {
  const file = path.join(dir, "told");
  const story = path.join(dir, "story");
  await writeFile(story, "");
  await chmod(story, 0o666);
  await writeFile(
    file,
    `#!/bin/sh\nvip=$(ip -o -4 addr show to 192.0.2.51 | wc -l)\n${body}\necho "$1 $(id -un) $vip" >> ${story}\n`,
  );
  await chmod(file, 0o755);
  await chmod(dir, 0o755);
  return story;
}

const options = { skip: needs("root", "netns", "native", "keepalived"), timeout: 60_000 };

const schedule = (dir: string): string => `global_defs {
  router_id test
  reload_time_file ${dir}/time
  config_save_dir ${dir}/saved
}
${instanceText()}`;

const comm = async (pid: number): Promise<string> => (await readFile(`/proc/${pid}/comm`, "utf8")).trimEnd();
const lines = async (file: string): Promise<readonly string[]> => (await readFile(file, "utf8")).trimEnd().split("\n");

for (const program of [keepalived, holdfast("memory")] as readonly Program[]) {
  test(
    `${program.name}: startup_script comes before all else, shutdown_script after it, and names are shown`,
    options,
    async () => {
      const endUser = program === keepalived ? "" : "nobody";
      await using lan = await Lan.create(plainHosts("a"));
      const story = await makeScript(lan.dir, "sleep 0.5");
      const a = lan.host("a");
      await using daemon = await a.start(program, config(lan.dir, endUser));
      await until("it is master", PATIENCE_MS, () => a.hasAddress("192.0.2.51"));
      assert.equal(await comm(daemon.pid), "lb_parent");
      const children = await readFile(`/proc/${daemon.pid}/task/${daemon.pid}/children`, "utf8");
      const names = await Promise.all(
        children
          .trim()
          .split(" ")
          .map((pid) => comm(Number(pid))),
      );
      assert.ok(names.includes("keepalived_vrrp"), names.join(" "));
      await daemon.stop();
      assert.deepEqual(await lines(story), ["start root 0", `end ${endUser || "root"} 0`]);
    },
  );
}

for (const program of [keepalived, holdfast("memory")]) {
  test(
    `${program.name}: a reload at the time that a file names, with the state before and after it`,
    options,
    async () => {
      await using lan = await Lan.create(plainHosts("a"));
      const a = lan.host("a");
      await using daemon = await a.start(program, schedule(lan.dir));
      await until("it is master", PATIENCE_MS, () => a.hasAddress("192.0.2.51"));
      const file = path.join(lan.dir, "time");
      const said = (sentence: string): Promise<unknown> =>
        until(sentence, PATIENCE_MS, async () => (await daemon.log()).includes(sentence));
      await writeFile(file, "2035-01-01 00:00:00\n");
      await said("Scheduling reload for 2035-01-01 00:00:00");
      await rm(file);
      await said("Cancelling reload scheduled for 2035-01-01 00:00:00");
      // Whoever reads it later than that waits for tomorrow.
      await writeFile(file, `${new Date(Date.now() + 5000).toISOString().slice(11, 19)}Z\n`);
      await said("Reload complete");
      await until("it is used once", PATIENCE_MS, () => !existsSync(file));
      assert.ok(await a.hasAddress("192.0.2.51"));
      const whole = async (): Promise<boolean> => {
        const names = await readdir(path.join(lan.dir, "saved"));
        return [/^keepalived_vrrp\.\d+\.1\.pre$/, /^keepalived_vrrp\.\d+\.1\.post$/].every((form) =>
          names.some((name) => form.test(name)),
        );
      };
      await until("both states are saved", PATIENCE_MS, whole);
      await daemon.stop();
    },
  );
}

test("findings of a reload go into the log file of reload_check_config; default_interface", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  const log = path.join(lan.dir, "check.log");
  const text = schedule(lan.dir).replace(
    "router_id test",
    `router_id test\n  reload_check_config ${log}\n  default_interface lo`,
  );
  const whole = `${text}static_ipaddress { 198.51.100.7/32 }\n`;
  await using daemon = await a.start(holdfast("memory"), whole);
  await until("it is master", PATIENCE_MS, () => a.hasAddress("192.0.2.51"));
  assert.ok(await a.hasAddress("198.51.100.7", "lo"), "a static address is on default_interface");
  await writeFile(daemon.files.config, `${whole}nonsense\n`);
  daemon.signal("SIGHUP");
  await until("it is refused", PATIENCE_MS, async () => (await daemon.log()).includes("New config failed validation"));
  const found = async (): Promise<boolean> => existsSync(log) && (await readFile(log, "utf8")).includes("nonsense");
  await until("it is in the file", PATIENCE_MS, found);
  await daemon.stop();
  assert.equal(await a.hasAddress("192.0.2.51"), false);
});

test("scripts that a dead disk keeps are waited for no longer than 4 s after their time", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  const file = path.join(lan.dir, "hangs");
  await writeFile(file, `#!/bin/sh\ncd ${lan.dir}/disk/gone\n`, { mode: 0o755 });
  await chmod(lan.dir, 0o755);
  await mkdir(path.join(lan.dir, "disk"));
  await using disk = await HungDisk.mount(path.join(lan.dir, "disk"));
  await disk.hang("stays");
  const text = `global_defs {
  script_user root
  startup_script ${file}
  startup_script_timeout 1
  shutdown_script ${file}
  shutdown_script_timeout 1
}
${instanceText()}`;
  await using daemon = await a.start(holdfast("memory"), text);
  await daemon.says("startup script (PID");
  assert.ok(disk.asked);
  await until("it is master", PATIENCE_MS, () => a.hasAddress("192.0.2.51"));
  await daemon.stop();
  assert.match(await daemon.log(), /shutdown script \(PID \d+\) failed to terminate after kill: going on without it/);
  assert.equal(await a.hasAddress("192.0.2.51"), false);
});

/** `pkill -9`, or the kernel's killer when memory is out. */
for (const program of [keepalived, holdfast("memory")])
  test(
    `${program.name}: the process that the pid file names is killed, and what is left leaves in good order`,
    options,
    async () => {
      await using lan = await Lan.create(plainHosts("a"));
      const a = lan.host("a");
      await using daemon = await a.start(program, instanceText());
      await until("it is master", PATIENCE_MS, () => a.hasAddress("192.0.2.51"));
      const left = descendants(daemon.pid);
      assert.ok(left.length > 0);
      daemon.signal("SIGKILL");
      await until("the address is gone", PATIENCE_MS, async () => !(await a.hasAddress("192.0.2.51")));
      await until("all have ended", PATIENCE_MS, () => left.every((pid) => !existsSync(`/proc/${pid}`)));
      await until("it says so", PATIENCE_MS, async () => /Stopped/.test(await daemon.log()));
    },
  );

test("signals that reach every process of the name end none", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  await using daemon = await a.start(holdfast("memory"), instanceText());
  await until("it is master", PATIENCE_MS, () => a.hasAddress("192.0.2.51"));
  await until("there is a spare", 2 * PATIENCE_MS, () => daemon.spareRests());
  const all = [daemon.pid, ...descendants(daemon.pid)];
  assert.equal(all.length, 3);
  for (const name of ["HUP", "USR1", "USR2", "36", "63", "64"])
    execFileSync("/bin/kill", ["-s", name, ...all.map(String)]);
  await daemon.says("Reload complete");
  await sleep(500);
  assert.deepEqual([daemon.pid, ...descendants(daemon.pid)], all);
  assert.doesNotMatch(await daemon.log(), /Debugger listening|died/);
  execFileSync("/bin/kill", all.map(String));
  await until("the address is gone", PATIENCE_MS, async () => !(await a.hasAddress("192.0.2.51")));
  await until("all have ended", PATIENCE_MS, () => !daemon.running);
});
