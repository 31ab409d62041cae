import { fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import type { Clock } from "../main/clock.js";
import type { TcpCheckConfig } from "../main/config/model.js";
import type { LatencyReport } from "../main/health/latency-report.js";
import { CheckPool } from "../main/health/pool.js";
import { checkId, ms, port } from "../main/units.js";
import type { CheckSpec } from "../workers/protocol.js";

/** A load of TCP checks for benchmarks: what other things do while it runs is their question, what it does itself bench/checks.ts's. */

export interface CheckLoadOptions {
  readonly clock: Clock;
  readonly checks: number;
  readonly delayLoopMs: number;
  readonly threads: number;
}

export interface CheckLoad {
  readonly edgesUp: () => number;
  readonly edgesDown: () => number;
  readonly faults: () => number;
  readonly latency: () => Promise<LatencyReport>;
  /** Ends checks and targets. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts checks of as many loopback addresses and hands them out; all have been attempted once `delayLoopMs` + 1 s later. The
 * targets accept in a process of their own, so that their work is not counted as ours.
 */
export async function startCheckLoad(options: CheckLoadOptions): Promise<CheckLoad> {
  const targets = fork(fileURLToPath(import.meta.url), ["targets"]);
  const [targetPort] = (await once(targets, "message")) as [number];
  const count = { up: 0, down: 0, faults: 0 };
  const pool = new CheckPool({
    clock: options.clock,
    threads: options.threads,
    onEdges: (edges) => {
      for (const { up } of edges) count[up ? "up" : "down"]++;
    },
    onAttempts: () => {},
    onFault: () => count.faults++,
  });
  await pool.start(specs(options, targetPort));
  return {
    edgesUp: () => count.up,
    edgesDown: () => count.down,
    faults: () => count.faults,
    latency: () => pool.latency(),
    stop: async () => {
      await pool.stop();
      targets.disconnect(); // it ends with its parent's channel
      await once(targets, "exit");
    },
  };
}

function* specs({ checks, delayLoopMs }: CheckLoadOptions, targetPort: number): Generator<CheckSpec> {
  const timing = {
    delayLoop: ms(delayLoopMs),
    connectTimeout: ms(5000),
    retry: 1,
    delayBeforeRetry: ms(1000),
    warmup: ms(delayLoopMs),
    alpha: false,
    logAllFailures: false,
  };
  for (let i = 0; i < checks; i++) {
    const address = `127.1.${i >> 8}.${i & 255}`;
    const bind = { bindAddress: undefined, bindPort: undefined, bindInterface: undefined, fwmark: 0 };
    const target = { address, port: port(targetPort), ...bind };
    const check: TcpCheckConfig = { type: "TCP_CHECK", timing, target };
    yield { id: checkId(i + 1), identity: `${address} ${targetPort}`, check, known: undefined };
  }
}

/** One socket on all addresses of 127/8; connections end when the checker resets them. */
function serveTargets(): void {
  const server = createServer((socket) => socket.on("error", () => {}));
  server.listen({ port: 0, host: "0.0.0.0", backlog: 4096 }, () => {
    process.send?.((server.address() as AddressInfo).port);
  });
  process.once("disconnect", () => process.exit());
}

if (process.argv[2] === "targets" && process.argv[1] === fileURLToPath(import.meta.url)) serveTargets();
