import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { needs } from "../../test/harness/needs.js";
import { compiled } from "../../test/harness/project.js";
import { runInUml } from "../../test/harness/uml.js";
import { Collector } from "../measure/collector.js";
import { Stand } from "../measure/stand.js";
import { type StartTime, startTime } from "../measure/start-time.js";
import { holdfast } from "../peers/holdfast.js";
import { keepalived } from "../peers/keepalived.js";
import type { Checker } from "../peers/peer.js";
import { ratio } from "../report/verdict.js";
import { type GuestStart, guestDelayLoopSeconds, guestReport } from "./cold-start-guest.js";
import type { Bound, Outcome, RunOptions, Scenario } from "./scenario.js";

/** `servers` and how often. */
type Size = readonly [servers: number, rounds: number];

const WITHIN_MS = 120_000;
const inKernel = (servers: number): string => `${servers} real servers, kernel's table`;
const inMemory = (servers: number): string => `${servers} real servers, no kernel`;

function note(collected: Collector, of: string, subject: string, time: StartTime): void {
  collected.add(of, subject, "to full table", "s", time.toFullTable);
  collected.add(of, subject, "to first check", "s", time.toFirstCheck);
  if (time.toAllChecked !== undefined) collected.add(of, subject, "to every server checked", "s", time.toAllChecked);
  if (time.removed > 0) collected.faults.push(`${of}, ${subject}: took ${time.removed} healthy servers out`);
}

/** Nobody waits for a kernel: what each program itself needs. */
async function onThisMachine(
  sizes: readonly Size[],
  checkers: readonly Checker[],
  say: RunOptions["say"],
  collected: Collector,
): Promise<void> {
  await using stand = await Stand.create("ours");
  const start = { host: stand.host("ours"), dir: stand.lan.dir, delayLoopSeconds: 6, withinMs: WITHIN_MS };
  for (const [servers, rounds] of sizes)
    for (let round = 0; round < rounds; round++)
      for (const checker of checkers) {
        const of = inMemory(servers);
        say(`${of}, round ${round + 1}: ${checker.name}`);
        await collected.attempt(`${of}, ${checker.name}`, async () =>
          note(collected, of, checker.name, await startTime(checker, { ...start, servers, untilAllChecked: true })),
        );
      }
}

/** What an operator waits for: each writes its table into a kernel. */
async function inGuest(
  sizes: readonly Size[],
  checkers: readonly Checker[],
  say: RunOptions["say"],
  collected: Collector,
): Promise<void> {
  const dir = await mkdtemp(path.join(tmpdir(), "holdfast-bench-"));
  try {
    const argv = [process.execPath, compiled("bench/scenarios/cold-start-guest.ts")];
    argv.push(checkers.map(({ name }) => name).join(), ...sizes.flat().map(String));
    const onOutput = (text: string): void => say(text.trim());
    const { exitCode, output } = await runInUml({ argv, resultsDir: dir, timeoutMs: 600_000, onOutput });
    if (exitCode !== 0) throw new Error(`the guest ended with ${exitCode ?? "nothing"}:\n${output.slice(-2000)}`);
    const results = JSON.parse(await readFile(path.join(dir, guestReport), "utf8")) as readonly GuestStart[];
    for (const { servers, subject, result } of results) {
      if (typeof result === "string") collected.faults.push(`${inKernel(servers)}, ${subject}: ${result}`);
      else note(collected, inKernel(servers), subject, result);
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const lacking = needs("root", "native", "uml", "keepalived");
  if (lacking !== false) throw new Error(lacking);
  const collected = new Collector();
  const checkers: Checker[] = [...(peers.has("keepalived") ? [keepalived] : []), holdfast];
  const sizes: readonly Size[] = quick
    ? [[1000, 1]]
    : [
        [5000, 4],
        [37_000, 2],
      ];
  await collected.attempt("in the guest", () => inGuest(sizes, checkers, say, collected));
  await onThisMachine(sizes, checkers, say, collected);
  return {
    conditions: {
      "real servers": sizes.map(([servers]) => servers).join(", "),
      "real servers per virtual server": 16,
      "kernel's table": `in User Mode Linux, one processor: ratios hold, times do not; delay_loop ${guestDelayLoopSeconds} s`,
      "no kernel": "keepalived's commands are answered by a library, ours by a table in memory; delay_loop 6 s",
    },
    figures: collected.figures(),
    bounds: quick
      ? []
      : [inKernel, inMemory].flatMap((of) => sizes.map(([servers]) => boundOf(of(servers), collected))),
    distributions: [],
    faults: collected.faults,
  };
}

function boundOf(of: string, collected: Collector): Bound {
  const time = (subject: string): number | undefined => collected.median(of, subject, "to full table");
  const value = ratio(time("holdfast"), time("keepalived"));
  return { what: `full table of ${of}, holdfast to keepalived`, unit: "times", value, most: 1 };
}

export const coldStart: Scenario = {
  name: "cold-start",
  question: "How long from the start of the process to the first check and to the full table?",
  peers: ["keepalived"],
  run,
};
