import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import type { ServersDocument } from "../../main/control/servers.js";
import { askServers, askStatus } from "../../main/control/status-client.js";
import { type Daemon, holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { type Mailbox, mailbox } from "../harness/mailbox.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** What self_check tells, end to end: the log, a FIFO that a script reads, and mails that Debian's exim4 takes. */
const skip = needs("root", "netns", "native", "exim4");
const SOON = 20_000;
const servers = [21, 22, 23, 24, 25] as const;
/** Silent ones are a crowd: more than half of them, and not all of one virtual server. */
const pools = [servers.slice(0, 3), servers.slice(3)] as const;

const virtualServer = (pool: readonly number[], i: number): string => `virtual_server 198.51.100.${i + 1} 80 {
  delay_loop 1
  warmup 0
  lb_algo rr
  lb_kind DR
  protocol TCP
${pool.map((last) => `  real_server 192.0.2.${last} 80 {\n    TCP_CHECK {\n      connect_timeout 1\n      retry 0\n    }\n  }\n`).join("")}}
`;

const text = (dir: string, selfCheck: string): string => `global_defs {
  router_id lb1
  script_user root
  lvs_notify_fifo ${dir}/lvs.fifo
  lvs_notify_fifo_script "${dir}/reader"
  notification_email {
    ops@example.com
  }
  notification_email_from lb1@example.com
  smtp_server 127.0.0.1
  smtp_alert_checker off
  self_check ${selfCheck}
}
${pools.map(virtualServer).join("")}`;

class Stand implements AsyncDisposable {
  readonly lan: Lan;
  readonly daemon: Daemon;
  readonly #box: Mailbox;

  private constructor(lan: Lan, daemon: Daemon, box: Mailbox) {
    this.lan = lan;
    this.daemon = daemon;
    this.#box = box;
  }

  /** All servers are in service. */
  static async create(selfCheck: string): Promise<Stand> {
    const lan = await Lan.create(plainHosts("a", "b"));
    try {
      const [a, b] = [lan.host("a"), lan.host("b")];
      for (const last of servers) await b.exec(["ip", "addr", "add", `192.0.2.${last}/24`, "dev", "eth0"]);
      await b.spawn([
        process.execPath,
        "-e",
        `require("net").createServer((s) => s.on("error", () => s.destroy()).end()).listen(80)`,
      ]);
      await writeFile(path.join(lan.dir, "lines"), "");
      await writeFile(path.join(lan.dir, "reader"), `#!/bin/sh\nexec cat "$1" >> ${lan.dir}/lines\n`);
      await chmod(path.join(lan.dir, "reader"), 0o755);
      await chmod(lan.dir, 0o755); // exim4 does not run as root
      const box = await mailbox(a, path.join(lan.dir, "mail"));
      const listens = async (): Promise<boolean> =>
        (await a.exec(["ss", "-Hltn", "sport = :25"])).trim() !== "" &&
        (await b.exec(["ss", "-Hltn", "sport = :80"])).trim() !== "";
      await until("all listen", SOON, listens, 50);
      const daemon = await a.start(holdfast("memory"), text(lan.dir, selfCheck), ["--check"]);
      const stand = new Stand(lan, daemon, box);
      await stand.says("Startup complete");
      await until("every check has passed", SOON, () => stand.#allPassed(), 50);
      assert.equal(await stand.inService(), servers.length);
      return stand;
    } catch (error) {
      await lan[Symbol.asyncDispose]();
      throw error;
    }
  }

  says(words: string): Promise<unknown> {
    return until(words, SOON, async () => (await this.daemon.log()).includes(words), 50).catch(
      async (error: unknown) => {
        throw new Error(`${String(error)}\n${await this.daemon.log()}`, { cause: error });
      },
    );
  }

  async inService(): Promise<number> {
    return (await askStatus(this.daemon.files.controlSocket)).ipvs.destinations;
  }

  async #allPassed(): Promise<boolean> {
    const { virtualServers }: ServersDocument = JSON.parse(await askServers(this.daemon.files.controlSocket));
    const checks = virtualServers.flatMap(({ realServers }) => realServers.flatMap((server) => server.checks));
    return checks.length === servers.length && checks.every(({ state, hasRun }) => state === "up" && hasRun);
  }

  async lines(): Promise<readonly string[]> {
    const all = await readFile(path.join(this.lan.dir, "lines"), "latin1");
    return all.split("\n").filter((line) => line.startsWith("DIRECTOR"));
  }

  async mails(): Promise<readonly string[]> {
    const mails = (await this.#box.mails()).map(({ headers, body }) => `${headers["Subject"]} / ${body.trim()}`);
    return mails.filter((mail) => mail.includes("Director"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lan[Symbol.asyncDispose]();
  }
}

const held = "[lb1] Director - table HELD / => self_check: uplink eth0 is down: holding the table, for 40 s at most <=";
const free = "[lb1] Director - table FREE / => self_check: the trouble is over: the table is no longer held <=";

test("an uplink that is down: a line in the FIFO and a mail when the table is held, and when it is free", {
  skip,
  timeout: 90_000,
}, async () => {
  await using stand = await Stand.create("interface eth0 hold 40 notify_fifo smtp_alert");
  await stand.lan.cut("a", "carrier");
  await until("a line", SOON, async () => (await stand.lines()).length === 1, 50);
  await until("a mail", SOON, async () => (await stand.mails()).length === 1, 50);
  await stand.says("Holding back service [192.0.2.25]:tcp:80");
  assert.equal(await stand.inService(), servers.length, "nobody has gone");
  await stand.lan.heal("a");
  await until("a second line", SOON, async () => (await stand.lines()).length === 2, 50);
  await until("a second mail", SOON, async () => (await stand.mails()).length === 2, 50);
  assert.deepEqual(await stand.lines(), ["DIRECTOR TABLE HELD", "DIRECTOR TABLE FREE"]);
  assert.deepEqual(await stand.mails(), [held, free]);
  assert.ok(!(await stand.daemon.log()).includes("Removing service"), await stand.daemon.log());
  await stand.daemon.stop();
});

test("most servers fall silent at once: those who are left are held, and only the FIFO is told", {
  skip,
  timeout: 90_000,
}, async () => {
  await using stand = await Stand.create("most 50% hold 40 notify_fifo");
  await stand.lan.cut("b", "silence");
  await stand.says("of 5 hosts have failed within 3 s: holding the table");
  await until("a line", SOON, async () => (await stand.lines()).length === 1, 50);
  await stand.says("Holding back service");
  const left = await stand.inService();
  assert.ok(left >= 2, `the fourth failure is a crowd: at most three have gone before; ${left} are left`);
  await stand.lan.heal("b");
  await until("a second line", SOON, async () => (await stand.lines()).length === 2, 50);
  await until("all are back", SOON, async () => (await stand.inService()) === servers.length, 50);
  assert.deepEqual(await stand.lines(), ["DIRECTOR TABLE HELD", "DIRECTOR TABLE FREE"]);
  assert.deepEqual(await stand.mails(), []);
  await stand.daemon.stop();
});

test("after its time the table is let go although the trouble goes on; where nothing is asked for, the log alone tells", {
  skip,
  timeout: 90_000,
}, async () => {
  await using stand = await Stand.create("interface eth0 hold 6");
  await stand.lan.cut("a", "carrier");
  await stand.says("self_check: uplink eth0 is down: holding the table, for 6 s at most");
  await stand.says("self_check: held for 6 s, which is all that may be: who is down goes now");
  await until("all have gone", SOON, async () => (await stand.inService()) === 0, 50);
  await stand.lan.heal("a");
  await until("all are back", SOON, async () => (await stand.inService()) === servers.length, 50);
  await stand.says("self_check: the trouble is over");
  assert.equal((await stand.daemon.log()).split("holding the table").length, 2, "it was held once");
  assert.deepEqual([await stand.lines(), await stand.mails()], [[], []]);
  await stand.daemon.stop();
});
