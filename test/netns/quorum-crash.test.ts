import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { askStatus } from "../../main/control/status-client.js";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** Four servers that are files: up at 4, down below 2. */
const text = (dir: string): string => `global_defs {
  script_user root
}
virtual_server 192.0.2.200 80 {
  delay_loop 0.5
  warmup 0
  lb_algo rr
  lb_kind DR
  protocol TCP
  quorum 3
  hysteresis 1
  quorum_up "${dir}/say up"
  quorum_down "${dir}/say down"
  sorry_server 10.0.9.9 80
${[1, 2, 3, 4].map((n) => `  real_server 10.0.0.${n} 80 {\n    MISC_CHECK {\n      misc_path "/usr/bin/test -e ${dir}/${n}"\n    }\n  }\n`).join("")}}
`;

test("a crash inside the hysteresis band: the quorum is what it was, and its scripts do not run again", {
  skip: needs("root", "netns", "native"),
  timeout: 90_000,
}, async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "holdfast-quorum-"));
  try {
    await using lan = await Lan.create(plainHosts("a"));
    const put = (n: number): Promise<void> => writeFile(path.join(dir, String(n)), "");
    const take = (n: number): Promise<void> => rm(path.join(dir, String(n)));
    for (const n of [1, 2, 3, 4]) await put(n);
    await writeFile(path.join(dir, "say"), `#!/bin/sh\necho "$1" >> ${dir}/said\n`, { mode: 0o755 });
    const said = (): Promise<string> => readFile(path.join(dir, "said"), "utf8").catch(() => "");
    const daemon = await lan.host("a").start(holdfast("memory"), text(dir));
    const status = () => askStatus(daemon.files.controlSocket).catch(() => undefined);
    const pool = async () => (await status())?.virtualServers[0];
    const up = async (): Promise<number> =>
      (await pool())?.realServers.filter(({ state }) => state === "up").length ?? -1;
    const crash = async (): Promise<void> => {
      const before = (await status())?.pid;
      assert.ok(before);
      process.kill(before, "SIGSEGV");
      await until("the next daemon answers", 15_000, async () => ((await status())?.pid ?? before) !== before);
    };
    await until("quorum_up has run", 20_000, async () => (await said()) === "up\n");

    for (const n of [1, 2]) await take(n);
    await until("two are down", 10_000, async () => (await up()) === 2);
    await crash();
    assert.deepEqual([(await pool())?.quorumUp, await up()], [true, 2], "gained before, and not lost in the band");

    await take(3);
    await until("quorum_down has run", 10_000, async () => (await said()) === "up\ndown\n");
    for (const n of [1, 2]) await put(n);
    await until("three are up", 10_000, async () => (await up()) === 3);
    await crash();
    assert.deepEqual([(await pool())?.quorumUp, await up()], [false, 3], "lost before, and not gained in the band");
    await put(3);
    await until("quorum_up has run again", 10_000, async () => (await said()) === "up\ndown\nup\n");
    await daemon.stop();
  } finally {
    await rm(dir, { recursive: true });
  }
});
