import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { askStatus } from "../../main/control/status-client.js";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** The script that failed has to pass three times before the instance may be BACKUP again. */
const text = (dir: string): string => `global_defs {
  script_user root
}
vrrp_script check {
  script "/usr/bin/test -e ${dir}/good"
  interval 1
  rise 3
}
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  version 3
  advert_int 0.1
  track_script {
    check
  }
  notify ${dir}/say
  virtual_ipaddress {
    192.0.2.100/24
  }
}
`;

test("a crash while an instance is in FAULT: nobody hears of BACKUP before its script has passed as often as it has to", {
  skip: needs("root", "netns", "native"),
  timeout: 150_000,
}, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const said = async (): Promise<readonly string[]> => {
    const lines = await readFile(path.join(lan.dir, "said"), "utf8").catch(() => "");
    return lines.split("\n").slice(0, -1);
  };
  await writeFile(path.join(lan.dir, "say"), `#!/bin/sh\necho "$3" >> ${lan.dir}/said\n`, { mode: 0o755 });
  const daemon = await lan.host("a").start(holdfast("memory"), text(lan.dir));
  const state = async () => (await askStatus(daemon.files.controlSocket).catch(() => undefined))?.instances[0]?.state;
  await until("the script has failed", 40_000, async () => (await state()) === "FAULT", 50);
  await until("it is said", 20_000, async () => (await said()).length > 0);

  await writeFile(path.join(lan.dir, "good"), "");
  daemon.signalNode("SIGSEGV");
  await until("it says FAULT again", 20_000, async () => (await said()).length >= 2);
  await until("it is MASTER", 20_000, async () => (await said()).at(-1) === "MASTER");
  assert.deepEqual(await said(), ["FAULT", "FAULT", "BACKUP", "MASTER"]);
  await daemon.stop();
});
