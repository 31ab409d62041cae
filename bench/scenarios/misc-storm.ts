import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { descendants } from "../../test/harness/process-tree.js";
import { Collector } from "../measure/collector.js";
import { Stand } from "../measure/stand.js";
import { costOf, largestWhile, untilChecked } from "../measure/steady.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";
import { ratio } from "../report/verdict.js";
import type { Bound, Outcome, RunOptions, Scenario } from "./scenario.js";

const START_MS = 60_000;
/** `checker_max_processes` by default. */
const MOST_PROCESSES = 256;
const COST = "processor per run, without the program's own";
const AT_ONCE = "programs at once";

export interface Case {
  readonly name: string;
  /** What the program does after it has said that it runs. */
  readonly work: string;
  readonly slow?: true;
}

const cases: readonly Case[] = [
  { name: "programs that end at once", work: "exit 0" },
  { name: "programs that take 3 s", work: "exec sleep 3", slow: true },
];

/** A server per check, each with an argument of its own, so that no two are the same check. */
function configOf(servers: number, program: string): string {
  const lines = ["global_defs {", "  script_user root", "  enable_script_security", "}"];
  for (let first = 0; first < servers; first += 250) {
    lines.push(`virtual_server 172.16.${first / 250}.1 80 {`, "  delay_loop 1", "  lvs_sched wrr", "  lvs_method NAT");
    for (let n = first; n < Math.min(first + 250, servers); n++) {
      lines.push(`  real_server 10.64.${n >> 8}.${n & 255} 80 {`, "    weight 1", "    MISC_CHECK {");
      lines.push(`      misc_path "${program} ${n}"`, "      misc_timeout 10", "    }", "  }");
    }
    lines.push("}");
  }
  return `${lines.join("\n")}\n`;
}

class Rounds {
  readonly collected = new Collector();
  readonly #stand: Stand;
  readonly #servers: number;
  readonly #seconds: number;
  #runs = 0;

  constructor(stand: Stand, servers: number, seconds: number) {
    this.#stand = stand;
    this.#servers = servers;
    this.#seconds = seconds;
  }

  async checker({ name, work, slow }: Case, checker: Checker): Promise<void> {
    const { dir } = this.#stand.lan;
    const [program, ran] = [path.join(dir, `misc-${this.#runs}`), path.join(dir, `ran-${this.#runs++}`)];
    writeFileSync(ran, "");
    writeFileSync(program, `#!/bin/sh\nprintf . >> ${ran}\n${work}\n`);
    chmodSync(program, 0o755);
    /** An octet each: appending is atomic. */
    const started = (): Promise<number> => Promise.resolve(statSync(ran).size);
    const head = configOf(this.#servers, program);
    await using running = await checker.start({ host: this.#stand.host("ours"), dir, farms: [], head });
    const pid = process.pid;
    const programs = (): number => programsBelow(pid, program, slow === true);
    await untilChecked(checker.name, running, START_MS, async () => (await started()) >= this.#servers);
    await sleep(500);
    let cost: Awaited<ReturnType<typeof costOf>> | undefined;
    const most = await largestWhile(programs, async () => {
      cost = await costOf(running, started, this.#seconds);
    });
    if (cost === undefined) return;
    if (slow !== true) this.collected.add(name, checker.name, COST, "µs", cost.whole);
    this.collected.add(name, checker.name, "runs", "/s", cost.perSecond);
    this.collected.add(name, checker.name, AT_ONCE, "", most);
    const removed = running.table()?.deleteDestination.count ?? 0;
    if (removed > 0) this.collected.faults.push(`${name}, ${checker.name}: took ${removed} healthy servers out`);
    if (checker === holdfast && most > MOST_PROCESSES)
      this.collected.faults.push(`${name}: ${most} programs at once, ${MOST_PROCESSES} are allowed`);
  }
}

/** Processes below this one that run the program, or what it became. */
function programsBelow(pid: number, program: string, isSlow: boolean): number {
  return descendants(pid).filter((child) => {
    const words = commandOf(child);
    return words.includes(program) || (isSlow && words[0] === "sleep" && words[1] === "3");
  }).length;
}

function commandOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
  } catch {
    return []; // ended meanwhile
  }
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  await using stand = await Stand.create("ours");
  const servers = quick ? 100 : 2000;
  const rounds = new Rounds(stand, servers, quick ? 1.5 : 5);
  for (let round = 0; round < (quick ? 1 : 3); round++)
    for (const of of cases)
      for (const checker of [...(peers.has("keepalived") ? [keepalived] : []), holdfast]) {
        say(`round ${round + 1}: ${of.name}, ${checker.name}`);
        await rounds.collected.attempt(`${of.name}, ${checker.name}`, () => rounds.checker(of, checker));
      }
  const { collected } = rounds;
  return {
    conditions: { servers, delay_loop: "1 s", "programs at once": `${MOST_PROCESSES}, keepalived without bound` },
    figures: collected.figures(),
    bounds: quick ? [] : boundsOf(collected),
    distributions: [],
    faults: collected.faults,
  };
}

function boundsOf(collected: Collector): readonly Bound[] {
  const cost = (subject: string): number | undefined => collected.median(cases[0]?.name ?? "", subject, COST);
  const most = collected.most(cases[1]?.name ?? "", "holdfast", AT_ONCE);
  return [
    {
      what: "one run: holdfast to keepalived",
      unit: "times",
      value: ratio(cost("holdfast"), cost("keepalived")),
      most: 1,
    },
    { what: "slow programs: at once", unit: "", value: most, most: MOST_PROCESSES },
  ];
}

export const miscStorm: Scenario = {
  name: "misc-storm",
  question:
    "2,000 MISC_CHECKs of 1 s: what does one run cost, and how many programs are there at once when they are slow?",
  peers: ["keepalived"],
  run,
};
