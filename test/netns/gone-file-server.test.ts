import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { withoutAnswer } from "../harness/silent-file-server.js";
import { until } from "../harness/until.js";

/** Scripts on a file server that is gone: whoever starts one waits in execve(2), and nobody else may wait with him. */

const options = { skip: needs("root", "netns", "native", "tcpdump"), timeout: 60_000 };
/** Three of them are far more than a busy machine takes away, and less than a wait for a script: 1 s. */
const ADVERT_MS = 300;
/** A checker thread that hangs is noticed after 1 s, and ends the daemon 3 s later. */
const GONE_MS = 5500;

const config = (file: string): string => `
global_defs {
  script_user root
  enable_script_security
  checker_threads 1
}
vrrp_script gone {
  script ${file}
  interval 1
  timeout 1
  fall 100
}
vrrp_instance V {
  state BACKUP
  interface eth0
  virtual_router_id 51
  version 3
  advert_int ${ADVERT_MS / 1000}
  priority 200
  track_script { gone }
  virtual_ipaddress { 192.0.2.100/24 }
}
virtual_server 192.0.2.100 80 {
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 127.0.0.1 9 {
    MISC_CHECK {
      misc_path ${file}
      misc_timeout 1
    }
  }
}
`;

test("a file server that goes holds up neither adverts nor the checker threads", options, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const a = lan.host("a");
  const file = `${lan.dir}/script`;
  await writeFile(file, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  const daemon = await a.start(holdfast("memory"), config(file));
  await until("it is master", 20_000, () => a.hasAddress("192.0.2.100"));
  await daemon.says("Startup complete");
  const capture = await lan.capture();
  await using _ = await withoutAnswer(file);
  const began = Date.now();
  await sleep(GONE_MS);
  const adverts = (await capture.frames()).filter(({ kind }) => kind === "advert").map(({ at }) => at);
  const during = adverts.filter((at) => at >= began);
  // Far more than noise, and less than a backup waits for.
  const gaps = during.map((at, i) => at - (during[i - 1] ?? at));
  assert.ok(during.length > (GONE_MS / ADVERT_MS) * 0.8, `${during.length} adverts`);
  assert.ok(Math.max(...gaps) < 3 * ADVERT_MS, `${Math.max(...gaps)} ms without an advert`);
  await daemon.says(/Track script gone is already running/, /Misc check for .* timed out/);
  const log = await daemon.log();
  assert.ok(!/checker thread/.test(log), log);
});
