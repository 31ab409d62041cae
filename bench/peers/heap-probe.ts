/**
 * Loaded into a daemon (`node --import`): on SIGWINCH, which nobody else uses, it collects all garbage and writes what is left to the
 * file that HOLDFAST_HEAP names, as process.memoryUsage() has it.
 */
import { writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread } from "node:worker_threads";

const file = process.env["HOLDFAST_HEAP"];

if (isMainThread && file !== undefined)
  process.on("SIGWINCH", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    collect();
    collect(); // what finalizers have let go of
    writeFileSync(file, JSON.stringify(process.memoryUsage()));
  });
