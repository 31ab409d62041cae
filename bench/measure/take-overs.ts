import { holdfast, keepalived, type Program } from "../../test/harness/daemon.js";
import { needs } from "../../test/harness/needs.js";
import { backupPriority, type Router } from "../../test/netns/pairing.js";
import { quantilesOf } from "../figures.js";
import type { Bound, Distribution, Outcome, RunOptions } from "../scenarios/scenario.js";
import { Collector } from "./collector.js";
import { type PairSpec, type TakeOver, type VrrpPair, VrrpPairs } from "./vrrp-pairs.js";

export const FIRST_ARP = "to first gratuitous ARP";

export interface TakeOverCase {
  readonly name: string;
  readonly router: Router;
  /** Pairs of one program at once: each is a process that has not taken over before. */
  readonly pairs: number;
  readonly turns: number;
}

/** How a scenario takes masters away, and what it asks of those who take over. */
export interface TakeOvers<Case extends TakeOverCase> {
  readonly cases: readonly Case[];
  /** One turn of it in the quick form. */
  readonly quick: readonly Case[];
  readonly pair: (program: Program) => PairSpec;
  /** Takes away the master of each pair. @returns what brings them back when all has been seen */
  readonly lose: (all: VrrpPairs, pairs: readonly VrrpPair[], of: Case) => Promise<() => Promise<void>>;
  /** ms from the last advert of the master until the protocol lets the backup act. */
  readonly due: (router: Router) => number;
  /** What is wrong with the master's end. */
  readonly fault?: (one: TakeOver) => string | undefined;
  readonly bounds: (of: Case, collected: Collector) => readonly Bound[];
  readonly conditions: Readonly<Record<string, string>>;
}

/** keepalived and holdfast in turns. Needs root. */
export async function measureTakeOvers<Case extends TakeOverCase>(
  { quick, peers, say }: RunOptions,
  how: TakeOvers<Case>,
): Promise<Outcome> {
  const lacking = needs("root", "netns", "native", "keepalived", "tcpdump");
  if (lacking !== false) throw new Error(lacking);
  const collected = new Collector();
  const programs = [...(peers.has("keepalived") ? [keepalived] : []), holdfast("memory")];
  const cases = quick ? how.quick.map((of) => ({ ...of, pairs: 2, turns: 1 })) : how.cases;
  const measure = async (of: Case): Promise<void> => {
    const specs = Array.from({ length: of.pairs }, () => programs.map(how.pair)).flat();
    await using all = await VrrpPairs.start(of.router, specs);
    for (let i = 0; i < of.turns; i++)
      for (const { name } of programs) {
        say(`${of.name}, turn ${i + 1}: ${name}`);
        await turn(all, name, of, how, collected);
      }
  };
  for (const of of cases) await collected.attempt(of.name, () => measure(of));
  return {
    conditions: {
      ...how.conditions,
      priority: backupPriority,
      pairs: cases.map((of) => `${of.pairs} at once, ${of.turns} times (${of.name})`).join("; "),
    },
    figures: collected.figures(),
    bounds: quick ? [] : cases.flatMap((of) => how.bounds(of, collected)),
    distributions: cases.flatMap((of) => programs.map(({ name }) => distributionOf(of, name, collected))),
    faults: collected.faults,
  };
}

async function turn<Case extends TakeOverCase>(
  all: VrrpPairs,
  subject: string,
  of: Case,
  how: TakeOvers<Case>,
  collected: Collector,
): Promise<void> {
  const pairs = all.of(subject);
  const from = await all.mark();
  const restore = await how.lose(all, pairs, of);
  const seen = await all.takeOvers(pairs, from);
  for (const [i, one] of seen.entries()) {
    const what = `${of.name}, ${subject}: ${pairs[i]?.vip}`;
    const wrong = one === undefined ? "nobody took it over" : how.fault?.(one);
    if (wrong !== undefined) collected.faults.push(`${what}: ${wrong}`);
    if (one === undefined || wrong !== undefined) continue;
    const deadline = one.lastOfMaster.at + how.due(of.router);
    if (one.firstAdvert < deadline)
      collected.faults.push(`${what}: taken over ${(deadline - one.firstAdvert).toFixed(2)} ms too early`);
    collected.add(of.name, subject, "to first advert", "ms", one.firstAdvert - deadline);
    collected.add(of.name, subject, FIRST_ARP, "ms", one.firstArp - deadline);
  }
  await restore();
  await all.settle(pairs);
}

function distributionOf({ name }: TakeOverCase, subject: string, collected: Collector): Distribution {
  const quantiles = quantilesOf(collected.rounds(name, subject, FIRST_ARP));
  return { case: name, subject, quantity: FIRST_ARP, unit: "ms", quantiles };
}
