/** Inside the guest of ipvs-rate.ts. Arguments: services, destinations of each, rounds, `keepalived` or `alone`. */
import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Daemon, holdfast, keepalived, type Program } from "../../test/harness/daemon.js";
import type { Host } from "../../test/harness/host.js";
import { loadIpvs } from "../../test/harness/ipvs.js";
import { Lan, plainHosts } from "../../test/harness/lan.js";
import { compiled } from "../../test/harness/project.js";
import { guestResults } from "../../test/harness/uml.js";
import { until } from "../../test/harness/until.js";
import { benchProgram } from "../measure/programs.js";
import { type CommandCount, readTableCounts } from "../measure/table-counts.js";

export const guestReport = "ipvs-rate.json";

export interface GuestRound {
  readonly subject: string;
  readonly seconds: { readonly added: number; readonly reweighted: number; readonly removed: number };
  readonly faults: readonly string[];
}

/** As bench/native/bare_ipvs.cc is to do it: what our batcher sends at least in a virtual machine (SMALLEST_CHUNK of batcher.ts). */
const BATCH = 128;
const WITHIN_MS = 60_000;

interface Size {
  readonly services: number;
  readonly each: number;
}

/** No checks: what has none is in service from the start, so the whole table is wanted at once. One server of each always stays. */
function config({ services, each }: Size, weight: number, present: boolean): string {
  const real = (service: number, n: number): string =>
    `  real_server 10.1.${service}.${n + 1} 80 {\n    weight ${n === each ? 1 : weight}\n  }`;
  return Array.from({ length: services }, (_, service) => {
    const reals = Array.from({ length: present ? each : 0 }, (_, n) => real(service, n));
    const head = `virtual_server 10.0.0.${service + 1} 80 {\n  lb_algo rr\n  lb_kind DR\n  protocol TCP`;
    return [head, ...reals, real(service, each), "}"].join("\n");
  }).join("\n");
}

/** Adds, reweights and removes `size` on a host without a table. `dir` is for files. */
type Subject = (host: Host, size: Size, dir: string) => Promise<GuestRound>;

let runs = 0;

const daemonRound =
  (program: Program): Subject =>
  async (host, size, dir) => {
    const file = path.join(dir, `${runs++}.counts`);
    const probe = pathToFileURL(compiled("bench/peers/table-probe.ts")).href;
    const watch =
      program.name === "holdfast"
        ? `NODE_OPTIONS=--import ${probe}`
        : `LD_PRELOAD=${benchProgram("ipvs_watch_preload.so")}`;
    const argv = ["env", `HOLDFAST_IPVS_COUNTS=${file}`, watch, ...program.argv];
    await using daemon = await host.start({ name: program.name, argv }, config(size, 1, true), ["--check"]);
    const all = size.services * size.each;
    const wait = async (what: string, of: () => CommandCount, count: number): Promise<number> => {
      await until(`${program.name} has ${what}`, WITHIN_MS, () => of().count >= count, 50);
      const { firstNs, lastNs } = of();
      return (lastNs - firstNs) / 1e9;
    };
    const added = await wait("added all", () => readTableCounts(file).newDestination, all + size.services);
    await reload(daemon, config(size, 2, true));
    const reweighted = await wait("reweighted all", () => readTableCounts(file).setDestination, all);
    await reload(daemon, config(size, 2, false));
    const removed = await wait("removed all", () => readTableCounts(file).deleteDestination, all);
    const left = await tableLines(host);
    const faults =
      left === 2 * size.services ? [] : [`${left} lines of table are left instead of ${2 * size.services}`];
    await daemon.stop();
    // The first `services` of the destinations that were added are the ones that stay; all count for the rate.
    return {
      subject: program.name,
      seconds: { added: (added * all) / (all + size.services), reweighted, removed },
      faults,
    };
  };

async function reload(daemon: Daemon, text: string): Promise<void> {
  await writeFile(`${daemon.files.config}.new`, text);
  await rename(`${daemon.files.config}.new`, daemon.files.config);
  daemon.signal("SIGHUP");
}

const tableLines = async (host: Host): Promise<number> =>
  (await host.exec(["ipvsadm", "-Sn"])).split("\n").filter((line) => line !== "").length;

async function bareRound(host: Host, { services, each }: Size): Promise<GuestRound> {
  const argv = [benchProgram("bare_ipvs"), String(services), String(each), String(BATCH)];
  const answer = JSON.parse(await host.exec(argv)) as Record<"added_us" | "reweighted_us" | "removed_us", number>;
  const { added_us, reweighted_us, removed_us } = answer;
  const seconds = { added: added_us / 1e6, reweighted: reweighted_us / 1e6, removed: removed_us / 1e6 };
  return { subject: "bare loop", seconds, faults: [] };
}

/** V8's flags of a daemon that starts (native-bindings/launcher/node_process.cc): compiling takes the time of the one processor here. */
const DAEMON_FLAGS = [
  ...["--no-parallel-scavenge", "--max-semi-space-size=1", "--minor-gc-task-trigger=50", "--no-compact"],
  ...["--no-flush-bytecode", "--interrupt-budget=500000", "--no-concurrent-array-buffer-sweeping"],
];

/** The part of ours that does the same as the bare loop, and no more: no configuration, no health (bench/ipvs.ts). */
async function writerRound(host: Host, { services, each }: Size): Promise<GuestRound> {
  const size = ["--services", String(services), "--destinations", String(each)];
  const answer = JSON.parse(
    await host.exec([process.execPath, ...DAEMON_FLAGS, compiled("bench/ipvs.ts"), ...size]),
  ) as WriterReport;
  const seconds = { added: answer.fill / 1000, reweighted: answer.change / 1000, removed: answer.release / 1000 };
  const faults = answer.left === 0 ? answer.problems : [...answer.problems, `${answer.left} services are left`];
  return { subject: "holdfast's writer", seconds, faults };
}

/** Milliseconds. */
interface WriterReport {
  readonly fill: number;
  readonly change: number;
  readonly release: number;
  readonly left: number;
  readonly problems: readonly string[];
}

/**
 * In a network namespace of its own: a destination that is removed stays in its namespace's trash for two minutes, and each that is
 * added is looked up there first, one by one (ip_vs_trash_get_dest). A second round was up to twenty times as slow as the first.
 */
async function afresh(subject: Subject, size: Size): Promise<GuestRound> {
  await using lan = await Lan.create(plainHosts("director"));
  const director = lan.host("director");
  await loadIpvs(director);
  return await subject(director, size, lan.dir);
}

async function main([services = 50, each = 100, rounds = 1]: readonly number[], withPeer: boolean): Promise<void> {
  const size = { services, each };
  const results: GuestRound[] = [];
  const subjects: readonly Subject[] = [
    bareRound,
    writerRound,
    ...(withPeer ? [daemonRound(keepalived)] : []),
    daemonRound(holdfast("kernel")),
  ];
  for (let round = 0; round < rounds; round++)
    for (const subject of subjects) {
      const result = await afresh(subject, size);
      results.push(result);
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }
  await writeFile(path.join(guestResults, guestReport), JSON.stringify(results));
}

if (process.argv[1] === compiled("bench/scenarios/ipvs-rate-guest.ts"))
  await main(process.argv.slice(2, 5).map(Number), process.argv[5] === "keepalived");
