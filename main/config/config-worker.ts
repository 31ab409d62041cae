import { parentPort } from "node:worker_threads";
import { errnoName } from "../errors.js";
import { saveAccepted } from "./accepted.js";
import type { FromConfigWorker, ToConfigWorker } from "./config-protocol.js";
import { handleLoad } from "./config-protocol.js";
import { createHost } from "./host.js";

/** What has errors is not taken at a reload, so it is not what is in force. @returns errno name of a failure */
function keep({ config, errors }: FromConfigWorker, keepAt: string | undefined): string | undefined {
  if (config === undefined || errors || keepAt === undefined) return undefined;
  try {
    saveAccepted(keepAt, config);
    return undefined;
  } catch (error) {
    const reason = errnoName(error);
    if (reason === undefined) throw error;
    return reason;
  }
}

/** Entry of the config worker: one `load` in, one `loaded` out. Reading and checking never happen in the main thread. */
const port = parentPort;
if (port === null) throw new Error("config-worker.js is started as a worker thread");
port.on("message", (message: ToConfigWorker) => {
  const answer = handleLoad(message, createHost({ configId: message.configId }));
  port.postMessage({ ...answer, notKept: keep(answer, message.keepAt) });
});
