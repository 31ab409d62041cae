import { setTimeout as sleep } from "node:timers/promises";
import { holdfast, keepalived, type Program } from "../../test/harness/daemon.js";
import { Lan } from "../../test/harness/lan.js";
import { needs } from "../../test/harness/needs.js";
import { until } from "../../test/harness/until.js";
import { AddressWatch } from "../measure/address-watch.js";
import { Collector } from "../measure/collector.js";
import { startVrrp } from "../measure/vrrp-daemon.js";
import { ratio } from "../report/verdict.js";
import type { Bound, Outcome, RunOptions, Scenario } from "./scenario.js";

/** A virtual router id has 8 bits, so many instances need several interfaces. */
const PER_INTERFACE = 250;
const WITHIN_MS = 180_000;

interface Case {
  readonly name: string;
  readonly lines: string;
}

/** With nothing to wait for, and as most people have it: an election of 3.x s is part of it, the same for all. */
const cases: readonly Case[] = [
  { name: "owner of the addresses", lines: "state MASTER\n  priority 255" },
  { name: "elected", lines: "state BACKUP\n  priority 200" },
];

const placeOf = (n: number) => ({ i: Math.floor(n / PER_INTERFACE), vrid: 1 + (n % PER_INTERFACE) });

const configText = (instances: number, { lines }: Case): string =>
  Array.from({ length: instances }, (_, n) => {
    const { i, vrid } = placeOf(n);
    return `vrrp_instance V${i}_${vrid} {
  ${lines}
  interface eth${i}
  use_vmac v${i}_${vrid}
  virtual_router_id ${vrid}
  advert_int 1
  virtual_ipaddress { 10.${i}.1.${vrid}/16 }
}
`;
  }).join("");

const wanted = (instances: number): readonly string[] =>
  Array.from({ length: instances }, (_, n) => {
    const { i, vrid } = placeOf(n);
    return `10.${i}.1.${vrid} v${i}_${vrid}`;
  });

async function measure(of: Case, instances: number, program: Program, collected: Collector): Promise<void> {
  const links = Array.from({ length: Math.ceil(instances / PER_INTERFACE) }, (_, i) => {
    return { device: `eth${i}`, segment: `s${i}`, addresses: [`10.${i}.0.1/16`] };
  });
  await using lan = await Lan.create([{ name: "a", links }]);
  const host = lan.host("a");
  using watch = await AddressWatch.start(host);
  await sleep(200); // it listens
  const start = Date.now();
  const running = await startVrrp(host, program, lan.dir, configText(instances, of));
  const keys = wanted(instances);
  const all = (): boolean => watch.seen.size >= instances && keys.every((key) => watch.seen.has(key));
  try {
    await until(`${program.name} has all its addresses`, WITHIN_MS, all, 200);
  } catch (error) {
    throw new Error(`${watch.seen.size} of ${instances} addresses came`, { cause: error });
  }
  const times = keys.map((key) => watch.seen.get(key) ?? Number.NaN);
  collected.add(of.name, program.name, "to the first address", "s", (Math.min(...times) - start) / 1000);
  collected.add(of.name, program.name, "to the last address", "s", (Math.max(...times) - start) / 1000);
  collected.add(of.name, program.name, "processor until then", "s", running.time() / 1e6);
  collected.add(of.name, program.name, "resident memory", "kB", running.residentKb());
}

async function run({ quick, peers, say }: RunOptions): Promise<Outcome> {
  const lacking = needs("root", "netns", "native", "keepalived");
  if (lacking !== false) throw new Error(lacking);
  const collected = new Collector();
  const programs = [...(peers.has("keepalived") ? [keepalived] : []), holdfast("memory")];
  const [instances, rounds] = quick ? [50, 1] : [1000, 3];
  for (let round = 0; round < rounds; round++)
    for (const of of quick ? cases.slice(0, 1) : cases)
      for (const program of programs) {
        say(`${of.name}, round ${round + 1}: ${program.name}`);
        await collected.attempt(`${of.name}, ${program.name}`, () => measure(of, instances, program, collected));
      }
  return {
    conditions: {
      instances,
      interfaces: `${PER_INTERFACE} VMACs each`,
      "counted from": "just before the process is made, to the kernel's notice of the last address on its VMAC",
      advert_int: "1 s",
    },
    figures: collected.figures(),
    bounds: quick ? [] : cases.map((of) => boundOf(of, collected)),
    distributions: [],
    faults: collected.faults,
  };
}

function boundOf({ name }: Case, collected: Collector): Bound {
  const time = (subject: string): number | undefined => collected.median(name, subject, "to the last address");
  const value = ratio(time("holdfast"), time("keepalived"));
  return { what: `${name}: to the last address, holdfast to keepalived`, unit: "times", value, most: 1 };
}

export const vrrpStart: Scenario = {
  name: "vrrp-start",
  question: "How long does a start take until the last of 1,000 VMACs has its address?",
  peers: ["keepalived"],
  run,
};
