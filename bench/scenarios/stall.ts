import { setTimeout as sleep } from "node:timers/promises";
import { ArrivalTarget, latenessAt, latenessMs } from "../measure/arrivals.js";
import { Collector } from "../measure/collector.js";
import { type Farm, farmNetwork } from "../measure/farm.js";
import { Stand } from "../measure/stand.js";
import { untilChecked } from "../measure/steady.js";
import { TargetServer } from "../measure/target-server.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";
import type { Distribution, Outcome, RunOptions, Scenario } from "./scenario.js";

const PORT = 8080;
const [NEVER_FIN, TLS_TRICKLE] = [8081, 8082];
const DELAY_LOOP = 2;
const START_MS = 60_000;

/** How one server in a hundred behaves. */
const ills: readonly { readonly name: string; readonly farm: Pick<Farm, "check" | "port" | "from" | "ours"> }[] = [
  { name: "no answer to a SYN", farm: { check: "tcp", port: PORT, from: farmNetwork.holeFrom } },
  { name: "no answer to a FIN", farm: { check: "tcp", port: NEVER_FIN, from: 1 << 17, ours: ["close_with fin"] } },
  { name: "TLS a byte a second", farm: { check: "https", port: TLS_TRICKLE, from: 1 << 17 } },
];

type Ill = (typeof ills)[number];

async function measure(ill: Ill, checker: Checker, servers: number, seconds: number): Promise<Measured> {
  await using stand = await Stand.create("ours");
  const host = stand.host("ours");
  const target = await ArrivalTarget.start(host, PORT, farmNetwork.address, farmNetwork.addresses);
  await TargetServer.start(host, [
    { mode: "never-fin", port: NEVER_FIN },
    { mode: "tls-trickle", port: TLS_TRICKLE },
  ]);
  const bad = Math.round(servers / 100);
  const common = { delayLoopSeconds: DELAY_LOOP, timeoutSeconds: 5 };
  const farms: Farm[] = [
    { ...common, servers: servers - bad, check: "tcp", port: PORT },
    { ...common, servers: bad, ...ill.farm },
  ];
  await using running = await checker.start({ host, dir: stand.lan.dir, farms });
  const all = async (): Promise<boolean> => (await target.stats()).distinct >= servers - bad;
  await untilChecked(checker.name, running, START_MS, all);
  await sleep(6000); // the first of the bad ones are given up
  await target.expectEvery(DELAY_LOOP);
  await sleep(seconds * 1000);
  const stats = await target.stats();
  const removed = running.table()?.deleteDestination.count ?? 0;
  const wrong = removed > bad ? [`took ${removed - bad} healthy servers out`] : [];
  return { p99: latenessAt(stats, 0.99), max: latenessAt(stats, 1), quantiles: latenessMs(stats), wrong };
}

interface Measured {
  readonly p99: number;
  readonly max: number;
  readonly quantiles: Distribution["quantiles"];
  readonly wrong: readonly string[];
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const collected = new Collector();
  const distributions: Distribution[] = [];
  const servers = quick ? 1000 : 10_000;
  const checkers: Checker[] = [...(peers.has("keepalived") && !quick ? [keepalived] : []), holdfast];
  const chosen = quick ? ills.slice(0, 1) : ills;
  for (const ill of chosen)
    for (const checker of checkers) {
      say(`${ill.name}: ${checker.name}`);
      await collected.attempt(`${ill.name}, ${checker.name}`, async () => {
        const { p99, max, quantiles, wrong } = await measure(ill, checker, servers, quick ? 3 : 8);
        collected.add(ill.name, checker.name, "lateness of the others, p99", "ms", p99);
        collected.add(ill.name, checker.name, "lateness of the others, max", "ms", max);
        distributions.push({ case: ill.name, subject: checker.name, quantity: "lateness", unit: "ms", quantiles });
        collected.faults.push(...wrong.map((sentence) => `${ill.name}, ${checker.name}: ${sentence}`));
      });
    }
  return {
    conditions: { servers, "of them ill": "1 %", delay_loop: `${DELAY_LOOP} s`, connect_timeout: "5 s" },
    figures: collected.figures(),
    bounds: chosen.map(({ name }) => {
      const value = collected.most(name, "holdfast", "lateness of the others, p99");
      return { what: `${name}: lateness of the others, p99`, unit: "ms", value, most: 20 };
    }),
    distributions,
    faults: collected.faults,
  };
}

export const stall: Scenario = {
  name: "stall",
  question: "One target in a hundred stalls its checks: do the others wait for it?",
  peers: ["keepalived"],
  run,
};
