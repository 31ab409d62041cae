import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Daemon, holdfast, keepalived, type Program } from "../harness/daemon.js";
import { Disk } from "../harness/disk.js";
import type { Advert } from "../harness/frames.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { Metronome } from "../harness/metronome.js";
import { hasCommand, needs } from "../harness/needs.js";
import { crashTree, descendants, signal } from "../harness/process-tree.js";
import { until } from "../harness/until.js";
import { backupPriority, config, holdsAlone, masterDownInterval, masterPriority, type Router } from "./pairing.js";

/**
 * A minute with adverts every 100 ms, in which something fails that is no reason for another master; or, where it is one, the
 * change happens once. A pair of keepalived lives through the same beside ours; what it did is said, not judged.
 */

const MINUTE_MS = 60_000;
const router: Router = { version: 3, advertInt: 100 };
/**
 * A machine that kept a timer waiting for as long as the row leaves, usually an interval, may have been what kept ours, too: such a
 * minute does not count when something went wrong in it, twice at most.
 */
const ROUNDS = 3;
/** How late anybody may be on a machine with other work. */
const SLACK_MS = 1000;

/** Two routers of one program on a segment of their own, with what they write on a disk of their own. */
interface Stand {
  readonly program: Program;
  readonly lan: Lan;
  readonly disk: Disk;
  readonly a: Daemon;
  readonly b: Daemon;
  readonly adverts: () => Promise<readonly Advert[]>;
}

interface Row {
  readonly name: string;
  /** What happens; begins when the pair is at rest, and takes its minute. */
  readonly run: (stand: Stand) => Promise<void>;
  /** Who advertised, one after the other, as it should be at the end. */
  readonly reigns: string;
  /** Who is this late, ms, may be so because of the machine alone; default: an interval. */
  readonly leaves?: number;
  /** What else must hold of ours, at the end. */
  readonly judge?: (stand: Stand, adverts: readonly Advert[]) => Promise<void>;
}

const who = ({ priority }: Advert): string => (priority === masterPriority ? "a" : "b");

/** So soon after the first advert of one router, what the other one sends was under way when that came. */
const CROSSING_MS = 20;

/** Without what crossed the advert that ended its sender's reign; whoever insists sends the next one an interval later. */
function uncrossed(adverts: readonly Advert[]): readonly Advert[] {
  const kept: Advert[] = [];
  let since = 0;
  for (const advert of adverts) {
    const last = kept.at(-1);
    const begins = last === undefined || who(last) !== who(advert);
    if (begins && advert.at - since < CROSSING_MS) continue;
    if (begins) since = advert.at;
    kept.push(advert);
  }
  return kept;
}

/** `aba`: a, then b, then a again. */
const reignsOf = (adverts: readonly Advert[]): string =>
  adverts.map(who).reduce((so, next) => (so.endsWith(next) ? so : so + next), "");

/** The longest silence, for the reader; also one that has not ended. */
const longestGap = (adverts: readonly Advert[], end: number): number =>
  Math.max(0, ...adverts.map(({ at }, i) => (adverts[i + 1]?.at ?? end) - at));

const rows: readonly Row[] = [
  {
    name: "the master is stopped for five seconds, and goes on",
    reigns: "aba",
    leaves: CROSSING_MS,
    run: pause,
    judge: briefOverlap,
  },
  {
    name: "every second advert is lost",
    reigns: "a",
    run: async ({ lan }) => {
      await lan.lose("a", { kind: "all but each", nth: 2 });
      await sleep(MINUTE_MS);
    },
    judge: async (_stand, adverts) => assert.ok(adverts.length < 450, `${adverts.length} adverts: none was lost`),
  },
  {
    name: "one advert of a hundred is lost",
    reigns: "a",
    run: async ({ lan }) => {
      await lan.lose("a", { kind: "random", share: 0.01 });
      await sleep(MINUTE_MS);
    },
  },
  { name: "the disk of log and dumps is full", reigns: "a", run: fullDisk, judge: dumpsAgain },
  { name: "the disk of log and dumps hangs; then the master crashes", reigns: "ab", run: hungDisk, judge: tookOver },
];

const tools = ["mkfs.ext4", "fsfreeze", "mount", "tc"].filter((name) => !hasCommand(name));
const lacking = tools.length > 0 ? `needs ${tools.join(", ")}` : false;
const skip = needs("root", "netns", "native", "keepalived", "tcpdump") || lacking;

describe("real failures", { concurrency: rows.length }, () => {
  for (const row of rows) {
    test(row.name, { skip, timeout: ROUNDS * 150_000 }, async (t) => {
      const say = ({ reigns, gap }: Outcome): string => `${reigns}, longest silence ${gap.toFixed(0)} ms`;
      for (let round = 1; ; round++) {
        const machine = { worst: 0 };
        const [ours, theirs] = await Promise.allSettled([
          play(row, holdfast("memory"), machine),
          play(row, keepalived),
        ]);
        t.diagnostic(`keepalived: ${theirs.status === "fulfilled" ? say(theirs.value) : String(theirs.reason)}`);
        t.diagnostic(`a thread of the usual class: up to ${machine.worst.toFixed(0)} ms late`);
        if (ours.status === "fulfilled") return t.diagnostic(`ours: ${say(ours.value)}`);
        if (round === ROUNDS || machine.worst < (row.leaves ?? router.advertInt)) throw ours.reason;
        t.diagnostic(`ours, in a minute that does not count: ${String(ours.reason).split("\n")[0]}`);
      }
    });
  }
});

