import { Worker } from "node:worker_threads";

/** Loads its code beside the caller, who loads his own: at a start that takes as long as everything else of 5,000 real servers. */
export const startConfigThread = (): Worker =>
  new Worker(new URL("../config/config-worker.js", import.meta.url), { name: "config" });
