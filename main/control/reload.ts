import { Worker } from "node:worker_threads";
import type { FromConfigWorker, ToConfigWorker } from "../config/config-protocol.js";

/**
 * Reads a configuration in a thread of its own, so that adverts do not wait for a parser.
 * @throws Error when the thread fails: a bug, and the running configuration stays
 */
export async function readConfigAside(order: ToConfigWorker): Promise<FromConfigWorker> {
  const worker = new Worker(new URL("../config/config-worker.js", import.meta.url), { name: "config" });
  try {
    return await new Promise((resolve, reject) => {
      worker.once("message", (answer: FromConfigWorker) => resolve(answer));
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the thread that reads the configuration ended with ${code}`)));
      worker.postMessage(order);
    });
  } finally {
    void worker.terminate();
  }
}