interface Outcome {
  readonly reigns: string;
  readonly gap: number;
}

/**
 * @param machine hears how late the machine made others meanwhile, ms
 * @throws Error when it was not as the row says; of keepalived only what it did counts
 */
async function play(row: Row, program: Program, machine = { worst: 0 }): Promise<Outcome> {
  await using disk = await Disk.create();
  await using lan = await Lan.create(plainHosts("a", "b"));
  await using _living = { [Symbol.asyncDispose]: () => disk.goOn() }; // who waits for the disk cannot be ended
  const onDisk = (name: string): Program => withLog(program, disk.dir, path.join(disk.dir, `${name}.log`));
  const [hostA, hostB] = [lan.host("a"), lan.host("b")];
  const b = await hostB.start(onDisk("b"), config(router, backupPriority), ["--vrrp"]);
  await until("b runs", 30_000, () => holdsAlone(hostB, hostA), 100);
  const a = await hostA.start(onDisk("a"), config(router, masterPriority), ["--vrrp"]);
  await until("a is master", 30_000, () => holdsAlone(hostA, hostB), 100);
  await sleep(2000);
  const capture = await lan.capture();
  const all = async (): Promise<readonly Advert[]> =>
    (await capture.frames()).filter((frame): frame is Advert => frame.kind === "advert");
  const stand: Stand = { program, lan, disk, a, b, adverts: all };
  {
    using metronome = new Metronome();
    await row.run(stand);
    machine.worst = metronome.worst;
  }
  await sleep(500);
  const adverts = uncrossed(await all());
  const outcome = { reigns: reignsOf(adverts), gap: longestGap(adverts, Date.now()) };
  if (program.name === "keepalived") return outcome;
  const told = async (): Promise<string> => `${await a.log()}\n--- b\n${await b.log()}`;
  assert.equal(outcome.reigns, row.reigns, `silence of ${outcome.gap.toFixed(0)} ms\n${await told()}`);
  await row.judge?.(stand, adverts);
  return outcome;
}

/** Dumps and log on the disk; Debian's keepalived has no log file, so what it says on its console goes there. */
function withLog(program: Program, dir: string, log: string): Program {
  const dumps = ["env", `TMPDIR=${dir}`, ...program.argv];
  const argv =
    program.name === "holdfast"
      ? [...dumps, `--log-file=${log}`]
      : ["sh", "-c", 'exec "$@" >> "$0" 2>&1', log, ...dumps];
  return { ...program, argv };
}

/** SIGSTOP of what sends adverts, not of its parent, which would not notice either. */
async function pause({ program, a }: Stand): Promise<void> {
  const pids = program.name === "holdfast" ? [a.nodePid ?? assert.fail("no daemon")] : descendants(a.pid);
  await sleep(10_000);
  for (const pid of pids) signal(pid, "SIGSTOP");
  await sleep(5000);
  for (const pid of pids) signal(pid, "SIGCONT");
  await sleep(MINUTE_MS - 15_000);
}

/** b took over in its time; when a came back, b heard its first advert and was quiet. */
async function briefOverlap(_stand: Stand, adverts: readonly Advert[]): Promise<void> {
  const took = adverts.findIndex((advert) => who(advert) === "b");
  const silence = (adverts[took]?.at ?? 0) - (adverts[took - 1]?.at ?? 0);
  const least = masterDownInterval(router, backupPriority);
  assert.ok(silence >= least - 1 && silence < least + SLACK_MS, `b took over after ${silence.toFixed(1)} ms`);
  const back = adverts.findIndex((advert, i) => i > took && who(advert) === "a");
  const late = adverts.slice(back).filter((advert) => who(advert) === "b");
  assert.deepEqual(late.length, 0, "two masters");
}

/** What an operator does to find out what is wrong: asks for everything, again and again. */
async function askForDumps({ a, b }: Stand, forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    for (const daemon of [a, b]) for (const name of ["SIGUSR1", "SIGUSR2"] as const) daemon.signal(name);
    await sleep(2000);
  }
}

async function fullDisk(stand: Stand): Promise<void> {
  await stand.disk.fill();
  await askForDumps(stand, MINUTE_MS);
}

async function dumpsAgain({ a, disk, lan }: Stand): Promise<void> {
  assert.match(await a.log(), /Cannot write keepalived.data: ENOSPC/);
  await lan.host("a").exec(["rm", path.join(disk.dir, "filler")]);
  a.signal("SIGUSR1");
  await until("a dump is written", 10_000, async () => (await readdir(disk.dir)).includes("keepalived.data"), 100);
}

/** At the end nobody waits for the end of a: it cannot end before the disk goes on. */
async function hungDisk(stand: Stand): Promise<void> {
  await stand.disk.hang();
  await askForDumps(stand, MINUTE_MS);
  const written = (await readdir(stand.disk.dir)).filter((name) => /\.(data|stats)$/.test(name));
  assert.deepEqual(written, [], "the disk hangs");
  crashTree(stand.a.pid);
  await sleep(5000);
}

async function tookOver({ lan }: Stand, adverts: readonly Advert[]): Promise<void> {
  const took = adverts.findIndex((advert) => who(advert) === "b");
  const silence = (adverts[took]?.at ?? 0) - (adverts[took - 1]?.at ?? 0);
  const least = masterDownInterval(router, backupPriority);
  assert.ok(silence >= least - 1 && silence < least + SLACK_MS, `b took over after ${silence.toFixed(1)} ms`);
  assert.ok(await lan.host("b").hasAddress("192.0.2.100"), "b has the address");
}
