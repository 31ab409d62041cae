import { Worker } from "node:worker_threads";
import type { FromConfigWorker, ToConfigWorker } from "../config/config-protocol.js";

/** keepalived gives its own validation five seconds; farms with 40,000 real servers on slow machines get more. */
const LIMIT_MS = 60_000;

export type AsideResult = FromConfigWorker | { readonly kind: "failed"; readonly why: string };

/**
 * Reads a configuration in a thread of its own, so that adverts wait neither for a parser nor for its mistakes.
 * `signal` ends it early: the thread may wait for a file server that is gone.
 */
export async function readConfigAside(order: ToConfigWorker, signal?: AbortSignal): Promise<AsideResult> {
  const worker = new Worker(new URL("../config/config-worker.js", import.meta.url), { name: "config" });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      const fail = (why: string): void => resolve({ kind: "failed", why });
      timer = setTimeout(() => fail(`it took more than ${LIMIT_MS / 1000} s`), LIMIT_MS);
      worker.once("message", (answer: FromConfigWorker) => resolve(answer));
      worker.once("error", (error: Error) => fail(error.message));
      worker.once("exit", (code) => fail(`its thread ended with ${code}`));
      signal?.addEventListener("abort", () => fail("it was given up"), { once: true });
      worker.postMessage(order);
    });
  } finally {
    clearTimeout(timer);
    void worker.terminate();
  }
}
