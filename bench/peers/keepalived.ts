import path from "node:path";
import { keepalived as program } from "../../test/harness/daemon.js";
import { descendants } from "../../test/harness/process-tree.js";
import { configText } from "../measure/farm.js";
import { processorTime, residentMiB } from "../measure/processor-time.js";
import { benchProgram } from "../measure/programs.js";
import { readTableCounts } from "../measure/table-counts.js";
import type { RunningDaemon, StartOptions } from "./peer.js";

let runs = 0;

/** Its checks are real; only its commands to a kernel without IPVS are answered by our library. They are counted in any case. */
async function start({ host, dir, farms, head = "", vrrp, ipvs = "memory" }: StartOptions): Promise<RunningDaemon> {
  const counts = path.join(dir, `keepalived-${runs++}.counts`);
  const library = ipvs === "kernel" ? "ipvs_watch_preload.so" : "keepalived_ipvs_preload.so";
  const environment = ["env", `HOLDFAST_IPVS_COUNTS=${counts}`, `LD_PRELOAD=${benchProgram(library)}`];
  const { name, argv } = program;
  const quietly = argv.filter((word) => word !== "--log-detail");
  const extra = vrrp === true ? [] : ["--check"];
  const known = farms.map(({ ours: _, ...farm }) => farm);
  const text = head + configText(known);
  const daemon = await host.start({ name, argv: [...environment, ...quietly] }, text, extra);
  const all = (): readonly number[] => [daemon.pid, ...descendants(daemon.pid)];
  return {
    daemon,
    startedNs: daemon.startedNs,
    settled: () => Promise.resolve(),
    time: () => processorTime(all()),
    memory: () => {
      const sizes = all().map(residentMiB);
      return { main: Math.max(...sizes), all: sizes.reduce((sum, size) => sum + size, 0) };
    },
    table: () => readTableCounts(counts),
    log: () => daemon.log(),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

export const keepalived = { name: "keepalived", start } as const;
