import { parentPort } from "node:worker_threads";
import type { Clock } from "../clock.js";
import { ms } from "../units.js";
import { FileFollower } from "./file-follower.js";
import type { FileInit } from "./file-monitor.js";

/** The thread that reads tracked files: a disk or file server that hangs holds up this one, and nobody else. */

/** Main → thread. */
export type FileOrder =
  | { readonly kind: "watch"; readonly id: number; readonly path: string; readonly init: FileInit | undefined }
  | { readonly kind: "unwatch"; readonly id: number };

/** Thread → main: the text of a file, undefined when there is none. */
export interface FileReport {
  readonly id: number;
  readonly text: string | undefined;
}

const clock: Clock = {
  now: () => ms(performance.now()),
  after: (delay, fn) => {
    const timer = setTimeout(fn, Math.ceil(delay));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
const followers = new Map<number, FileFollower>();

parentPort?.on("message", (order: FileOrder) => {
  const { id } = order;
  followers.get(id)?.[Symbol.dispose]();
  followers.delete(id);
  if (order.kind === "unwatch") return;
  const tell = (text: string | undefined): void => parentPort?.postMessage({ id, text } satisfies FileReport);
  followers.set(id, new FileFollower(clock, order.path, order.init, tell));
});
