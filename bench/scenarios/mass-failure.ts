import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../test/harness/until.js";
import { ArrivalTarget } from "../measure/arrivals.js";
import { Collector } from "../measure/collector.js";
import { farmNetwork } from "../measure/farm.js";
import { machine } from "../measure/machine.js";
import { Stand } from "../measure/stand.js";
import { largestWhile, untilChecked } from "../measure/steady.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";
import type { Outcome, RunOptions, Scenario } from "./scenario.js";

const PORT = 8080;
const delayLoop = (quick: boolean): number => (quick ? 2 : 6);
const TIMEOUT = 1;
/** How long we wait before a server that is still in the table counts as forgotten. */
const PATIENCE_MS = 45_000;
const START_MS = 120_000;
const deaths = ["refused", "silent"] as const;
type Death = (typeof deaths)[number];

interface Size {
  readonly servers: number;
  /** Seconds. */
  readonly delay: number;
}

async function dieOnce(death: Death, checker: Checker, { servers, delay }: Size, collected: Collector): Promise<void> {
  await using stand = await Stand.create("ours"); // silence is for ever
  const host = stand.host("ours");
  const target = await ArrivalTarget.start(host, PORT, farmNetwork.address, farmNetwork.addresses);
  const farm = { servers, check: "tcp", port: PORT, delayLoopSeconds: delay, timeoutSeconds: TIMEOUT } as const;
  await using running = await checker.start({ host, dir: stand.lan.dir, farms: [farm] });
  const [of, subject] = [`${servers} ${death}`, checker.name];
  const all = async (): Promise<boolean> => (await target.stats()).distinct >= servers;
  await untilChecked(subject, running, START_MS, all);
  await sleep(delay * 1000); // every server has had its second check: nothing is left of the start

  /** What is in its table now. */
  const present = (): number => {
    const table = running.table();
    return (table?.newDestination.count ?? 0) - (table?.deleteDestination.count ?? 0);
  };
  const batchesBefore = running.table()?.batches.count ?? 0;
  if (present() !== servers) collected.faults.push(`${of}, ${subject}: ${present()} healthy servers in the table`);
  const before = running.time();
  const diedNs = death === "refused" ? await target.down() : await stand.silence(host);
  const largest = await largestWhile(
    () => running.memory().main,
    async () => {
      await until("all are out", PATIENCE_MS, () => present() <= 0, 50).catch(() => undefined); // told below as what it is
    },
  );
  const after = running.time();
  const table = running.table();
  const elapsed = (Number(process.hrtime.bigint()) - diedNs) / 1e9;
  const left = present();
  const seconds = (ns: number | undefined): number => ((ns ?? Number.NaN) - diedNs) / 1e9;
  const allOut = left === 0 ? seconds(table?.deleteDestination.lastNs) : elapsed;
  collected.add(of, subject, "until every one is out", "s", allOut);
  collected.add(of, subject, "still in the table then", "", left);
  collected.add(of, subject, "processors", "cores", (after.whole - before.whole) / 1e6 / elapsed);
  collected.add(of, subject, "RSS of the daemon, at most", "MiB", largest);
  collected.add(of, subject, "RSS with all helpers", "MiB", running.memory().all);
  if (subject !== "holdfast") return; // that a peer leaves dead servers in its table is a result, and no fault of this run
  collected.add(of, subject, "batches to the table", "", (table?.batches.count ?? 0) - batchesBefore);
  if (left > 0) collected.faults.push(`${of}: ${left} dead servers are in the table after ${elapsed.toFixed(0)} s`);
  const again = (table?.newDestination.count ?? 0) - servers;
  if (again > 0) collected.faults.push(`${of}: ${again} dead servers were put back and taken out again`);
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const collected = new Collector();
  const [servers, delay] = [quick ? 2000 : 50_000, delayLoop(quick)];
  const checkers: Checker[] = [...(peers.has("keepalived") ? [keepalived] : []), holdfast];
  for (const death of quick ? (["refused"] as const) : deaths)
    for (const checker of checkers) {
      say(`${servers} servers, ${death}: ${checker.name}`);
      await collected.attempt(`${death}, ${checker.name}`, () =>
        dieOnce(death, checker, { servers, delay }, collected),
      );
    }
  const bounds = (quick ? (["refused"] as const) : deaths).flatMap((death) => {
    const of = `${servers} ${death}`;
    const value = (quantity: string): number | undefined => collected.most(of, "holdfast", quantity);
    const most = delay + TIMEOUT + 1;
    return [
      { what: `${of}: until every one is out`, unit: "s", value: value("until every one is out"), most },
      { what: `${of}: processors`, unit: "cores", value: value("processors"), most: 2 },
      { what: `${of}: RSS of the daemon`, unit: "MiB", value: value("RSS of the daemon, at most"), most: 250 },
    ];
  });
  return {
    conditions: {
      "real servers": servers,
      delay_loop: `${delay} s`,
      connect_timeout: `${TIMEOUT} s, no retry`,
      "open files": `at most ${machine().openFiles} per process: checks under way are bounded by it`,
    },
    figures: collected.figures(),
    bounds,
    distributions: [],
    faults: collected.faults,
  };
}

export const massFailure: Scenario = {
  name: "mass-failure",
  question: "All servers die at once: how long until the last one is out of the table, and what does it take?",
  peers: ["keepalived"],
  run,
};
