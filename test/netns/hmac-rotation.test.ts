import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Daemon, holdfast } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { config, describeLogs, holdsAlone, masterDownInterval, type Router, settleMs, vip } from "./pairing.js";

/** auth_hmac between two holdfasts: keys change on one after the other, and what was signed before is worth nothing later. */

/** A false transition would take three lost adverts: short intervals would test the machine. */
const router: Router = { version: 3, advertInt: 500 };
const options = { skip: needs("root", "netns", "native"), timeout: 300_000 };
const keys = { 1: `key 1 hex:${"a1".repeat(32)}`, 2: `key 2 hex:${"b2".repeat(32)}` } as const;
/** Whoever drops all adverts takes over in this time, doubled for a busy machine. */
const LONG_ENOUGH_MS = 2 * masterDownInterval(router, 100) + 500;

const signed = (priority: number, known: readonly (1 | 2)[], active: 1 | 2): string => {
  const lines = ["auth_hmac {", ...known.map((id) => `  ${keys[id]}`), `  active_key ${active}`, "}"];
  return config(router, priority, { lines: [...lines, "garp_master_delay 0"] });
};

async function reload(daemon: Daemon, text: string): Promise<void> {
  const before = (await daemon.log()).split("Reload complete").length;
  await writeFile(daemon.files.config, text);
  daemon.signal("SIGHUP");
  await until("the reload is complete", 20_000, async () => {
    return (await daemon.log()).split("Reload complete").length > before;
  });
}

/** Keeps five adverts of a host, says so, and plays them again and again once it is told to. */
const PLAYER = `
import socket, sys, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
wire.bind(("eth0", 0))
kept = []
while len(kept) < 5:
    frame, where = wire.recvfrom(2048)
    if where[2] != socket.PACKET_OUTGOING and frame[23] == 112: kept.append(frame)
print("kept", flush=True)
sys.stdin.readline()
while True:
    for frame in kept:
        wire.send(frame)
        time.sleep(0.05)
`;

test(
  "auth_hmac: keys are rotated in turn without a failover, and adverts that are played again keep no master alive",
  options,
  async (t) => {
    await using lan = await Lan.create(plainHosts("a", "b", "c"));
    const [a, b, c] = [lan.host("a"), lan.host("b"), lan.host("c")];
    // First the master: a backup that was MASTER before it heard of one might tell so late.
    const master = await a.start(holdfast("memory"), signed(200, [1], 1), ["--vrrp"]);
    await until("a is master", settleMs(router), () => a.hasAddress(vip));
    const backup = await b.start(holdfast("memory"), signed(100, [1], 1), ["--vrrp"]);
    try {
      await backup.says("Entering BACKUP STATE (init)");
      await until("a is the only master", settleMs(router), () => holdsAlone(a, b));
      const began = (await backup.log()).length;
      const steps: readonly (readonly [who: Daemon, priority: number, known: readonly (1 | 2)[], active: 1 | 2])[] = [
        [backup, 100, [1, 2], 1],
        [master, 200, [1, 2], 1],
        [master, 200, [1, 2], 2],
        [backup, 100, [1, 2], 2],
        [backup, 100, [2], 2],
        [master, 200, [2], 2],
      ];
      for (const [who, priority, known, active] of steps) {
        await reload(who, signed(priority, known, active));
        await sleep(LONG_ENOUGH_MS);
        assert.ok(await holdsAlone(a, b), `keys ${known.join(" and ")} with active_key ${active}`);
      }
      const news = (await backup.log()).slice(began);
      assert.ok(!/Entering MASTER|auth_hmac:/.test(news), news);

      const player = await c.spawn(["python3", "-c", PLAYER], { stdio: ["pipe", "pipe", "inherit"] });
      assert.ok(player.stdout !== null && player.stdin !== null);
      await once(player.stdout, "data");
      player.stdin.write("play\n");
      await sleep(LONG_ENOUGH_MS);
      assert.ok(await holdsAlone(a, b), "old adverts beside new ones");
      await master.crash();
      await a.exec(["ip", "link", "set", "eth0", "down"]);
      await until("b is master although a is still heard", settleMs(router), () => b.hasAddress(vip));
      assert.match((await backup.log()).slice(began), /auth_hmac: the advert is a replay/);
    } catch (error) {
      t.diagnostic(await describeLogs({ lan, a, b, master, backup }));
      throw error;
    }
  },
);

test("auth_hmac: a router without the new key does not hear who signs with it", options, async () => {
  await using lan = await Lan.create(plainHosts("a", "b"));
  const [a, b] = [lan.host("a"), lan.host("b")];
  const backup = await b.start(holdfast("memory"), signed(100, [1], 1), ["--vrrp"]);
  const master = await a.start(holdfast("memory"), signed(200, [1], 1), ["--vrrp"]);
  await until("a is the only master", settleMs(router), () => holdsAlone(a, b));
  await reload(master, signed(200, [1, 2], 2));
  await until("b takes over: it was to have the key first", settleMs(router), () => b.hasAddress(vip));
  await backup.says(/auth_hmac: key 2 is not configured here/);
  await reload(backup, signed(100, [1, 2], 1));
  await until("a is the only master again", settleMs(router), () => holdsAlone(a, b));
});
