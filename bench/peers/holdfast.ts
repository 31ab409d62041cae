import path from "node:path";
import { pathToFileURL } from "node:url";
import { holdfast as program } from "../../test/harness/daemon.js";
import { descendants } from "../../test/harness/process-tree.js";
import { compiled } from "../../test/harness/project.js";
import { until } from "../../test/harness/until.js";
import { configText } from "../measure/farm.js";
import { checkerThreads, processorTime, residentMiB } from "../measure/processor-time.js";
import { readTableCounts } from "../measure/table-counts.js";
import type { RunningDaemon, StartOptions } from "./peer.js";

/** What our daemon can tell beside what every checker can. */
export interface RunningHoldfast extends RunningDaemon {
  readonly controlSocket: string;
  readonly threads: () => number;
}

let runs = 0;

/** The whole daemon. */
async function start({
  host,
  dir,
  farms,
  threads,
  head = "",
  vrrp,
  ipvs = "memory",
  loopProbe,
}: StartOptions): Promise<RunningHoldfast> {
  const counts = path.join(dir, `holdfast-${runs++}.counts`);
  const probes = ["bench/peers/table-probe.ts", ...(loopProbe === undefined ? [] : ["bench/loop-probe.ts"])];
  const options = probes.map((probe) => `--import ${pathToFileURL(compiled(probe)).href}`).join(" ");
  const environment = ["env", `HOLDFAST_IPVS_COUNTS=${counts}`, `NODE_OPTIONS=${options}`];
  if (loopProbe !== undefined) environment.push(`HOLDFAST_LOOP_PROBE=${loopProbe}`);
  const { name, argv } = program(ipvs);
  const quietly = argv.filter((word) => word !== "--log-detail");
  const extra = vrrp === true ? [] : ["--check"];
  const text = head + configText(farms, threads);
  const daemon = await host.start({ name, argv: [...environment, ...quietly] }, text, extra);
  await until("the daemon's process is there", 20_000, () => daemon.nodePid !== undefined);
  const main = daemon.nodePid ?? 0;
  const all = (): readonly number[] => [daemon.pid, ...descendants(daemon.pid)];
  return {
    daemon,
    startedNs: daemon.startedNs,
    settled: () => spareLoaded(() => all().filter((pid) => pid !== main)),
    time: () => {
      if (daemon.nodePid !== main) throw new Error("the daemon was started again meanwhile");
      const { checking } = processorTime([main]);
      return { whole: processorTime(all()).whole, checking };
    },
    memory: () => ({ main: residentMiB(main), all: all().reduce((sum, pid) => sum + residentMiB(pid), 0) }),
    table: () => readTableCounts(counts),
    log: () => daemon.log(),
    controlSocket: daemon.files.controlSocket,
    threads: () => checkerThreads(main),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** The spare loads its code once, beside the first checks: no part of a steady state. */
async function spareLoaded(helpers: () => readonly number[]): Promise<void> {
  let last = Number.POSITIVE_INFINITY;
  const idle = (): boolean => {
    const now = processorTime(helpers()).whole;
    const worked = now - last;
    last = now;
    return worked >= 0 && worked < 5000;
  };
  await until("the spare is idle", 30_000, idle, 500);
}

export const holdfast = { name: "holdfast", start } as const;
