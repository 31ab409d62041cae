import { getSystemErrorName } from "node:util";
import { parentPort } from "node:worker_threads";
import { openProbeEngine, type ProbeSpec, reasons, resultWords } from "../../native-bindings/probe.js";
import type { WitnessConfig } from "../config/model-guard.js";

/** The thread that asks witnesses: connecting and waiting is none of the main thread's work. */

/** Main → thread. */
export interface WitnessQuestion {
  readonly id: number;
  readonly witness: WitnessConfig;
}

/** Thread → main, once for each question. */
export interface WitnessAnswer {
  readonly id: number;
  readonly problem: string | undefined;
}

const bySlot = new Map<number, number>();

const engine = openProbeEngine({ inFlight: 64, inFlightPerHost: 0 }, (results, count) => {
  for (let i = 0; i < count; i++) {
    const [slot = 0, , packed = 0, detail = 0, status = 0] = results.subarray(i * resultWords, i * resultWords + 5);
    const id = bySlot.get(slot);
    if (id === undefined) continue;
    bySlot.delete(slot);
    setImmediate(() => engine.remove(slot));
    tell({ id, problem: problemOf(packed, detail, status) });
  }
});

const tell = (answer: WitnessAnswer): void => parentPort?.postMessage(answer);

/** Words of a result: native-bindings/probe/engine.h. Outcome 0 is a success. */
function problemOf(packed: number, detail: number, status: number): string | undefined {
  if ((packed & 0xff) === 0) return undefined;
  if (status > 0) return `status ${status}`;
  const reason = reasons[(packed >>> 12) & 0xf];
  return reason === "errno" && detail > 0 ? getSystemErrorName(-detail) : "no answer in time";
}

function specOf(witness: WitnessConfig): ProbeSpec {
  const { address, timeout } = witness;
  const wait = Math.max(1, Math.ceil(timeout));
  return {
    kind: witness.kind,
    address,
    port: witness.kind === "ping" ? 0 : witness.port,
    bindAddress: undefined,
    bindPort: undefined,
    bindInterface: undefined,
    fwmark: 0,
    closeWith: "reset",
    timeout: wait,
    interval: wait,
    quietFailInterval: wait,
    jitter: 0,
    urls: witness.kind === "http" ? [urlOf(witness)] : [],
    tls: undefined,
    exchange: undefined,
    groups: [],
  };
}

const urlOf = ({ path, host }: Extract<WitnessConfig, { kind: "http" }>): ProbeSpec["urls"][number] => ({
  request: `GET ${path} HTTP/1.0\r\nUser-Agent: holdfast\r\nHost: ${host}\r\n\r\n`,
  statusCodes: [{ from: 200, to: 299 }],
  digest: undefined,
  body: undefined,
  serverName: undefined,
  tlsCompliant: false,
});

parentPort?.on("message", ({ id, witness }: WitnessQuestion) => {
  try {
    const slot = engine.add(specOf(witness));
    bySlot.set(slot, id);
    engine.arm(slot, id & 0x7fff_ffff, 0, 0, 0);
  } catch (error) {
    tell({ id, problem: error instanceof Error ? error.message : String(error) });
  }
});
