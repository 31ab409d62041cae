import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { needs } from "../../test/harness/needs.js";
import { compiled } from "../../test/harness/project.js";
import { runInUml } from "../../test/harness/uml.js";
import { Collector } from "../measure/collector.js";
import { ratio } from "../report/verdict.js";
import { type GuestRound, guestReport } from "./ipvs-rate-guest.js";
import type { Bound, Outcome, RunOptions, Scenario } from "./scenario.js";

const work = ["added", "reweighted", "removed"] as const;

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const lacking = needs("root", "native", "uml", "keepalived");
  if (lacking !== false) throw new Error(lacking);
  const [services, each, rounds] = quick ? [5, 100, 1] : [50, 100, 3];
  const dir = await mkdtemp(path.join(tmpdir(), "holdfast-bench-"));
  const collected = new Collector();
  try {
    const argv = [process.execPath, compiled("bench/scenarios/ipvs-rate-guest.ts")];
    const words = [services, each, rounds, peers.has("keepalived") ? "keepalived" : "alone"].map(String);
    const job = {
      argv: [...argv, ...words],
      resultsDir: dir,
      timeoutMs: 600_000,
      onOutput: (text: string) => say(text.trim()),
    };
    const { exitCode, output } = await runInUml(job);
    if (exitCode !== 0) throw new Error(`the guest ended with ${exitCode ?? "nothing"}:\n${output.slice(-2000)}`);
    const results = JSON.parse(await readFile(path.join(dir, guestReport), "utf8")) as readonly GuestRound[];
    for (const { subject, seconds, faults } of results) {
      for (const what of work) collected.add(what, subject, "destinations", "/s", (services * each) / seconds[what]);
      collected.faults.push(...faults.map((fault) => `${subject}: ${fault}`));
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  return {
    conditions: {
      destinations: services * each,
      services,
      where: "User Mode Linux, one processor: ratios hold, rates do not",
    },
    figures: collected.figures(),
    bounds: quick ? [] : work.flatMap((what) => boundsOf(what, collected)),
    distributions: [],
    faults: collected.faults,
  };
}

/** Daemons are compared as they start and reload; what our writer could do at best with what it alone has to do. */
function boundsOf(what: string, collected: Collector): readonly Bound[] {
  const rate = (subject: string): number | undefined => collected.median(what, subject, "destinations");
  const peer = ratio(rate("holdfast"), rate("keepalived"));
  const bare = ratio(rate("holdfast's writer"), rate("bare loop"));
  return [
    { what: `${what}: holdfast to keepalived`, unit: "times", value: peer, least: 15 },
    { what: `${what}: holdfast's writer to a bare C++ loop`, unit: "times", value: bare, least: 0.6 },
  ];
}

export const ipvsRate: Scenario = {
  name: "ipvs-rate",
  question: "How many destinations a second are added, reweighted and removed in the kernel's IPVS table?",
  peers: ["keepalived"],
  run,
};
