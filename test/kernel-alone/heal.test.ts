import { kernelGroup } from "../kernel/group.js";
import { healSteps } from "../kernel/steps.js";

kernelGroup({
  name: "what others do to the table is repaired",
  program: "heal.ts",
  steps: Object.values(healSteps),
  timeoutMs: 500_000,
});
