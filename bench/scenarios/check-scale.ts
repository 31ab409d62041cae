import { setTimeout as sleep } from "node:timers/promises";
import { ArrivalTarget, latenessAt, latenessMs } from "../measure/arrivals.js";
import { Collector } from "../measure/collector.js";
import { farmNetwork } from "../measure/farm.js";
import { machine } from "../measure/machine.js";
import { Stand } from "../measure/stand.js";
import { costOf, untilChecked } from "../measure/steady.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";
import type { Bound, Distribution, Outcome, RunOptions, Scenario } from "./scenario.js";

const PORT = 8080;
const delayLoop = (quick: boolean): number => (quick ? 2 : 6);
const START_MS = 120_000;

interface Measured {
  readonly collected: Collector;
  readonly distributions: Distribution[];
}

async function measure(checker: Checker, servers: number, delay: number, into: Measured): Promise<void> {
  const { collected, distributions } = into;
  await using stand = await Stand.create("ours");
  const host = stand.host("ours");
  const target = await ArrivalTarget.start(host, PORT, farmNetwork.address, farmNetwork.addresses);
  const farm = { servers, check: "tcp", port: PORT, delayLoopSeconds: delay, timeoutSeconds: 3 } as const;
  await using running = await checker.start({ host, dir: stand.lan.dir, farms: [farm] });
  const [of, subject] = [`${servers} servers`, checker.name];
  const all = async (): Promise<boolean> => (await target.stats()).distinct >= servers;
  await untilChecked(subject, running, START_MS, all);
  await sleep(delay * 1000); // the second round of checks is free of what the start left behind
  await running.settled();
  await target.expectEvery(delay);
  const cost = await costOf(running, async () => (await target.stats()).accepts, delay + 1);
  const stats = await target.stats();
  collected.add(of, subject, "processor per check, all of it", "µs", cost.whole);
  if (subject === "holdfast") collected.add(of, subject, "processor per check, checker threads", "µs", cost.checking);
  collected.add(of, subject, "checks", "/s", cost.perSecond);
  for (const q of [0.5, 0.99, 1])
    collected.add(of, subject, `lateness ${q === 1 ? "max" : `p${q * 100}`}`, "ms", latenessAt(stats, q));
  collected.add(of, subject, "RSS of the daemon", "MiB", running.memory().main);
  collected.add(of, subject, "RSS with all helpers", "MiB", running.memory().all);
  distributions.push({ case: of, subject, quantity: "lateness", unit: "ms", quantiles: latenessMs(stats) });
  const removed = running.table()?.deleteDestination.count ?? 0;
  if (removed > 0) collected.faults.push(`${of}, ${subject}: took ${removed} healthy servers out`);
  // A check that takes no time would be made as often as the period fits; a tenth less is a checker that does not keep up. That a
  // peer does not is a result, and no fault of this run.
  const least = 0.9 * (servers / delay);
  if (subject === "holdfast" && cost.perSecond < least)
    collected.faults.push(`${of}: ${cost.perSecond.toFixed(0)} checks/s of ${(servers / delay).toFixed(0)}`);
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const into: Measured = { collected: new Collector(), distributions: [] };
  const sizes = quick ? [1000] : [1000, 10_000, 50_000, 100_000];
  const checkers: Checker[] = [...(peers.has("keepalived") ? [keepalived] : []), holdfast];
  for (const servers of sizes)
    for (const checker of checkers) {
      say(`${servers} servers: ${checker.name}`);
      await into.collected.attempt(`${servers}, ${checker.name}`, () =>
        measure(checker, servers, delayLoop(quick), into),
      );
    }
  const { collected, distributions } = into;
  const figures = collected.figures();
  return {
    conditions: {
      delay_loop: `${delayLoop(quick)} s`,
      "open files": `at most ${machine().openFiles} per process`,
      lateness:
        "seen by the target: time between two connections to an address less delay_loop, so with the check's own time",
    },
    figures,
    bounds: sizes.length > 1 ? boundsOf(collected, sizes) : [],
    distributions,
    faults: collected.faults,
  };
}

function boundsOf(collected: Collector, sizes: readonly number[]): readonly Bound[] {
  const value = (servers: number, quantity: string): number | undefined =>
    collected.median(`${servers} servers`, "holdfast", quantity);
  const costs = sizes.map((servers) => value(servers, "processor per check, checker threads") ?? Number.NaN);
  const judged = sizes.filter((servers) => servers <= 50_000);
  return [
    {
      what: "cost per check, dearest to cheapest size",
      unit: "times",
      value: Math.max(...costs) / Math.min(...costs),
      most: 1.2,
    },
    { what: "RSS of the daemon at 50000", unit: "MiB", value: value(50_000, "RSS of the daemon"), most: 200 },
    ...judged.map((servers) => {
      return { what: `lateness p99 at ${servers}`, unit: "ms", value: value(servers, "lateness p99"), most: 20 };
    }),
  ];
}

export const checkScale: Scenario = {
  name: "check-scale",
  question: "What do 1,000 to 100,000 real servers cost at delay_loop 6, and how late are their checks?",
  peers: ["keepalived"],
  run,
};
