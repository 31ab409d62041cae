// Inside the guest: many files, each first with keepalived, then with holdfast. What ipvsadm shows must be equal line by line.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Daemon, holdfast, keepalived, type Program } from "../../harness/daemon.js";
import type { Host } from "../../harness/host.js";
import { loadIpvs, savedTable } from "../../harness/ipvs.js";
import { Lan } from "../../harness/lan.js";
import { optionCases } from "../option-cases.js";
import { Results } from "./results.js";

/** What does not change for so long is what the daemon wants: neither has checks here, so all is done at the start. */
const QUIET_MS = 1500;
/** Three adverts and a skew time below one second, and what the guest takes for it. */
const ELECTION_MS = 6000;
const PATIENCE_MS = 30_000;

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
    const [want, got] = await Promise.all([
      life(reference, keepalived, config, elects),
      life(ours, holdfast("kernel"), config, elects),
    ]);
    const why = `${got.log.slice(-3000)}\nkeepalived:\n${want.log.slice(-2000)}`;
    assert.deepEqual(got.rest, want.rest, `at rest\n${JSON.stringify([got.rest, want.rest], null, 1)}\n${why}`);
    assert.deepEqual(got.stopped, want.stopped, `after a stop\n${why}`);
    return `${want.rest.table.length} lines of the table, ${want.rest.syncDaemons.length} sync daemons`;
  });

/** Start, rest, stop; the namespace is as before for the next one. */
async function life(
  host: Host,
  program: Program,
  config: string,
  elects: boolean | undefined,
): Promise<{ rest: Seen; stopped: Seen; log: string }> {
  const daemon = await host.start(program, config);
  try {
    const rest = await settled(host, daemon, elects === true ? ELECTION_MS : QUIET_MS);
    await daemon.stop();
    const stopped = await seen(host);
    return { rest, stopped, log: await daemon.log() };
  } catch (error) {
    throw new Error(`${program.name}: ${String(error)}\n${await daemon.log()}`, { cause: error });
  } finally {
    await host.attempt(["ipvsadm", "-C"]);
    for (const role of ["master", "backup"]) await host.attempt(["ipvsadm", "--stop-daemon", role]);
  }
}

async function settled(host: Host, daemon: Daemon, quietMs: number): Promise<Seen> {
  const begun = performance.now();
  await until(() => started(daemon));
  let last = await seen(host);
  for (let since = performance.now(); performance.now() - since < quietMs; ) {
    assert.ok(performance.now() - begun < PATIENCE_MS, `does not come to rest: ${JSON.stringify(last)}`);
    await sleep(200);
    const now = await seen(host);
    if (JSON.stringify(now) !== JSON.stringify(last)) since = performance.now();
    last = now;
  }
  return last;
}

/** Both say it: keepalived's main process, and we. */
async function started({ files }: Daemon): Promise<boolean> {
  return /Startup complete/.test(await readFile(files.log, "utf8"));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !(await condition()); await sleep(100))
    assert.ok(performance.now() < end, "no start within 30 s");
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
