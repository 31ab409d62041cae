import { setTimeout as sleep } from "node:timers/promises";
import type { Capture } from "../../test/harness/capture.js";
import { holdfast, keepalived, type Program } from "../../test/harness/daemon.js";
import type { Advert } from "../../test/harness/frames.js";
import type { Host } from "../../test/harness/host.js";
import { type HostSpec, Lan } from "../../test/harness/lan.js";
import { needs } from "../../test/harness/needs.js";
import { until } from "../../test/harness/until.js";
import { quantile, quantilesOf } from "../figures.js";
import { Collector } from "../measure/collector.js";
import { startVrrp, type VrrpDaemon } from "../measure/vrrp-daemon.js";
import type { Bound, Distribution, Outcome, RunOptions, Scenario } from "./scenario.js";

/** A virtual router id has 8 bits, so many instances need several segments. */
const PER_SEGMENT = 250;
const INTERVAL_MS = 1000;
/** Start of the last instance, and its election. */
const START_MS = 120_000;

const segmentsOf = (instances: number): readonly number[] =>
  Array.from({ length: Math.ceil(instances / PER_SEGMENT) }, (_, i) => i);
const hostSpec = (name: string, instances: number, host: number): HostSpec => ({
  name,
  links: segmentsOf(instances).map((i) => ({
    device: `eth${i}`,
    segment: `s${i}`,
    addresses: [`10.${i}.0.${host}/16`],
  })),
});

/** As operators run it where so many hang on one process; the machine has few processors, and a capture of all of it runs beside it. */
const GLOBALS = "global_defs {\n  vrrp_rt_priority 50\n  vrrp_rlimit_rttime 10000000\n}\n";

const instancesText = (instances: number, priority: number): string =>
  GLOBALS +
  Array.from({ length: instances }, (_, n) => {
    const [i, vrid] = [Math.floor(n / PER_SEGMENT), 1 + (n % PER_SEGMENT)];
    return `vrrp_instance V${i}_${vrid} {
  state BACKUP
  interface eth${i}
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int 1
  virtual_ipaddress { 10.${i}.1.${vrid}/16 }
}
`;
  }).join("");

async function virtualAddresses(host: Host): Promise<number> {
  return (await host.exec(["ip", "-o", "-4", "addr"])).split("\n").filter((line) => / 10\.\d+\.1\./.test(line)).length;
}

interface Size {
  readonly instances: number;
  readonly seconds: number;
}

interface Measured {
  readonly collected: Collector;
  readonly distributions: Distribution[];
}

const nameOf = ({ instances }: Size, role: "master" | "backup"): string => `${instances} instances, ${role}`;

/** One program sends all adverts, the other one hears them. */
async function measure(size: Size, master: Program, backup: Program, { collected, distributions }: Measured) {
  const { instances, seconds } = size;
  await using lan = await Lan.create([hostSpec("a", instances, 1), hostSpec("b", instances, 2)]);
  const [a, b] = [lan.host("a"), lan.host("b")];
  const sending = await startVrrp(a, master, lan.dir, instancesText(instances, 200));
  const whole = async (): Promise<boolean> => (await virtualAddresses(a)) === instances;
  await until(`${master.name} is master of ${instances}`, START_MS, whole, 500);
  const hearing = await startVrrp(b, backup, lan.dir, instancesText(instances, 100));
  await sleep(8000); // two master-down intervals, and what follows a start

  const captures = await Promise.all(segmentsOf(instances).map((i) => lan.capture(`s${i}`)));
  const before = [sending.time(), hearing.time()] as const;
  const start = performance.now();
  await sleep(seconds * 1000);
  const share = (of: VrrpDaemon, at: number): number => (of.time() - at) / 10 / (performance.now() - start);
  collected.add(nameOf(size, "master"), master.name, "processor", "%", share(sending, before[0]));
  collected.add(nameOf(size, "backup"), backup.name, "processor", "%", share(hearing, before[1]));

  const late = (await Promise.all(captures.map(lateness))).flat();
  const quantiles = quantilesOf(late);
  const of = nameOf(size, "master");
  collected.add(of, master.name, "advert late by, p99", "ms", quantile(quantiles, 0.99) ?? Number.NaN);
  collected.add(of, master.name, "advert late by, max", "ms", quantile(quantiles, 1) ?? Number.NaN);
  distributions.push({ case: of, subject: master.name, quantity: "advert late by", unit: "ms", quantiles });
  if (late.length < instances * (seconds - 2)) collected.faults.push(`${of}, ${master.name}: adverts are missing`);
  if ((await virtualAddresses(b)) > 0)
    collected.faults.push(`${nameOf(size, "backup")}, ${backup.name}: became master`);

  for (const [of, name, daemon] of [
    [nameOf(size, "master"), master.name, sending],
    [nameOf(size, "backup"), backup.name, hearing],
  ] as const) {
    collected.add(of, name, "resident memory", "kB", daemon.residentKb());
    const living = await daemon.livingKb();
    if (living !== undefined) collected.add(of, name, "living in the heap", "kB", living);
  }
}

