import { kernelGroup } from "./group.js";
import { pairSteps } from "./steps.js";

kernelGroup({
  name: "LVS-DR pair",
  program: "pair.ts",
  steps: Object.values(pairSteps),
  timeoutMs: 400_000,
});
