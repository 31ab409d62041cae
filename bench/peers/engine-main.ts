/** A process of its own for engine.ts: the engine in a worker thread, all checks once a second. Exit 3: there is no engine. */
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { native } from "../../native-bindings/load.js";
import { openProbeEngine, type ProbeSpec, quietness } from "../../native-bindings/probe.js";
import { threadCpuTime } from "../../native-bindings/process.js";
import type { LoopCost } from "./bare.js";
import type { EngineJob } from "./engine.js";

const PERIOD_MS = 1000;

const specOf = ({ kind, port, resumed }: EngineJob, address: string): ProbeSpec => ({
  kind,
  address,
  port,
  bindAddress: undefined,
  bindPort: undefined,
  bindInterface: undefined,
  fwmark: 0,
  closeWith: "reset",
  timeout: 3000,
  interval: PERIOD_MS,
  quietFailInterval: PERIOD_MS,
  jitter: 0,
  exchange: undefined,
  urls: kind === "tcp" ? [] : [url(address, port)],
  tls:
    kind === "https"
      ? { resumption: resumed, caFile: undefined, certificateFile: undefined, keyFile: undefined, password: undefined }
      : undefined,
  groups: [],
});

const url = (address: string, port: number): ProbeSpec["urls"][number] => ({
  request: `GET / HTTP/1.0\r\nUser-Agent: holdfast\r\nHost: ${address}:${port}\r\n\r\n`,
  statusCodes: [{ from: 200, to: 200 }],
  digest: undefined,
  body: undefined,
  serverName: undefined,
  tlsCompliant: false,
});

/** In the worker. */
async function measure(job: EngineJob): Promise<LoopCost> {
  let failed = 0;
  const limits = { inFlight: 4000, inFlightPerHost: 0 };
  using engine = openProbeEngine(limits, (_, count) => {
    failed += count; // only what does not pass is told
  });
  const pass = quietness.indexOf("pass");
  for (const [i, address] of job.addresses.entries()) {
    const slot = engine.add(specOf(job, address));
    engine.arm(slot, 1, (i * PERIOD_MS) / job.addresses.length, 0, pass);
  }
  await sleep(2.5 * PERIOD_MS);
  const [before, count] = [threadCpuTime(), engine.counters().completed];
  await sleep(job.seconds * 1000);
  const [after, end] = [threadCpuTime(), engine.counters().completed];
  return { us: ((after - before) * 1000) / (end - count), failed };
}

if (!isMainThread) {
  parentPort?.postMessage(await measure(workerData as EngineJob));
} else if (typeof native === "object" && native !== null && "ProbeEngine" in native) {
  const job = JSON.parse(await text(process.stdin)) as EngineJob;
  const worker = new Worker(new URL(import.meta.url), { workerData: job });
  worker.once("message", (cost: LoopCost) => process.stdout.write(`${JSON.stringify(cost)}\n`));
} else {
  process.exitCode = 3;
}
