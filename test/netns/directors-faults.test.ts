import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { askStatus, askWhy } from "../../main/control/status-client.js";
import { renderServersWhy } from "../../main/control/why-servers-render.js";
import { type Daemon, holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** A pool whose servers are files: what is there passes. */
const realServer = (dir: string, n: number): string => `  real_server 10.0.0.${n} 80 {
    MISC_CHECK {
      misc_path "/usr/bin/test -e ${dir}/${n}"
    }
  }
`;

const text = (dir: string): string => `global_defs {
  script_user root
}
vrrp_instance V {
  interface eth0
  state MASTER
  virtual_router_id 51
  priority 200
  virtual_ipaddress {
    192.0.2.200/32
  }
  track_quorum {
    [192.0.2.200]:tcp:80
  }
}
virtual_server 192.0.2.200 80 {
  delay_loop 0.5
  warmup 0
  lb_algo rr
  lb_kind DR
  protocol TCP
  removal_floor 50% confirm 10
${[1, 2, 3, 4].map((n) => realServer(dir, n)).join("")}}
`;

async function whyServer(daemon: Daemon, name: string): Promise<string> {
  const why = await askWhy(daemon.files.controlSocket, name);
  assert.ok("virtualServers" in why);
  return renderServersWhy(why);
}

const counted = async (daemon: Daemon, words: string): Promise<number> => (await daemon.log()).split(words).length - 1;

test("half of a pool stays until its failure is confirmed, and a master without quorum gives way", {
  skip: needs("root", "netns", "native"),
  timeout: 180_000,
}, async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "holdfast-faults-"));
  try {
    await using lan = await Lan.create(plainHosts("a"));
    const put = (...ns: readonly number[]): Promise<unknown> =>
      Promise.all(ns.map((n) => writeFile(path.join(dir, String(n)), "")));
    await put(1, 2, 3, 4);
    const daemon = await lan.host("a").start(holdfast("memory"), text(dir));
    const status = () => askStatus(daemon.files.controlSocket);
    const state = async (): Promise<string | undefined> => (await status()).instances[0]?.state;
    const removed = (): Promise<number> => counted(daemon, "Removing service");
    await until("MASTER", 20_000, async () => (await counted(daemon, "Entering MASTER STATE")) === 1, 50);
    // Who is to go on as MASTER has two seconds, and servers are held back for ten: not with the start of Node in them.
    await until("the spare waits", 60_000, () => daemon.spareRests());

    for (const n of [1, 2, 3, 4]) await rm(path.join(dir, String(n)));
    await until("two are held back", 10_000, async () => (await counted(daemon, "Holding back service")) === 2, 50);
    assert.equal(await removed(), 2);
    // Changes of pools are collected for up to 250 ms.
    await until("two are taken out", 2000, async () => (await status()).ipvs.destinations === 2, 50);
    const shown = await status();
    const pool = shown.virtualServers[0];
    assert.equal(pool?.realServers.filter(({ heldBack }) => heldBack === true).length, 2);
    const held = [1, 2, 3, 4].map((n) => whyServer(daemon, `10.0.0.${n}:80`));
    const texts = (await Promise.all(held)).filter((one) => one.includes(" is HELD for "));
    assert.equal(texts.length, 2);
    assert.match(
      texts[0] ?? "",
      /exited with status 1\); removal_floor keeps it for another \d+(?:\.\d+)? s\ntable +in it with weight 1$/m,
    );
    assert.match(
      texts[0] ?? "",
      /^checks +MISC_CHECK \/usr\/bin\/test is down .*; every 0.50 s; (?:next in 0\.\d+ s|under way)$/m,
    );
    assert.deepEqual([pool?.quorumUp, shown.instances[0]?.state, shown.ipvs.destinations], [true, "MASTER", 2]);

    const crash = async (): Promise<number> => {
      const { pid } = await status();
      process.kill(pid, "SIGSEGV");
      return pid;
    };
    const first = await crash();
    await until("the next daemon serves", 15_000, async () => {
      const now = await status().catch(() => undefined);
      return now !== undefined && now.pid !== first && now.ipvs.destinations > 0;
    });
    const after = await status();
    assert.deepEqual([after.instances[0]?.state, after.ipvs.destinations], ["MASTER", 2], "a crash changes nothing");

    await until("FAULT", 20_000, async () => (await state()) === "FAULT", 50);
    // The log is written by another thread than the one that acts.
    await until("the last two as well", 5000, async () => (await removed()) >= 4, 50);
    assert.equal(await removed(), 4);
    await until("the table is empty", 2000, async () => (await status()).ipvs.destinations === 0, 50);
    const why = await askWhy(daemon.files.controlSocket, "V");
    assert.match(
      await whyServer(daemon, "192.0.2.200:80"),
      /^\[192.0.2.200\]:tcp:80 is DOWN for .* s: none of its 4 real servers is up$/m,
    );
    assert.deepEqual("faults" in why ? why.faults : why, ["virtual server [192.0.2.200]:tcp:80 has no quorum"]);

    const calm = async (): Promise<readonly number[]> =>
      Promise.all(["BACKUP", "MASTER"].map((to) => counted(daemon, `Entering ${to} STATE`)));
    const entered = await calm();
    const second = await crash();
    await until("the third daemon serves", 15_000, async () => {
      const now = await status().catch(() => undefined);
      return now !== undefined && now.pid !== second && now.instances[0]?.state === "FAULT";
    });
    assert.deepEqual(await calm(), entered, "what had no quorum has none after a crash");

    await put(4);
    await until("MASTER again", 20_000, async () => (await state()) === "MASTER", 50);
    await daemon.stop();
  } finally {
    await rm(dir, { recursive: true });
  }
});

const selfChecked = `global_defs {
  self_check interface eth0 hold 30
}
virtual_server 192.0.2.201 80 {
  delay_loop 0.5
  warmup 0
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.0.2.2 80 {
    TCP_CHECK {
      connect_timeout 1
    }
  }
}
`;

test("while the uplink is down the table is held, and a server that does not answer goes when it is over", {
  skip: needs("root", "netns", "native"),
  timeout: 180_000,
}, async () => {
  await using lan = await Lan.create(plainHosts("a"));
  const host = lan.host("a");
  await host.exec(["ip", "link", "set", "eth0", "down"]);
  const daemon = await host.start(holdfast("memory"), selfChecked);
  const status = () => askStatus(daemon.files.controlSocket);
  const says = (words: string): Promise<unknown> =>
    until(words, 20_000, async () => (await counted(daemon, words)) > 0, 50);
  await says("self_check: uplink eth0 is down: holding the table");
  await says("Holding back service [192.0.2.2]:tcp:80");
  await says("Startup complete");
  const held = await status();
  assert.deepEqual([held.selfCheck?.state, held.ipvs.destinations], ["holding", 1]);
  await host.exec(["ip", "link", "set", "eth0", "up"]);
  await says("self_check: the trouble is over");
  await says("Removing service [192.0.2.2]:tcp:80");
  await until("it is taken out", 2000, async () => (await status()).ipvs.destinations === 0, 50);
  await daemon.stop();
});
