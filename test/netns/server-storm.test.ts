import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { mailbox } from "../harness/mailbox.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/**
 * 10,000 real servers fall at the same moment: they follow a file. What a person gets is one mail and some thousand lines of the log;
 * what programs get is every single event, in order.
 */
const count = 10_000;
/** With a script each. */
const scripted = 300;

const serverName = (i: number): string => `[10.9.${i >> 8}.${i & 255}]:tcp:80`;
const service = "[192.0.2.100]:tcp:80";

function configOf(dir: string): string {
  const servers = Array.from({ length: count }, (_, i) => {
    const script = i < scripted ? `notify_down "${dir}/told ${i}"` : "";
    return `real_server 10.9.${i >> 8}.${i & 255} 80 {\n${script}\nFILE_CHECK {\ntrack_file all\nweight 0\n}\n}`;
  });
  return `global_defs {
  router_id lb1
  script_user root
  enable_script_security
  lvs_notify_fifo ${dir}/lvs.fifo
  lvs_notify_fifo_script "${dir}/reader"
  notification_email {
    ops@example.com
  }
  notification_email_from lb@example.com
  smtp_server 127.0.0.1
}
track_file all {
  file "${dir}/all"
}
virtual_server 192.0.2.100 80 {
  delay_loop 1
  lb_kind NAT
  protocol TCP
  smtp_alert on
  ${servers.join("\n")}
}
`;
}

/** Removals that the log tells of: in lines of their own, held and counted later, and all together. */
function removals(log: string): { readonly lines: number; readonly held: number; readonly all: number } {
  const lines = log.split("\n").filter((line) => line.includes(": Removing service"));
  const counts = lines.flatMap((line) => /(\d+) more lines? .*: Removing service/.exec(line)?.[1] ?? []);
  const held = counts.reduce((sum, n) => sum + Number(n), 0);
  return { lines: lines.length, held, all: lines.length - counts.length + held };
}

const skip = needs("root", "netns", "native", "exim4");

test("10,000 transitions at once: one mail, every line of the FIFO in order, every script, an honest log", {
  skip,
  timeout: 180_000,
}, async (t) => {
  await using lan = await Lan.create(plainHosts("a"));
  const { dir } = lan;
  const host = lan.host("a");
  await chmod(dir, 0o755);
  const script = async (name: string, text: string): Promise<void> => {
    await writeFile(`${dir}/${name}`, `#!/bin/sh\n${text}\n`);
    await chmod(`${dir}/${name}`, 0o755);
  };
  await script("told", `echo "$1" >> ${dir}/scripts`);
  await script("reader", `exec cat "$1" >> ${dir}/lines`);
  for (const file of ["scripts", "lines"]) await writeFile(`${dir}/${file}`, "");
  await writeFile(`${dir}/all`, "0\n");
  const box = await mailbox(host, `${dir}/mail`);
  const lines = async (file: string): Promise<readonly string[]> =>
    (await readFile(`${dir}/${file}`, "utf8")).split("\n").slice(0, -1);
  const daemon = await host.start(holdfast("memory"), configOf(dir), ["--check"]);
  await until("the start is over", 60_000, async () => (await daemon.log()).includes("Startup complete"), 100);
  await until("the mail about the start", 20_000, async () => (await box.mails()).length === 1, 100);
  const [begun] = await box.mails();
  assert.equal(begun?.headers["Subject"], `[lb1] Virtualserver ${service} - UP`);
  assert.equal(begun?.body.trim(), "=> Starting with quorum up <=");

  await writeFile(`${dir}/all`, "1\n");
  await until("all lines", 60_000, async () => (await lines("lines")).length >= count + 2, 100);
  await until("the mail about the storm", 60_000, async () => (await box.mails()).length === 2, 100);
  await until("all scripts", 60_000, async () => (await lines("scripts")).length >= scripted, 100);
  await until(
    "the count of the lines that were held",
    20_000,
    async () => removals(await daemon.log()).all >= count,
    100,
  );

  const down = Array.from({ length: count }, (_, i) => `RS ${serverName(i)} ${service} DOWN`);
  assert.deepEqual(await lines("lines"), [`VS ${service} UP`, ...down, `VS ${service} DOWN`]);
  const ran = (await lines("scripts")).map(Number).toSorted((a, b) => a - b);
  assert.deepEqual(ran, [...Array(scripted).keys()]);

  const mails = await box.mails();
  assert.equal(mails.length, 2);
  const [, storm] = mails;
  assert.equal(storm?.headers["Subject"], "[lb1] 10001 alerts - 10000 Realserver DOWN, 1 Virtualserver DOWN");
  assert.equal(storm?.headers["To"], "ops@example.com");
  const rows = (storm?.body ?? "").split(/\r?\n/).filter((line) => /^\d{4}-/.test(line));
  assert.match(rows[0] ?? "", /1 {2}DOWN +Virtualserver \[192\.0\.2\.100\]:tcp:80: Lost quorum 1-0=1 > 0$/);
  const told = rows
    .slice(1)
    .map((row) => /DOWN +Realserver (\S+) of virtual server (\S+): (.*)/.exec(row)?.slice(1, 4));
  const why = "FILE CHECK failed on service";
  assert.deepEqual(
    told,
    Array.from({ length: count }, (_, i) => [serverName(i), service, why]),
  );

  const log = (await daemon.log()).split("\n");
  const { lines: removed, held, all } = removals(log.join("\n"));
  t.diagnostic(`${removed} lines, ${held} held; ${log.filter((line) => line.includes("dropped")).length} dropped`);
  assert.ok(removed < 2000, `${removed} lines`);
  assert.equal(all, count);
  assert.ok(log.some((line) => line.includes(`Lost quorum 1-0=1 > 0 for VS ${service}`)));
  assert.deepEqual(
    log.filter((line) => /were dropped|are being lost/.test(line)),
    [],
  );
});
