// Inside the guest: how long does it take from the first to the last of 5,000 destinations in an empty table?
// The writer is measured by itself (bench/ipvs.ts); both daemons are watched from outside, in the same way, beside it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Daemon, holdfast, keepalived, type Program } from "../../harness/daemon.js";
import { loadIpvs } from "../../harness/ipvs.js";
import { Lan, plainHosts } from "../../harness/lan.js";
import { compiled } from "../../harness/project.js";
import { until } from "../../harness/until.js";
import { speedSteps } from "../steps.js";
import { Results } from "./results.js";

const SERVICES = 50;
const DESTINATIONS_EACH = 100;
const LIMIT_MS = 500;
/** Interleaved. The machine below the guest has other work too: the fastest round is the one that it disturbed least. */
const ROUNDS = 5;
/** A look at a full table takes some 20 ms of the guest's one CPU, which the daemon has to go without. */
const LOOK_EVERY_MS = 100;

/** No checks: what has none is in service from the start, so the whole table is wanted at once. */
const config = Array.from({ length: SERVICES }, (_, service) => {
  const reals = Array.from(
    { length: DESTINATIONS_EACH },
    (_, i) => `  real_server 10.1.${service}.${i + 1} 80 {\n    weight 1\n  }`,
  );
  const head = `virtual_server 10.0.0.${service + 1} 80 {\n  lb_algo rr\n  lb_kind DR\n  protocol TCP`;
  return `${head}\n${reals.join("\n")}\n}`;
}).join("\n");

const results = new Results();
await using lan = await Lan.create(plainHosts("director"));
const director = lan.host("director");
await loadIpvs(director);

const took = { keepalived: [] as number[], holdfast: [] as number[], writer: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  took.writer.push(await writerAlone());
  took.keepalived.push(await daemonStart(keepalived));
  took.holdfast.push(await daemonStart(holdfast("kernel")));
}

await results.step(speedSteps.keepalived, () => describe(took.keepalived));
await results.step(speedSteps.holdfast, () => describe(took.holdfast));
await results.step(speedSteps.writer, () => {
  assert.ok(Math.min(...took.writer) < LIMIT_MS, describe(took.writer));
  return describe(took.writer);
});

/** @returns ms from the writer's first request to the kernel's last verdict */
async function writerAlone(): Promise<number> {
  const size = ["--services", String(SERVICES), "--destinations", String(DESTINATIONS_EACH)];
  const argv = [process.execPath, compiled("bench/ipvs.ts"), ...size];
  const report: unknown = JSON.parse(await director.exec(argv, { timeoutMs: 120_000 }));
  assert.ok(typeof report === "object" && report !== null && "fill" in report && typeof report.fill === "number");
  return report.fill;
}

/** @returns ms from the last look at an empty table to the first look at the whole one; so rather too long than too short */
async function daemonStart(program: Program): Promise<number> {
  const daemon = await director.start(program, config, ["--check"]);
  let lastEmpty = performance.now();
  const full = (): boolean => {
    const now = performance.now();
    const lines = tableLines(daemon);
    if (lines === 0) lastEmpty = now;
    return lines === SERVICES * (1 + DESTINATIONS_EACH);
  };
  await until(`${program.name} has added everything`, 120_000, full, LOOK_EVERY_MS);
  const milliseconds = performance.now() - lastEmpty;
  await daemon.stop();
  return milliseconds;
}

/** Services and destinations in the daemon's namespace, as its /proc shows them below three lines of titles. */
function tableLines(daemon: Daemon): number {
  let lines = 0;
  for (const octet of readFileSync(`/proc/${daemon.pid}/net/ip_vs`)) if (octet === 0x0a) lines++;
  return Math.max(0, lines - 3);
}

function describe(values: readonly number[]): string {
  return `best ${Math.min(...values).toFixed(0)} ms of ${values.map((value) => value.toFixed(0)).join(", ")} ms`;
}
