import { setTimeout as sleep } from "node:timers/promises";
import { keepalived } from "../../test/harness/daemon.js";
import { backupPriority, describeRouter, masterDownInterval, type Router } from "../../test/netns/pairing.js";
import type { Collector } from "../measure/collector.js";
import { FIRST_ARP, measureTakeOvers, type TakeOverCase } from "../measure/take-overs.js";
import type { VrrpPair, VrrpPairs } from "../measure/vrrp-pairs.js";
import type { Bound, Scenario } from "./scenario.js";

/** What happens to the master: nobody hears it any more, or it is killed with all of its processes. */
type Loss = "cut" | "kill";

interface Case extends TakeOverCase {
  readonly loss: Loss;
  /** ms; `max` undefined: no limit is asked for. */
  readonly median: number;
  readonly max?: number;
}

/** 20 rounds each: pairs x turns. */
function caseOf(
  router: Router,
  loss: Loss,
  [pairs, turns]: readonly [number, number],
  median: number,
  max?: number,
): Case {
  const name = `${describeRouter(router)}, ${loss === "cut" ? "link cut" : "killed"}`;
  return { name, router, loss, pairs, turns, median, ...(max === undefined ? {} : { max }) };
}

const cases: readonly Case[] = [
  caseOf({ version: 2, advertInt: 1000 }, "cut", [5, 4], 1.5, 5),
  caseOf({ version: 3, advertInt: 100 }, "cut", [5, 4], 1.5, 5),
  caseOf({ version: 3, advertInt: 100 }, "kill", [5, 4], 1.5, 5),
  caseOf({ version: 3, advertInt: 10 }, "cut", [2, 10], 2),
];

/** Between two losses of one turn: no take-over is to meet another, nor the command that caused it. */
const STAGGER_MS = 70;

async function lose(all: VrrpPairs, pairs: readonly VrrpPair[], { loss }: Case): Promise<() => Promise<void>> {
  for (const pair of pairs) {
    await (loss === "cut" ? all.cut(pair) : pair.running.crash());
    await sleep(STAGGER_MS);
  }
  return async () => {
    for (const pair of pairs) await (loss === "cut" ? all.heal(pair) : all.restart(pair));
  };
}

function bounds({ name, median, max }: Case, collected: Collector): readonly Bound[] {
  const what = `${name}: ${FIRST_ARP}`;
  const most = collected.most(name, "holdfast", FIRST_ARP);
  return [
    { what: `${what}, median`, unit: "ms", value: collected.median(name, "holdfast", FIRST_ARP), most: median },
    ...(max === undefined ? [] : [{ what: `${what}, max`, unit: "ms", value: most, most: max }]),
  ];
}

export const vrrpFailover: Scenario = {
  name: "vrrp-failover",
  question: "The master is lost: how long after the protocol's own deadline does the backup serve the address?",
  peers: ["keepalived"],
  run: (options) =>
    measureTakeOvers(options, {
      cases,
      quick: cases.slice(1, 2),
      pair: (backup) => ({ subject: backup.name, master: keepalived, backup }),
      lose,
      due: (router) => masterDownInterval(router, backupPriority),
      bounds,
      conditions: {
        subject: "the backup; every master is keepalived, so that all of them are lost in the same way",
        "counted from": "the master's last advert on the wire, 3 x advert_int and the skew",
      },
    }),
};
