import { kernelGroup } from "./group.js";
import { crashSteps } from "./steps.js";

kernelGroup({
  name: "SIGSEGV to the daemon of the master",
  program: "crash.ts",
  steps: Object.values(crashSteps),
  timeoutMs: 400_000,
});
