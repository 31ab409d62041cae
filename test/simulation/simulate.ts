import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { play } from "./cluster/cluster.js";
import type { Failover } from "./cluster/failover-watch.js";
import { faults } from "./cluster/faults.js";
import { playMany } from "./cluster/many.js";
import type { Schedule } from "./cluster/schedule.js";
import { story } from "./cluster/story.js";
import { timeline } from "./cluster/timeline.js";

/** Plays many schedules, or tells one. See CONTRIBUTING.md. */

const usage = `usage: npm run simulate -- [--schedules N] [--seed S] [--threads T] [--fault NAME]   play N schedules from seed S on
       npm run simulate -- --tell S [--fault NAME]    play seed S, made as small as it still fails, and print what happened
       npm run simulate -- --play JSON                play a schedule that was printed before
faults: ${faults.map((f) => f.name).join("; ")}`;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        schedules: { type: "string", default: "100000" },
        seed: { type: "string", default: "1" },
        threads: { type: "string", default: String(availableParallelism()) },
        fault: { type: "string" },
        tell: { type: "string" },
        play: { type: "string" },
      },
    });
    const known = values.fault === undefined || faults.some((f) => f.name === values.fault);
    const numbers = [values.schedules, values.seed, values.threads, values.tell ?? "0"];
    if (known && numbers.every((n) => /^\d{1,9}$/.test(n)) && Number(values.threads) > 0) return values;
  } catch (error) {
    console.error(String(error));
  }
  console.error(usage);
  process.exit(2);
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;

function distribution(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const parts = [
    ["least", sorted[0] ?? Number.NaN],
    ["median", at(sorted, 0.5)],
    ["p99", at(sorted, 0.99)],
    ["most", sorted.at(-1) ?? Number.NaN],
  ] as const;
  return parts.map(([name, value]) => `${name} ${value.toFixed(3)}`).join(", ");
}

function failoverLines(all: readonly Failover[]): readonly string[] {
  return (["crash", "stop"] as const).flatMap((after) => {
    const these = all.filter((f) => f.after === after);
    if (these.length === 0) return [];
    return [
      `${these.length} failovers after a ${after}: ${distribution(these.map((f) => f.took / f.interval))} intervals`,
      `  over the protocol's own time: ${distribution(these.map((f) => f.took - f.protocol))} ms`,
    ];
  });
}

const values = options();
if (values.tell !== undefined) {
  console.log(story(Number(values.tell), values.fault));
} else if (values.play !== undefined) {
  const schedule = JSON.parse(values.play) as Schedule;
  const fault = faults.find((f) => f.name === values.fault);
  console.log(timeline(schedule, play(schedule, { record: true, ...(fault === undefined ? {} : { fault }) })));
} else {
  const start = performance.now();
  let shown = start;
  const outcome = await playMany({
    seed: Number(values.seed),
    schedules: Number(values.schedules),
    threads: Number(values.threads),
    fault: values.fault,
    onProgress: (played, broken) => {
      if (performance.now() - shown < 10_000) return;
      shown = performance.now();
      const seeds = broken.map((b) => b.seed).join(", ");
      console.log(`${played} schedules played, ${seeds === "" ? "none" : `those of seed ${seeds}`} broke a rule`);
    },
  });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage();
  console.log(
    `${outcome.played} schedules in ${seconds.toFixed(1)} s (${((user + system) / 1e6).toFixed(1)} s of processors), ` +
      `${outcome.turns} turns of processes: ${outcome.brokenCount} broke a rule`,
  );
  for (const line of failoverLines(outcome.failovers)) console.log(line);
  for (const { seed, who, rule, what } of outcome.broken.slice(0, 20))
    console.log(`seed ${seed}: ${who}: ${rule}: ${what}`);
  const [first] = outcome.broken;
  if (first !== undefined) console.log(`\n${story(first.seed, values.fault)}`);
  process.exitCode = first === undefined ? 0 : 1;
}
