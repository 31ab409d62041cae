// Inside the guest: many files, each first with keepalived, then with holdfast. What ipvsadm shows must be equal line by line.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Daemon, holdfast, keepalived } from "../../harness/daemon.js";
import type { Host } from "../../harness/host.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { Lan } from "../../harness/lan.js";
import { until } from "../../harness/until.js";
import { optionCases } from "../option-cases.js";
import { Results } from "./results.js";

/** What does not change for so long is what the daemons want: neither has checks here, so all is done at the start. */
const QUIET_MS = 1500;
/** Until the slower one is as far as the other. */
const GRACE_MS = 15_000;
/** Two daemons start in a guest with one slow processor. */
const PATIENCE_MS = 120_000;

interface Seen {
  readonly table: readonly string[];
  readonly syncDaemons: readonly string[];
  readonly timeouts: string;
}

const results = new Results();
// Each in a network of its own: both are masters of the same virtual router.
const lanOf = (name: string): Promise<Lan> =>
  Lan.create([{ name, links: [{ device: "eth0", addresses: ["192.168.91.100/24", "2001:db8:91::100/64"] }] }]);
await using referenceLan = await lanOf("reference");
await using ourLan = await lanOf("ours");
const [reference, ours] = [referenceLan.host("reference"), ourLan.host("ours")];
await loadIpvs(reference);

for (const { name, config, kernel, elects } of optionCases)
  await results.step(name, async () => {
    if (kernel !== undefined) await Promise.all([reference, ours].map((host) => host.exec(["sh", "-c", kernel])));
    const [want, got] = await lives(config, elects === true);
    const why = `${got.log.slice(-3000)}\nkeepalived:\n${want.log.slice(-2000)}`;
    assert.deepEqual(got.rest, want.rest, `at rest\n${JSON.stringify([got.rest, want.rest], null, 1)}\n${why}`);
    assert.deepEqual(got.stopped, want.stopped, `after a stop\n${why}`);
    return `${want.rest.table.length} lines of the table, ${want.rest.syncDaemons.length} sync daemons`;
  });

interface Life {
  readonly rest: Seen;
  readonly stopped: Seen;
  readonly log: string;
}

/** Start, rest, stop of keepalived and of holdfast; the namespaces are as before for the next ones. */
async function lives(config: string, elects: boolean): Promise<readonly [Life, Life]> {
  const daemons = [await reference.start(keepalived, config), await ours.start(holdfast("kernel"), config)] as const;
  try {
    for (const daemon of daemons)
      await until(`${daemon.program.name} is there`, PATIENCE_MS, () => isThere(daemon, elects));
    const [theirs, mine] = await settled();
    const end = async (host: Host, daemon: Daemon, rest: Seen): Promise<Life> => {
      await daemon.stop();
      return { rest, stopped: await seen(host), log: await daemon.log() };
    };
    return await Promise.all([end(reference, daemons[0], theirs), end(ours, daemons[1], mine)]);
  } catch (error) {
    const logs = await Promise.all(daemons.map((daemon) => daemon.log()));
    throw new Error(`${String(error)}\n${logs.join("\n---\n")}`, { cause: error });
  } finally {
    for (const daemon of daemons) await daemon.crash();
    for (const host of [reference, ours]) {
      await host.attempt(["ipvsadm", "-C"]);
      for (const role of ["master", "backup"]) await host.attempt(["ipvsadm", "--stop-daemon", role]);
    }
  }
}

/** Both as they are at rest, which the slower one may reach later. */
async function settled(): Promise<readonly [Seen, Seen]> {
  const begun = performance.now();
  const both = (): Promise<readonly [Seen, Seen]> => Promise.all([seen(reference), seen(ours)]);
  let last = await both();
  let since = performance.now();
  const quiet = (): number => performance.now() - since;
  while (quiet() < QUIET_MS || (!isDeepStrictEqual(last[0], last[1]) && quiet() < GRACE_MS)) {
    assert.ok(performance.now() - begun < PATIENCE_MS, `does not come to rest: ${JSON.stringify(last)}`);
    await sleep(200);
    const now = await both();
    if (!isDeepStrictEqual(now, last)) since = performance.now();
    last = now;
  }
  return last;
}

/** Both say it: keepalived's main process, and we. */
async function isThere(daemon: Daemon, elects: boolean): Promise<boolean> {
  const log = await daemon.log();
  return log.includes("Startup complete") && (!elects || log.includes("Entering MASTER STATE"));
}

async function seen(host: Host): Promise<Seen> {
  const daemons = await host.exec(["ipvsadm", "-l", "--daemon"]);
  return {
    table: await savedTable(host),
    syncDaemons: daemons
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .sort(),
    timeouts: (await host.exec(["ipvsadm", "-l", "--timeout"])).trim(),
  };
}
