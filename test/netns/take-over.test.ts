import assert from "node:assert/strict";
import { test } from "node:test";
import { holdfast, keepalived } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { stays, until } from "../harness/until.js";

const VIP = "192.0.2.100";
const config = `vrrp_instance V1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 100
  advert_int 1
  virtual_ipaddress {
    ${VIP}/24
  }
}
`;

test("two that take the place of one keepalived at once: one does, the other ends and takes nothing away", {
  skip: needs("root", "netns", "native", "keepalived"),
  timeout: 60_000,
}, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  const former = await host.start(keepalived, config, []);
  const holds = (): Promise<boolean> => host.hasAddress(VIP);
  await until("keepalived is master", 20_000, holds);
  const pidFile = former.files.config.replace(/\.conf$/, ".pid");
  const both = await Promise.all(
    [1, 2].map(() => host.start(holdfast("memory"), config, ["-p", pidFile, "--take-over"])),
  );
  const started = async (): Promise<number> =>
    (await Promise.all(both.map(async (one) => (await one.log()).includes("Startup complete")))).filter(Boolean).length;
  await until("one is master", 20_000, async () => (await started()) === 1);
  await until("the other has ended", 20_000, () => both.filter((one) => one.running).length === 1);
  await stays("the address", 3000, holds);
  const logs = await Promise.all(both.map((one) => one.log()));
  assert.equal(await started(), 1, logs.join("\n"));
  assert.equal(former.running, false);
  assert.equal(logs.filter((log) => log.includes("Resuming MASTER STATE")).length, 1, logs.join("\n"));
});
