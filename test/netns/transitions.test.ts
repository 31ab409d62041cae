import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import type { Daemon } from "../harness/daemon.js";
import type { Advert, Frame } from "../harness/frames.js";
import { Metronome } from "../harness/metronome.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import {
  backupPriority,
  config,
  describeLogs,
  describeRouter,
  holdsAlone,
  type InstanceOptions,
  masterDownInterval,
  masterPriority,
  type Pair,
  pairings,
  type Router,
  routers,
  settleMs,
  skewTime,
  startPair,
  vip,
} from "./pairing.js";

interface Case {
  readonly name: string;
  readonly routers: readonly Router[];
  readonly options?: InstanceOptions;
  readonly run: (pair: Pair, router: Router, machine: Metronome) => Promise<void>;
}

const fast = routers.filter(({ advertInt }) => advertInt < 1000);
/** Where the master must be one until the script fails: a pause of the machine is no election. */
const calm: readonly Router[] = [{ version: 3, advertInt: 300 }];
/** Reading addresses with `ip` and the machine's other work; not for what the capture measures. */
const SLACK_MS = 500;
/** With what a capture times, or a bound is compared with afterwards. */
const PATIENCE_MS = 15_000;

/** Exists while the check script on the master is content. */
const flag = path.join(tmpdir(), `holdfast-flag-${process.pid}`);
/** 200 - 150 is below the backup's 100. */
const scriptWeight = -150;
const script = `vrrp_script flag {
  script "/usr/bin/test -e ${flag}"
  interval 1
  timeout 1
  weight ${scriptWeight}
  fall 1
  rise 1
}`;

const cases: readonly Case[] = [
  { name: "clean stop: the backup waits skew time only", routers, run: cleanStop },
  {
    name: "priority change by script, there and back",
    routers: calm,
    options: { blocks: [script], lines: ["track_script {", "  flag", "}"] },
    run: scriptChange,
  },
  { name: "link failure: the master drops its address, and takes it again", routers: fast, run: linkFailure },
  { name: "split link: two masters while it lasts, one after it", routers: fast, run: splitLink },
];

for (const { name, routers: with_, options: instance, run } of cases) {
  for (const router of with_) {
    for (const pairing of pairings) {
      const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 60_000 };
      test(`${name}: ${pairing.name}, ${describeRouter(router)}`, options, async (t) => {
        await writeFile(flag, "");
        const pair = await startPair(pairing, router, instance);
        await using _lan = pair.lan;
        using machine = new Metronome();
        try {
          await run(pair, router, machine);
        } catch (error) {
          t.diagnostic(await describeLogs(pair));
          throw error;
        } finally {
          await rm(flag, { force: true });
        }
      });
    }
  }
}

/**
 * Until it is so: no look that began later than `bound` ms, beside what the machine alone keeps a thread waiting for, finds it otherwise.
 * How long a look takes is the machine's.
 */
async function within(
  bound: number,
  machine: Metronome,
  what: string,
  condition: () => Promise<boolean>,
): Promise<void> {
  const began = performance.now();
  let notYet = 0;
  await until(what, PATIENCE_MS, async () => {
    const at = performance.now() - began;
    const isSo = await condition();
    if (!isSo) notYet = at;
    return isSo;
  });
  const late = machine.worst;
  assert.ok(
    notYet - late < bound,
    `${what}: not yet after ${notYet.toFixed(0)} ms, of which ${late.toFixed(0)} are the machine's`,
  );
}

/** RFC 5798 §6.4.2: skew time after the priority 0 advert. 10 ms for a busy machine; the crash test holds it to 3 ms. */
const LATE_MS = 10;
/** One stall of the machine makes any program late, keepalived too. So a stop that misses the bound is repeated, twice at most. */
const STOPS = 3;

async function cleanStop(pair: Pair, router: Router): Promise<void> {
  const late: number[] = [];
  for (let { master } = pair; late.length < STOPS; ) {
    late.push(await takenOverAfterStop(pair, master, router));
    assert.ok(Math.min(...late) >= 0, `too early: ${late.at(-1)?.toFixed(2)} ms after skew time`);
    if (Math.min(...late) < LATE_MS) return;
    master = await pair.a.start(master.program, config(router, masterPriority), ["--vrrp"]);
    await until("a is the only master again", settleMs(router), () => holdsAlone(pair.a, pair.b));
  }
  assert.fail(`${late.map((ms) => ms.toFixed(2)).join(", ")} ms after skew time`);
}

/** How long after skew time, ms; infinite: b was master before. */
async function takenOverAfterStop({ lan, a, b }: Pair, master: Daemon, router: Router): Promise<number> {
  const capture = await lan.capture();
  await master.stop();
  assert.ok(!(await a.hasAddress(vip)), "the address is released before the daemon ends");
  await until("b is master", PATIENCE_MS, () => b.hasAddress(vip));
  const first = async (priority: number): Promise<Advert | undefined> =>
    onlyAdverts(await capture.frames()).find((advert) => advert.priority === priority);
  await until("b advertises", PATIENCE_MS, async () => (await first(backupPriority)) !== undefined);
  const [goodbye, hello] = [await first(0), await first(backupPriority)];
  assert.ok(goodbye !== undefined && hello !== undefined, "the master says goodbye with priority 0");
  // Before it: the machine kept the master from its adverts for a whole Master_Down_Interval, and nothing was measured.
  if (hello.at < goodbye.at) return Number.POSITIVE_INFINITY;
  return hello.at - goodbye.at - skewTime(router, backupPriority);
}

async function scriptChange({ lan, a, b }: Pair, router: Router, machine: Metronome): Promise<void> {
  const capture = await lan.capture();
  // The script's interval and time-out are 1 s each; then a whole election.
  const bound = 2000 + masterDownInterval(router, backupPriority) + SLACK_MS;
  await rm(flag);
  await within(bound, machine, "b is master once the script fails", () => holdsAlone(b, a));
  await writeFile(flag, "");
  await within(bound, machine, "a is master again once the script succeeds", () => holdsAlone(a, b));
  const lowered = onlyAdverts(await capture.frames()).some(
    (advert) => advert.priority === masterPriority + scriptWeight,
  );
  assert.ok(lowered, "the lowered priority was advertised");
}

async function linkFailure({ lan, a, b }: Pair, router: Router, machine: Metronome): Promise<void> {
  await lan.cut("a", "carrier");
  await within(SLACK_MS, machine, "a drops the address", async () => !(await a.hasAddress(vip)));
  const bound = masterDownInterval(router, backupPriority) + SLACK_MS;
  await within(bound, machine, "b is master", () => b.hasAddress(vip));
  await lan.heal("a");
  await until("a is master again", settleMs(router), () => holdsAlone(a, b));
}

async function splitLink({ lan, a, b }: Pair, router: Router, machine: Metronome): Promise<void> {
  await lan.cut("a", "silence");
  const both = async (): Promise<boolean> => (await a.hasAddress(vip)) && (await b.hasAddress(vip));
  await within(masterDownInterval(router, backupPriority) + SLACK_MS, machine, "both are master", both);
  await lan.heal("a");
  await within(2 * router.advertInt + SLACK_MS, machine, "a alone is master", () => holdsAlone(a, b));
}

function onlyAdverts(frames: readonly Frame[]): readonly Advert[] {
  return frames.filter((frame): frame is Advert => frame.kind === "advert");
}
