import { setTimeout as sleep } from "node:timers/promises";
import type { Advert } from "../../test/harness/frames.js";
import { until } from "../../test/harness/until.js";
import { quantile, quantilesOf } from "../figures.js";
import { ArrivalTarget } from "../measure/arrivals.js";
import { Collector } from "../measure/collector.js";
import { farmNetwork } from "../measure/farm.js";
import { Stand } from "../measure/stand.js";
import { untilChecked } from "../measure/steady.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";
import type { Bound, Distribution, Outcome, RunOptions, Scenario } from "./scenario.js";

const PORT = 8080;
const delayLoop = (quick: boolean): number => (quick ? 2 : 6);
const INTERVAL_MS = 100;
/** A thousandth of what one instance sends in half a minute is nothing: ten of them. */
const VRIDS = Array.from({ length: 10 }, (_, i) => 51 + i);
const START_MS = 120_000;

/** As operators run it where adverts are this frequent, and, for information, as it comes. Checkers are usual in both. */
const classes = [
  { name: "", globals: "global_defs {\n  vrrp_rt_priority 50\n}\n" },
  { name: ", usual class", globals: "" },
] as const;
type Class = (typeof classes)[number];

const instances = VRIDS.map(
  (vrid) => `vrrp_instance V${vrid} {
  version 3
  state MASTER
  interface eth0
  virtual_router_id ${vrid}
  priority 200
  advert_int 0.1
  virtual_ipaddress { 192.0.2.${vrid}/24 }
}
`,
).join("");

interface Measured {
  readonly collected: Collector;
  readonly distributions: Distribution[];
}

async function measure(checker: Checker, of: Class, servers: number, quick: boolean, into: Measured): Promise<void> {
  await using stand = await Stand.create("ours");
  const host = stand.host("ours");
  const target = await ArrivalTarget.start(host, PORT, farmNetwork.address, farmNetwork.addresses);
  const delay = delayLoop(quick);
  const farm = { servers, check: "tcp", port: PORT, delayLoopSeconds: delay, timeoutSeconds: 1 } as const;
  const options = { host, dir: stand.lan.dir, farms: [farm], head: of.globals + instances, vrrp: true };
  await using running = await checker.start(options);
  await until(`${checker.name} is master`, START_MS, () => host.hasAddress(`192.0.2.${VRIDS.at(-1)}`), 200);
  const all = async (): Promise<boolean> => (await target.stats()).distinct >= servers;
  await untilChecked(checker.name, running, START_MS, all);
  await sleep(delay * 1000);

  await using capture = await stand.lan.capture();
  const from = clock();
  await sleep(quick ? 3000 : 30_000);
  const died = clock();
  await target.down();
  const out = (): boolean => (running.table()?.deleteDestination.count ?? 0) >= servers;
  const everyOne = await until("all are out", 60_000, out, 50).then(
    () => true,
    () => false,
  );
  await sleep(2000);
  const to = clock();
  if (!everyOne) into.collected.faults.push(`${checker.name}: dead servers are still in the table after a minute`);
  const adverts = (await capture.frames()).filter((frame): frame is Advert => frame.kind === "advert");
  note(`${servers} checks${of.name}`, checker.name, deviations(adverts, from, died), into);
  note(`${servers} die${of.name}`, checker.name, deviations(adverts, died, to), into);
}

/** The clock of the capture's time stamps, ms. */
const clock = (): number => performance.timeOrigin + performance.now();

/** How far the gaps between adverts of one instance are from what was configured, ms. */
function deviations(adverts: readonly Advert[], from: number, to: number): number[] {
  return VRIDS.flatMap((vrid) => {
    const times = adverts
      .filter((advert) => advert.vrid === vrid && advert.at >= from && advert.at <= to)
      .map(({ at }) => at);
    return times.slice(1).map((at, i) => Math.abs(at - (times[i] ?? at) - INTERVAL_MS));
  });
}

function note(of: string, subject: string, values: readonly number[], { collected, distributions }: Measured): void {
  const quantiles = quantilesOf(values);
  for (const [name, q] of [
    ["median", 0.5],
    ["p99", 0.99],
    ["p99.9", 0.999],
    ["max", 1],
  ] as const)
    collected.add(of, subject, `gap off by, ${name}`, "ms", quantile(quantiles, q) ?? Number.NaN);
  collected.add(of, subject, "gaps", "", values.length);
  distributions.push({ case: of, subject, quantity: "gap between adverts off by", unit: "ms", quantiles });
  if (values.length === 0) collected.faults.push(`${of}, ${subject}: no adverts`);
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const into: Measured = { collected: new Collector(), distributions: [] };
  const servers = quick ? 1000 : 50_000;
  const checkers: Checker[] = [...(peers.has("keepalived") && !quick ? [keepalived] : []), holdfast];
  for (const of of classes)
    for (const checker of checkers) {
      say(`${servers} checks, then their failure${of.name}: ${checker.name}`);
      await into.collected.attempt(checker.name + of.name, () => measure(checker, of, servers, quick, into));
    }
  return {
    conditions: {
      class: "vrrp_rt_priority 50 for both, unless it says usual class",
      checks: servers,
      delay_loop: `${delayLoop(quick)} s`,
      advert_int: "0.1 s",
      instances: VRIDS.length,
    },
    figures: into.collected.figures(),
    bounds: quick ? [] : [`${servers} checks`, `${servers} die`].flatMap((of) => boundsOf(of, into.collected)),
    distributions: into.distributions,
    faults: into.collected.faults,
  };
}

function boundsOf(of: string, collected: Collector): readonly Bound[] {
  const value = (name: string, subject = "holdfast"): number | undefined =>
    collected.median(of, subject, `gap off by, ${name}`);
  const theirs = value("max", "keepalived");
  const beside = { what: `${of}: max, with keepalived's as limit`, unit: "ms", value: value("max") };
  return [
    { what: `${of}: gap off by, p99.9`, unit: "ms", value: value("p99.9"), most: 2 },
    { what: `${of}: gap off by, max`, unit: "ms", value: value("max"), most: 20 },
    ...(theirs === undefined ? [] : [{ ...beside, most: Number(theirs.toFixed(2)) }]),
  ];
}

export const advertJitter: Scenario = {
  name: "advert-jitter",
  question: "How regular are adverts at 0.1 s while 50,000 checks run, and while all of them fail at once?",
  peers: ["keepalived"],
  run,
};
