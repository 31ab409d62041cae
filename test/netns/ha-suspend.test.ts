import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

const vip = "192.0.2.200";
const text = `virtual_server ${vip} 80 {
  ha_suspend
  delay_loop 1
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 127.0.0.1 80 {
    TCP_CHECK {
      connect_timeout 1
      warmup 0
    }
  }
}
`;

test("ha_suspend: servers are checked once the address is on this host, and not when it is gone", {
  skip: needs("root", "netns", "native"),
  timeout: 60_000,
}, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  const daemon = await host.start(holdfast("memory"), text, ["--check"]);
  const counted = async (words: string): Promise<number> => (await daemon.log()).split(words).length - 1;
  const says = (words: string, times: number): Promise<unknown> =>
    until(words, 20_000, async () => (await counted(words)) === times, 50);
  const suspending = `Suspending healthchecker for service [127.0.0.1]:tcp:80 for VS [${vip}]:tcp:80`;
  await says(suspending, 1);
  await says("Startup complete", 1);
  await sleep(3000);
  assert.equal(await counted("Removing service"), 0, "nobody has looked whether the server answers");
  await host.exec(["ip", "addr", "add", `${vip}/32`, "dev", "eth0"]);
  await says(suspending.replace("Suspending", "Activating"), 1);
  await says("Removing service [127.0.0.1]:tcp:80", 1);
  await host.exec(["ip", "addr", "del", `${vip}/32`, "dev", "eth0"]);
  await says(suspending, 2);
  await daemon.stop();
});
