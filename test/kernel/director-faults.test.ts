import { kernelGroup } from "./group.js";
import { faultSteps } from "./steps.js";

kernelGroup({
  name: "removal_floor and self_check in the kernel's table",
  program: "director-faults.ts",
  steps: Object.values(faultSteps),
  timeoutMs: 500_000,
});
