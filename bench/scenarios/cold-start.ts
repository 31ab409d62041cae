import { until } from "../../test/harness/until.js";
import { ArrivalTarget } from "../measure/arrivals.js";
import { Collector } from "../measure/collector.js";
import { farmNetwork } from "../measure/farm.js";
import { Stand } from "../measure/stand.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";
import { ratio } from "../report/verdict.js";
import type { Outcome, RunOptions, Scenario } from "./scenario.js";

const PORT = 8080;
const WITHIN_MS = 120_000;

async function startOnce(stand: Stand, checker: Checker, servers: number, collected: Collector): Promise<void> {
  const host = stand.host("ours");
  await using target = await ArrivalTarget.start(host, PORT, farmNetwork.address, farmNetwork.addresses);
  const farm = { servers, check: "tcp", port: PORT, delayLoopSeconds: 6, timeoutSeconds: 3, perService: 16 } as const;
  const of = `${servers} real servers`;
  await using running = await checker.start({ host, dir: stand.lan.dir, farms: [farm] });
  const full = (): boolean => (running.table()?.newDestination.count ?? 0) >= servers;
  await until(`${checker.name} has its full table`, WITHIN_MS, full, 20);
  await until(`${checker.name} checks`, WITHIN_MS, async () => (await target.stats()).distinct > 0, 20);
  const seconds = (ns: number): number => (ns - running.startedNs) / 1e9;
  collected.add(of, checker.name, "to full table", "s", seconds(running.table()?.newDestination.lastNs ?? Number.NaN));
  collected.add(of, checker.name, "to first check", "s", seconds((await target.stats()).firstNs));
  await until(
    `${checker.name} has checked all`,
    WITHIN_MS,
    async () => (await target.stats()).distinct >= servers,
    100,
  );
  collected.add(of, checker.name, "to every server checked", "s", seconds((await target.stats()).newestNs));
  const removed = running.table()?.deleteDestination.count ?? 0;
  if (removed > 0) collected.faults.push(`${of}, ${checker.name}: took ${removed} healthy servers out`);
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const collected = new Collector();
  await using stand = await Stand.create("ours");
  const checkers: Checker[] = [...(peers.has("keepalived") ? [keepalived] : []), holdfast];
  const sizes = quick ? [1000] : [5000, 37_000];
  for (const servers of sizes)
    for (let round = 0; round < (quick ? 1 : servers > 10_000 ? 2 : 4); round++)
      for (const checker of checkers) {
        say(`${servers} real servers, round ${round + 1}: ${checker.name}`);
        await collected.attempt(`${servers}, ${checker.name}`, () => startOnce(stand, checker, servers, collected));
      }
  const bounds = sizes.map((servers) => {
    const time = (subject: string): number | undefined =>
      collected.median(`${servers} real servers`, subject, "to full table");
    const value = ratio(time("holdfast"), time("keepalived"));
    return { what: `full table of ${servers}, holdfast to keepalived`, unit: "times", value, most: 1 };
  });
  return {
    conditions: { "real servers": sizes.join(", "), delay_loop: "6 s", "real servers per virtual server": 16 },
    figures: collected.figures(),
    bounds,
    distributions: [],
    faults: collected.faults,
  };
}

export const coldStart: Scenario = {
  name: "cold-start",
  question: "How long from the start of the process to the first check and to the full table?",
  peers: ["keepalived"],
  run,
};
