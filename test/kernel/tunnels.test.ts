import { kernelGroup } from "./group.js";
import { tunnelSteps } from "./steps.js";

kernelGroup({
  name: "traffic through tunnels",
  program: "tunnels.ts",
  steps: Object.values(tunnelSteps),
  timeoutMs: 400_000,
});
