import { kernelGroup } from "./group.js";
import { comingSteps } from "./steps.js";

kernelGroup({
  name: "an IPVS that goes and comes back under the daemon",
  program: "comings.ts",
  steps: Object.values(comingSteps),
  timeoutMs: 400_000,
});
