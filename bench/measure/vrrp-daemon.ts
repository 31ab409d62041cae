import { existsSync, readFileSync, rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Daemon, Program } from "../../test/harness/daemon.js";
import type { Host } from "../../test/harness/host.js";
import { descendants } from "../../test/harness/process-tree.js";
import { compiled } from "../../test/harness/project.js";
import { until } from "../../test/harness/until.js";
import { processorTime, residentMiB } from "./processor-time.js";

/** A daemon that does nothing but VRRP. */
export interface VrrpDaemon {
  readonly daemon: Daemon;
  /** Processor time of all of its processes so far, µs. */
  readonly time: () => number;
  /** Resident memory of the process that does the work, kB. */
  readonly residentKb: () => number;
  /** What lives in the heap and beside it when all garbage is collected, kB; undefined for a program without a collector. */
  readonly livingKb: () => Promise<number | undefined>;
}

let runs = 0;

/** It says what it does by default: --log-detail is for tests. */
export async function startVrrp(host: Host, program: Program, dir: string, config: string): Promise<VrrpDaemon> {
  const ours = program.name === "holdfast";
  const heap = `${dir}/${program.name}-${runs++}.heap`;
  const probe = pathToFileURL(compiled("bench/peers/heap-probe.ts")).href;
  const environment = ours ? ["env", `HOLDFAST_HEAP=${heap}`, `NODE_OPTIONS=--import ${probe}`] : [];
  const quietly = program.argv.filter((word) => word !== "--log-detail");
  const argv = [...environment, ...quietly];
  const daemon = await host.start({ name: program.name, argv }, config, ["--vrrp"]);
  const all = (): readonly number[] => [daemon.pid, ...descendants(daemon.pid)];
  const worker = (): number => daemon.nodePid ?? all().at(-1) ?? daemon.pid;
  return {
    daemon,
    time: () => processorTime(all()).whole,
    residentKb: () => residentMiB(worker()) * 1024,
    livingKb: async () => {
      if (!ours) return undefined;
      rmSync(heap, { force: true });
      process.kill(worker(), "SIGWINCH");
      await until(
        "the heap is counted",
        10_000,
        () => existsSync(heap) && readFileSync(heap, "utf8").endsWith("}"),
        50,
      );
      const { heapUsed, external } = JSON.parse(readFileSync(heap, "utf8")) as NodeJS.MemoryUsage;
      return (heapUsed + external) / 1024;
    },
  };
}
