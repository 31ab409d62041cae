import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../test/harness/until.js";
import { ArrivalTarget, latenessMs } from "../measure/arrivals.js";
import { Collector } from "../measure/collector.js";
import { farmNetwork } from "../measure/farm.js";
import { Stand } from "../measure/stand.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";
import { ratio } from "../report/verdict.js";
import type { Distribution, Outcome, RunOptions, Scenario } from "./scenario.js";

const PORT = 8080;
/** Each server is checked once a second, so that their number is the rate. */
const PERIOD = 1;
const SETTLE_MS = 20_000;

interface Subject {
  readonly name: string;
  readonly checker: Checker;
  readonly threads?: number;
  /** Rates that it kept, and did not keep, so far. */
  kept: number;
  lost: number;
}

/** @returns whether every check was less than 100 ms late */
async function keepsUp(
  subject: Subject,
  rate: number,
  seconds: number,
  distributions: Map<string, Distribution>,
): Promise<boolean> {
  await using stand = await Stand.create("ours");
  const host = stand.host("ours");
  const target = await ArrivalTarget.start(host, PORT, farmNetwork.address, farmNetwork.addresses);
  const farm = { servers: rate, check: "tcp", port: PORT, delayLoopSeconds: PERIOD, timeoutSeconds: 5 } as const;
  const { checker, threads } = subject;
  const options = { host, dir: stand.lan.dir, farms: [farm], ...(threads === undefined ? {} : { threads }) };
  await using running = await checker.start(options);
  const all = async (): Promise<boolean> => (await target.stats()).distinct >= rate;
  const settled = await until("all are checked", SETTLE_MS, all, 100).then(
    () => true,
    () => false,
  );
  if (!settled) return false;
  await sleep(2 * PERIOD * 1000);
  await target.expectEvery(PERIOD);
  await sleep(seconds * 1000);
  const stats = await target.stats();
  const kept = stats.late100ms === 0 && stats.overdue === 0 && (running.table()?.deleteDestination.count ?? 0) === 0;
  if (kept)
    distributions.set(subject.name, {
      case: "at the highest rate kept",
      subject: `${subject.name}, ${rate}/s`,
      quantity: "lateness",
      unit: "ms",
      quantiles: latenessMs(stats),
    });
  return kept;
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const [least, most, step] = quick ? [1000, 3000, 1000] : [2000, 42_000, 2000];
  const fresh = { kept: least, lost: most };
  const subjects: Subject[] = [
    ...(peers.has("keepalived") ? [{ name: "keepalived", checker: keepalived, ...fresh }] : []),
    { name: "holdfast, 1 thread", checker: holdfast, threads: 1, ...fresh },
    ...(quick ? [] : [{ name: "holdfast, 2 threads", checker: holdfast, threads: 2, ...fresh }]),
  ];
  const distributions = new Map<string, Distribution>();
  // All halve their intervals in turns, so that what else the machine does meets all alike.
  for (let open = subjects; open.length > 0; open = subjects.filter(({ kept, lost }) => lost - kept > step))
    for (const subject of open) {
      const rate = Math.round((subject.kept + subject.lost) / 2 / step) * step;
      // One stall of the machine's own is no lack of speed: a lost rate gets a second chance.
      const kept =
        (await keepsUp(subject, rate, quick ? 2 : 4, distributions)) ||
        (!quick && (await keepsUp(subject, rate, 4, distributions)));
      if (kept) subject.kept = rate;
      else subject.lost = rate;
      say(`${subject.name}: ${rate}/s ${kept ? "kept" : "not kept"}`);
    }
  const collected = new Collector();
  for (const { name, kept } of subjects) collected.add("TCP", name, "checks without any 100 ms late", "/s", kept);
  const rateOf = (name: string): number | undefined => collected.median("TCP", name, "checks without any 100 ms late");
  const value = ratio(rateOf("holdfast, 2 threads"), rateOf("keepalived"));
  return {
    conditions: { delay_loop: `${PERIOD} s`, resolution: `${step}/s`, "highest rate tried": `${most}/s` },
    figures: collected.figures(),
    bounds: quick ? [] : [{ what: "2 threads to keepalived", unit: "times", value, least: 1.5 }],
    distributions: [...distributions.values()],
    faults: [],
  };
}

export const checkRate: Scenario = {
  name: "check-rate",
  question: "How many TCP checks a second before any is late by 100 ms?",
  peers: ["keepalived"],
  run,
};
