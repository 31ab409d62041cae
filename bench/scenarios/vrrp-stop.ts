import { setTimeout as sleep } from "node:timers/promises";
import { backupPriority, describeRouter, type Router, skewTime } from "../../test/netns/pairing.js";
import type { Collector } from "../measure/collector.js";
import { FIRST_ARP, measureTakeOvers, type TakeOverCase } from "../measure/take-overs.js";
import type { VrrpPair, VrrpPairs } from "../measure/vrrp-pairs.js";
import type { Bound, Scenario } from "./scenario.js";

const caseOf = (router: Router): TakeOverCase => ({ name: describeRouter(router), router, pairs: 5, turns: 4 });
const cases = [caseOf({ version: 2, advertInt: 1000 }), caseOf({ version: 3, advertInt: 100 })];

/** One leaves after the other: its exit takes processor time on the machine where the next one's backup is waiting. */
const STAGGER_MS = 300;

async function lose(all: VrrpPairs, pairs: readonly VrrpPair[]): Promise<() => Promise<void>> {
  const stopping: Promise<void>[] = [];
  for (const { running } of pairs) {
    stopping.push(running.stop());
    await sleep(STAGGER_MS);
  }
  return async () => {
    await Promise.all(stopping);
    for (const pair of pairs) await all.restart(pair);
  };
}

/** At most 5 ms, or what keepalived needs in the same run. */
function bounds({ name }: TakeOverCase, collected: Collector): readonly Bound[] {
  const what = `${name}: ${FIRST_ARP}`;
  const theirs = collected.most(name, "keepalived", FIRST_ARP) ?? 0;
  const most = Number(Math.max(5, theirs).toFixed(2));
  return [
    { what: `${what}, median`, unit: "ms", value: collected.median(name, "holdfast", FIRST_ARP), most: 2 },
    { what: `${what}, max`, unit: "ms", value: collected.most(name, "holdfast", FIRST_ARP), most },
  ];
}

export const vrrpStop: Scenario = {
  name: "vrrp-stop",
  question: "The master is stopped: how long after its good-bye and the skew does the backup serve the address?",
  peers: ["keepalived"],
  run: (options) =>
    measureTakeOvers(options, {
      cases,
      quick: cases.slice(1),
      pair: (program) => ({ subject: program.name, master: program, backup: program }),
      lose,
      due: (router) => skewTime(router, backupPriority),
      fault: ({ lastOfMaster }) => (lastOfMaster.priority === 0 ? undefined : "the master left without a good-bye"),
      bounds,
      conditions: {
        subject:
          "master and backup are the same program; the master gets SIGTERM, and ends on the processors of the backup",
        "counted from": "the master's last advert of priority 0 on the wire, and the skew",
      },
    }),
};
