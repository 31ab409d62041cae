import { parentPort } from "node:worker_threads";
import type { ToolResult } from "./iptables.js";
import { runTool } from "./run-tool.js";

/** The thread of ToolThread. */

/** Main → thread. */
export interface ToolOrder {
  readonly id: number;
  readonly argv: readonly [string, ...string[]];
  readonly input: string;
}

/** Thread → main. */
export interface ToolDone extends ToolResult {
  readonly id: number;
}

parentPort?.on("message", ({ id, argv, input }: ToolOrder) => {
  void runTool(argv, input).then((result) => parentPort?.postMessage({ id, ...result } satisfies ToolDone));
});
