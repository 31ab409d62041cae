import { compiled } from "../../test/harness/project.js";
import { serverAddress } from "../measure/farm.js";
import type { Load, LoopCost } from "./bare.js";

export interface EngineJob {
  readonly kind: "tcp" | "http" | "https";
  readonly port: number;
  readonly addresses: readonly string[];
  readonly seconds: number;
  readonly resumed: boolean;
}

/** The probe engine in one worker thread, with nothing of the daemon around it. Undefined where it is not built. */
export async function engineCost({ host, check, port, rate, seconds, resumed }: Load): Promise<LoopCost | undefined> {
  const addresses = Array.from({ length: rate }, (_, i) => serverAddress(i));
  const job: EngineJob = { kind: check, port, addresses, seconds, resumed };
  const input = JSON.stringify(job);
  const argv = [process.execPath, compiled("bench/peers/engine-main.ts")];
  const { code, stdout, stderr } = await host.attempt(argv, { input });
  if (code === 3) return undefined;
  if (code !== 0) throw new Error(`the engine alone ended with ${code}: ${stderr.trim()}`);
  return JSON.parse(stdout) as LoopCost;
}
