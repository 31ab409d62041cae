import type { Host } from "../../test/harness/host.js";
import { LineProgram } from "./line-program.js";
import { benchProgram } from "./programs.js";

/** A port of bench/native/target_server.cc and what happens to who connects to it. */
export interface TargetPort {
  readonly mode:
    | "tcp"
    | "http"
    | "https"
    | "silent"
    | "reset"
    | "never-fin"
    | "trickle"
    | "tls-trickle"
    | "accept-never";
  readonly port: number;
}

export interface PortCounts {
  readonly port: number;
  readonly accepted: number;
  readonly requests: number;
  readonly handshakes: number;
  readonly resumed: number;
  readonly failed: number;
}

export class TargetServer {
  readonly #program: LineProgram;

  private constructor(program: LineProgram) {
    this.#program = program;
  }

  static async start(host: Host, ports: readonly TargetPort[]): Promise<TargetServer> {
    const options = ports.flatMap(({ mode, port }) => [`--${mode}`, String(port)]);
    return new TargetServer(await LineProgram.start(host, [benchProgram("target_server"), ...options]));
  }

  /** Since its start. */
  async counts(port: number): Promise<PortCounts> {
    const answer = (await this.#program.ask("stats")) as { readonly ports: readonly PortCounts[] };
    const counts = answer.ports.find((counts) => counts.port === port);
    if (counts === undefined) throw new Error(`the target knows no port ${port}`);
    return counts;
  }
}
