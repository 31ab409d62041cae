import { kernelGroup } from "./group.js";
import { healSteps } from "./steps.js";

kernelGroup({
  name: "what others do to the table is repaired",
  program: "heal.ts",
  steps: Object.values(healSteps),
  timeoutMs: 180_000,
});
