import { parentPort, workerData } from "node:worker_threads";
import { play } from "./cluster.js";
import type { Failover } from "./failover-watch.js";
import { faults } from "./faults.js";
import { generate } from "./generate.js";

/** Seeds to play. Undefined ends the thread. */
export interface ToThread {
  readonly from: number;
  readonly count: number;
}

export interface Broken {
  readonly seed: number;
  readonly rule: string;
  readonly who: string;
  readonly what: string;
}

export interface FromThread {
  readonly played: number;
  readonly turns: number;
  readonly broken: readonly Broken[];
  readonly failovers: readonly Failover[];
}

const port = parentPort;
const { fault: name } = workerData as { readonly fault: string | undefined };
const fault = faults.find((f) => f.name === name);

port?.on("message", (portion: ToThread | undefined) => {
  if (portion === undefined) port.close();
  else void playPortion(portion).then((done) => port.postMessage(done));
});

async function playPortion({ from, count }: ToThread): Promise<FromThread> {
  const broken: Broken[] = [];
  const failovers: Failover[] = [];
  let turns = 0;
  for (let seed = from; seed < from + count; seed++) {
    const outcome = play(generate(seed), fault === undefined ? {} : { fault });
    await Promise.resolve(); // promises of routers that have stopped hold all of a story until they get a turn
    turns += outcome.turns;
    failovers.push(...outcome.failovers);
    if (outcome.violation === undefined) continue;
    const { rule, who, what } = outcome.violation;
    broken.push({ seed, rule, who, what });
  }
  return { played: count, turns, broken, failovers };
}
