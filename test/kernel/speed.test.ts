import { kernelGroup } from "./group.js";
import { speedSteps } from "./steps.js";

kernelGroup({
  name: "5,000 destinations into an empty table",
  program: "speed.ts",
  steps: Object.values(speedSteps),
  timeoutMs: 400_000,
});
