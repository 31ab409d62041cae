import { parentPort } from "node:worker_threads";
import type { ToConfigWorker } from "./config-protocol.js";
import { handleLoad } from "./config-protocol.js";
import { createHost } from "./host.js";

/** Entry of the config worker: one `load` in, one `loaded` out. Reading and checking never happen in the main thread. */
const port = parentPort;
if (port === null) throw new Error("config-worker.js is started as a worker thread");
port.on("message", (message: ToConfigWorker) => {
  port.postMessage(handleLoad(message, createHost({ configId: message.configId })));
});
