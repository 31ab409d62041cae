import type { Host } from "../../test/harness/host.js";
import { quantile } from "../figures.js";
import { LineProgram } from "./line-program.js";
import { benchProgram } from "./programs.js";

/** What bench/native/arrival_target.cc prints for `stats`; times of CLOCK_MONOTONIC in ns, lateness in µs. */
export interface ArrivalStats {
  /** Since the last `period`. */
  readonly accepts: number;
  /** Addresses that were connected to at least once. */
  readonly distinct: number;
  readonly firstNs: number;
  readonly newestNs: number;
  readonly nowNs: number;
  readonly gaps: number;
  /** Gaps shorter than the period. */
  readonly early: number;
  readonly late100ms: number;
  /** Addresses whose next connection is missing for more than 100 ms. */
  readonly overdue: number;
  readonly quantiles: readonly (readonly [quantile: number, us: number])[];
}

/** The target of TCP checks that tells how regularly each of its addresses is checked. */
export class ArrivalTarget implements AsyncDisposable {
  readonly #program: LineProgram;

  private constructor(program: LineProgram) {
    this.#program = program;
  }

  static async start(host: Host, port: number, network: string, addresses: number): Promise<ArrivalTarget> {
    const argv = [benchProgram("arrival_target"), String(port), network, String(addresses)];
    return new ArrivalTarget(await LineProgram.start(host, argv));
  }

  async stats(): Promise<ArrivalStats> {
    return (await this.#program.ask("stats")) as ArrivalStats;
  }

  /** What is measured starts now. */
  async expectEvery(seconds: number): Promise<void> {
    await this.#program.ask(`period ${Math.round(seconds * 1e6)}`);
  }

  /** @returns when, ns of CLOCK_MONOTONIC */
  async down(): Promise<number> {
    return ((await this.#program.ask("down")) as { readonly nowNs: number }).nowNs;
  }

  async up(): Promise<void> {
    await this.#program.ask("up");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program.stop();
  }
}

/** Lateness in ms, for a distribution. */
export const latenessMs = ({ quantiles }: ArrivalStats): (readonly [number, number])[] =>
  quantiles.map(([q, us]) => [q, us / 1000]);

export const latenessAt = (stats: ArrivalStats, q: number): number =>
  (quantile(stats.quantiles, q) ?? Number.NaN) / 1000;