/** How much longer than an interval each advert of each virtual router was in coming; early ones are not late. */
async function lateness(capture: Capture): Promise<number[]> {
  const last = new Map<number, number>();
  const late: number[] = [];
  for (const { vrid, at } of (await capture.frames()).filter((frame): frame is Advert => frame.kind === "advert")) {
    const before = last.get(vrid);
    last.set(vrid, at);
    if (before !== undefined) late.push(Math.max(0, at - before - INTERVAL_MS));
  }
  return late;
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const lacking = needs("root", "netns", "native", "keepalived", "tcpdump");
  if (lacking !== false) throw new Error(lacking);
  const into: Measured = { collected: new Collector(), distributions: [] };
  const small: Size = { instances: 100, seconds: quick ? 3 : 10 };
  const large: Size = { instances: 1500, seconds: 30 };
  const ours = holdfast("memory");
  const pairings = peers.has("keepalived")
    ? ([
        [ours, keepalived],
        [keepalived, ours],
      ] as const)
    : ([[ours, ours]] as const);
  for (const size of quick ? [small] : [small, large])
    for (const [master, backup] of pairings) {
      const what = `${size.instances} instances, ${master.name} is master and ${backup.name} backup`;
      say(what);
      await into.collected.attempt(what, () => measure(size, master, backup, into));
    }
  if (!quick) perInstance(small, large, into.collected);
  return {
    conditions: {
      advert_int: "1 s",
      class: "vrrp_rt_priority 50 for both",
      segments: `${PER_SEGMENT} virtual routers each`,
      "virtual addresses": "one per instance",
      processor: "all processes of the program: of ours launcher, daemon and spare",
      "memory per instance": `what ${large.instances} need less what ${small.instances} need`,
    },
    figures: into.collected.figures(),
    bounds: quick ? [] : boundsOf(large, into.collected),
    distributions: into.distributions,
    faults: into.collected.faults,
  };
}

const memories = ["resident memory", "living in the heap"] as const;
const per = (memory: (typeof memories)[number]): string => `${memory}, per instance`;

function perInstance(small: Size, large: Size, collected: Collector): void {
  for (const role of ["master", "backup"] as const)
    for (const subject of ["keepalived", "holdfast"])
      for (const memory of memories) {
        const [of100, ofAll] = [small, large].map((size) => collected.median(nameOf(size, role), subject, memory));
        if (of100 === undefined || ofAll === undefined) continue;
        const each = (ofAll - of100) / (large.instances - small.instances);
        collected.add(nameOf(large, role), subject, per(memory), "kB", each);
      }
}

function boundsOf(large: Size, collected: Collector): Bound[] {
  const value = (role: "master" | "backup", quantity: string): number | undefined =>
    collected.median(nameOf(large, role), "holdfast", quantity);
  const both = (["master", "backup"] as const).flatMap((role): Bound[] => [
    { what: `${nameOf(large, role)}: processor`, unit: "% of one", value: value(role, "processor"), most: 15 },
    ...memories.map((m): Bound => {
      return { what: `${nameOf(large, role)}: ${per(m)}`, unit: "kB", value: value(role, per(m)), most: 20 };
    }),
  ]);
  const late = "advert late by, max";
  return [...both, { what: `${nameOf(large, "master")}: ${late}`, unit: "ms", value: value("master", late), most: 20 }];
}

export const vrrpScale: Scenario = {
  name: "vrrp-scale",
  question: "1,500 virtual routers in one process: what do they cost, and are their adverts on time?",
  peers: ["keepalived"],
  run,
};
