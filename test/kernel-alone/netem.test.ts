import { kernelGroup } from "../kernel/group.js";
import { netemSteps } from "../kernel/steps.js";

kernelGroup({
  name: "a bad network (netem)",
  program: "netem.ts",
  steps: Object.values(netemSteps),
  timeoutMs: 600_000,
});
