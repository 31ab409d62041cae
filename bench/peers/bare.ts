import type { Host } from "../../test/harness/host.js";
import type { Farm } from "../measure/farm.js";
import { farmNetwork } from "../measure/farm.js";
import { benchProgram } from "../measure/programs.js";

export interface Load {
  readonly host: Host;
  readonly check: Farm["check"];
  readonly port: number;
  /** Checks a second, one address each. */
  readonly rate: number;
  readonly seconds: number;
  readonly resumed: boolean;
}

export interface LoopCost {
  /** Processor time per completed check, µs. */
  readonly us: number;
  readonly failed: number;
}

/** What bench/native/bare_loops.cc prints. */
interface BareResult {
  readonly completed: number;
  readonly failed: number;
  readonly cpu_us_user: number;
  readonly cpu_us_system: number;
  /** Why it could not run. */
  readonly error?: string;
}

/** The floor: the plainest loop that does what a check must do. Undefined where the kernel or the build refuses it. */
export async function bareCost(how: "epoll" | "io_uring", load: Load): Promise<LoopCost | undefined> {
  const { host, check, port, rate, seconds } = load;
  const kind = check === "https" ? "tls" : check;
  const options = {
    "--target": `${farmNetwork.address}:${port}`,
    "--addresses": String(rate),
    "--concurrency": "1000",
    "--rate": String(rate),
    "--count": String(Math.round(rate * seconds)),
    "--loop": how,
  };
  const argv = [benchProgram("bare_loops"), kind, ...Object.entries(options).flat()];
  const { code, stdout, stderr } = await host.attempt(argv);
  if (how === "io_uring" && code !== 0) return undefined;
  if (code !== 0) throw new Error(`bare_loops ended with ${code}: ${stderr.trim()}`);
  const { completed, failed, cpu_us_user, cpu_us_system, error } = JSON.parse(stdout) as BareResult;
  if (error !== undefined || completed === 0) return undefined;
  return { us: (cpu_us_user + cpu_us_system) / completed, failed };
}
