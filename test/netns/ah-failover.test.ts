import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { holdfast, keepalived } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { config, describeLogs, holdsAlone, pairings, type Router, settleMs, vip } from "./pairing.js";

/**
 * auth_type AH: the sequence numbers of a master that starts again begin anew, while its peer remembers higher ones. Both have to
 * find together all the same.
 */

const router: Router = { version: 2, advertInt: 1000 };
const lines = ["authentication {", "  auth_type AH", "  auth_pass secret12", "}", "garp_master_delay 0"];
const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 180_000 };

for (const pairing of pairings) {
  test(`auth_type AH, crash and return: ${pairing.name}`, options, async (t) => {
    await using lan = await Lan.create(plainHosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    const [high, low] = [200, 100].map((priority) => config(router, priority, { lines })) as [string, string];
    const backup = await b.start(pairing.backup, low, ["--vrrp"]);
    await until("the backup listens", settleMs(router), async () =>
      (await backup.log()).includes("Entering BACKUP STATE (init)"),
    );
    const first = await a.start(pairing.master, high, ["--vrrp"]);
    try {
      await until("a is the only master", settleMs(router), () => holdsAlone(a, b));
      await first.crash();
      await until("b is master", settleMs(router), () => b.hasAddress(vip));
      await a.exec(["ip", "addr", "del", `${vip}/24`, "dev", "eth0"]);
      const again = await a.start(pairing.master, high, ["--vrrp"]);
      await until("a is the only master again", 2 * settleMs(router), () => holdsAlone(a, b));
      await again.stop();
      await until("b is master again", settleMs(router), () => holdsAlone(b, a));
    } catch (error) {
      t.diagnostic(await describeLogs({ lan, a, b, master: first, backup }));
      throw error;
    }
  });
}

/** Longer than the backup's Master_Down_Interval, 3.6 s: whoever drops all adverts takes over in this time. */
const LONG_ENOUGH_MS = 4500;

test("auth_type AH: a daemon that crashed goes on with higher numbers, and its peer takes them", options, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const [a, b] = [lan.host("a"), lan.host("b")];
  const [high, low] = [200, 100].map((priority) => config(router, priority, { lines })) as [string, string];
  const backup = await b.start(keepalived, low, ["--vrrp"]);
  const master = await a.start(holdfast("memory"), high, ["--vrrp"]);
  await until("a is the only master", settleMs(router), () => holdsAlone(a, b));
  await until("the spare waits", 60_000, () => master.spareRests());
  await sleep(LONG_ENOUGH_MS);
  const before = (await backup.log()).length;
  // An instance goes on within two intervals of its last advert: both of them are for the spare to start.
  const capture = await lan.capture();
  const isSent = async (): Promise<boolean> => (await capture.frames()).some(({ kind }) => kind === "advert");
  await until("an advert has just been sent", 10_000, isSent, 1);
  master.signalNode("SIGKILL");
  await until("a is back", 20_000, async () => (await master.log()).includes("Resuming MASTER STATE"), 50);
  await sleep(LONG_ENOUGH_MS);
  const news = (await backup.log()).slice(before);
  assert.ok(!/already processed|Entering MASTER/.test(news), news);
  assert.ok(await holdsAlone(a, b));
});
